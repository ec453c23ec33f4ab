// The present route, kept in step with the address.
import { parse_route, route_hash, type Route } from "./route";

class Router {
  route = $state.raw<Route>(parse_route(location.hash));

  constructor() {
    window.addEventListener("hashchange", () => (this.route = parse_route(location.hash)));
  }

  /** Goes to `change` over the present route; `replace` leaves no step for Back. */
  go(change: Partial<Route>, replace = false): void {
    const next = { ...this.route, ...change };
    if (replace) history.replaceState(null, "", route_hash(next));
    else history.pushState(null, "", route_hash(next));
    this.route = next;
  }
}

export const router = new Router();
