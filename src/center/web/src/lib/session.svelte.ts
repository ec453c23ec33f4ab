// Who is signed in. `me` is undefined until the server has said, null when nobody is.
import { ApiProblem, get_me, on_signed_out, sign_in, sign_out } from "./api";
import type { Me } from "./contract";

class Session {
  me = $state.raw<Me | null | undefined>(undefined);
  /** The session ended while the page was open: the sign-in form says so. */
  ended = $state(false);
  /** Why the server could not be asked, in words; empty when it could. */
  trouble = $state("");

  get is_admin(): boolean {
    return this.me?.role === "admin";
  }

  async start(): Promise<void> {
    on_signed_out(() => this.drop());
    this.trouble = "";
    try {
      this.me = await get_me();
    } catch (problem) {
      if (problem instanceof ApiProblem && problem.status === 401) this.me = null;
      else this.trouble = (problem as Error).message;
    }
  }

  async enter(user: string, password: string): Promise<void> {
    await sign_in(user, password);
    this.me = await get_me();
    this.ended = false;
  }

  async leave(): Promise<void> {
    await sign_out();
    this.me = null;
    this.ended = false;
  }

  private drop(): void {
    this.ended = this.me !== null && this.me !== undefined;
    this.me = null;
  }
}

export const session = new Session();
