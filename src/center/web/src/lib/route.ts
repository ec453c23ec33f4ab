// The address behind the '#': which view, which alert, which list. Kept in the address so that a link in an
// e-mail opens the alert, and Back works.
//
//   parse_route("#/alerts/12?state=confirmed")  // {view: "alerts", alert: 12, state: "confirmed"}
import type { AlertState } from "./contract";

export interface Route {
  view: "alerts" | "health";
  alert: number | null;
  state: AlertState;
}

export function parse_route(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#/, "").split("?");
  const wanted = new URLSearchParams(query).get("state");
  const state = wanted === "confirmed" || wanted === "dismissed" ? wanted : "open";
  if (path === "/health") return { view: "health", alert: null, state };
  const id = /^\/alerts\/(\d{1,15})$/.exec(path)?.[1];
  return { view: "alerts", alert: id === undefined ? null : Number(id), state };
}

export function route_hash(route: Route): string {
  if (route.view === "health") return "#/health";
  const id = route.alert === null ? "" : `/${route.alert}`;
  return `#/alerts${id}${route.state === "open" ? "" : `?state=${route.state}`}`;
}
