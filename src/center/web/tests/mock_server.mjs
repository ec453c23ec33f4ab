// A stand-in for the server while the page is built and tested: docs/center-api.md over made-up alerts, and the
// built page with the headers that the real server sends. Node only, no packages.
//
//   node tests/mock_server.mjs --port 8099 --dist dist [--seed 1] [--alert-every-s 8]   (user maria or admin, password "letmein-please")
//
//   const mock = await start_mock({dist: "dist", seed: 1});   // in a test
//   mock.add_alert(); mock.cut_streams(); mock.down = true; await mock.close();
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import {
  guard_alert, hostile_alert, make_alert, make_deliveries, make_now, make_scores, random_of,
} from "./mock_data.mjs";
import { openapi } from "./mock_openapi.mjs";

export const mock_password = "letmein-please";
const users = { maria: "analyst", admin: "admin" };
const body_bytes_max = 64 * 1024;
const wrong_passwords_max = 5;
const lock_s = 60;

const types = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml", ".png": "image/png",
};
export const page_headers = {
  "Content-Security-Policy":
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
};

class Problem extends Error {
  constructor(status, title, detail, headers = {}) {
    super(title);
    Object.assign(this, { status, title, detail, headers });
  }
}

class Mock {
  constructor({ dist, seed = 1, alerts = 63 }) {
    this.dist = dist;
    this.random = random_of(seed);
    this.down = false;     // every API route answers 503
    this.delay_ms = 0;     // before each API answer
    this.sessions = new Map();
    this.wrong = new Map();
    this.streams = new Set();
    this.alerts = [];
    this.deliveries = make_deliveries();
    this.status = { mode: "decide", model: "demo-2026-02", guard: false, journal: { sequence: 123456, bytes: 812_345_678 }, version: "0.1.0" };
    this.fill(alerts);
    this.requests = [];    // "METHOD path" of each API request, for tests
  }

  fill(alerts) {
    const now = Date.now();
    for (let id = 1; id <= alerts; ++id) {
      const age_ms = (alerts - id) ** 1.6 * 20_000 + 15_000;
      this.alerts.unshift(make_alert(this.random, id, now - age_ms));
    }
    for (const alert of this.alerts.slice(Math.min(14, alerts))) {
      if (this.random() < 0.8) this.decide(alert, this.random() < 0.4 ? "confirmed" : "dismissed", "", "jonas");
    }
    this.history = [];
    for (let second = 900; second > 0; --second) this.history.push(make_now(this.random, now - second * 1000, this.counts().open));
  }

  counts() {
    const counts = { open: 0, confirmed: 0, dismissed: 0 };
    for (const alert of this.alerts) ++counts[alert.state];
    return counts;
  }

  add_alert(make = make_alert, over = {}) {
    const id = (this.alerts[0]?.id ?? 0) + 1;
    const alert = { ...make === guard_alert ? guard_alert(id, Date.now()) : make(this.random, id, Date.now()), ...over };
    this.alerts.unshift(alert);
    this.broadcast("alert", summary(alert));
    return alert;
  }

  add_hostile() { return this.add_alert(hostile_alert); }
  add_guard() { return this.add_alert(guard_alert); }

  decide(alert, verdict, note, user) {
    Object.assign(alert, {
      state: verdict, note, verdict_by: user, verdict_at: new Date().toISOString(), updated: new Date().toISOString(),
    });
  }

  broadcast(event, data) {
    for (const stream of this.streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  tick() {
    const now = make_now(this.random, Date.now(), this.counts().open);
    this.history.push(now);
    this.history = this.history.slice(-900);
    if (!this.down) this.broadcast("stats", now);
  }

  cut_streams() {
    for (const stream of this.streams) stream.destroy();
    this.streams.clear();
  }

  end_sessions() { this.sessions.clear(); this.cut_streams(); }

  // ---- routes -------------------------------------------------------------------------------------------

  async answer(request, response) {
    const url = new URL(request.url, "http://mock");
    if (url.pathname.startsWith("/api/")) return this.answer_api(request, response, url);
    if (url.pathname.startsWith("/v1/")) return this.answer_v1(request, response, url);
    if (url.pathname === "/openapi.json") return send_json(response, 200, openapi);
    return this.answer_file(response, url.pathname);
  }

  async answer_api(request, response, url) {
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.delay_ms) await new Promise((done) => setTimeout(done, this.delay_ms));
    if (this.down) throw new Problem(503, "Not ready", "The server is starting and reads its journal");
    if (request.method !== "GET") check_same_site(request);
    const body = request.method === "POST" ? await read_json(request) : null;
    const key = `${request.method} ${url.pathname}`;
    if (key === "POST /api/session") return this.sign_in(response, body);
    const me = this.who(request);
    for (const [pattern, route] of this.routes()) {
      const match = pattern.exec(key);
      if (match) return route({ request, response, url, body, me, id: Number(match[1]) });
    }
    throw new Problem(404, "No such route", `${key} is not part of the API`);
  }

  routes() {
    return [
      [/^DELETE \/api\/session$/, (call) => this.sign_out(call)],
      [/^GET \/api\/me$/, ({ response, me }) => send_json(response, 200, me)],
      [/^GET \/api\/alerts$/, ({ response, url }) => send_json(response, 200, this.page(url.searchParams))],
      [/^GET \/api\/alerts\/(\d+)$/, ({ response, id }) => send_json(response, 200, this.find(id))],
      [/^POST \/api\/alerts\/(\d+)\/verdict$/, (call) => this.verdict(call)],
      [/^GET \/api\/stats$/, ({ response }) => send_json(response, 200, this.stats())],
      [/^GET \/api\/status$/, ({ response }) => send_json(response, 200, this.status)],
      [/^GET \/api\/stream$/, (call) => this.stream(call)],
      [/^GET \/api\/deliveries$/, ({ response, url }) => send_json(response, 200,
        { deliveries: this.deliveries.filter((one) => one.state === (url.searchParams.get("state") ?? one.state)) })],
      [/^POST \/api\/deliveries\/(\d+)\/retry$/, (call) => this.retry(call)],
    ];
  }

  sign_in(response, { user, password }) {
    const wrong = this.wrong.get(user) ?? { count: 0, until: 0 };
    if (Date.now() < wrong.until) {
      const wait = Math.ceil((wrong.until - Date.now()) / 1000);
      throw new Problem(429, "Too many attempts", `Too many wrong passwords for ${user}`, { "Retry-After": String(wait) });
    }
    if (!users[user] || password !== mock_password) {
      wrong.count += 1;
      if (wrong.count >= wrong_passwords_max) Object.assign(wrong, { count: 0, until: Date.now() + lock_s * 1000 });
      this.wrong.set(user, wrong);
      throw new Problem(401, "Wrong user or password", "The user or the password is wrong");
    }
    const token = randomBytes(32).toString("hex");
    this.sessions.set(token, { user, role: users[user] });
    response.setHeader("Set-Cookie", `paywarden_session=${token}; HttpOnly; SameSite=Strict; Path=/`);
    return send_empty(response);
  }

  sign_out({ request, response }) {
    this.sessions.delete(token_of(request));
    return send_empty(response);
  }

  who(request) {
    const me = this.sessions.get(token_of(request));
    if (!me) throw new Problem(401, "Sign in", "There is no session, or it ended");
    return me;
  }

  page(query) {
    const state = query.get("state") ?? "open";
    const before = Number(query.get("before") ?? Infinity);
    const limit = Number(query.get("limit") ?? 50);
    const rows = this.alerts.filter((alert) => alert.state === state && alert.id < before);
    const alerts = rows.slice(0, limit).map(summary);
    return { alerts, next: rows.length > limit ? alerts.at(-1).id : null, counts: this.counts() };
  }

  find(id) {
    const alert = this.alerts.find((one) => one.id === id);
    if (!alert) throw new Problem(404, "No such alert", `There is no alert ${id}`);
    return alert;
  }

  verdict({ response, body, me, id }) {
    const alert = this.find(id);
    if (!["confirmed", "dismissed"].includes(body.verdict)) throw new Problem(422, "verdict", "verdict must be confirmed or dismissed");
    this.decide(alert, body.verdict, body.note ?? "", me.user);
    this.broadcast("alert", summary(alert));
    return send_json(response, 200, alert);
  }

  stats() {
    return { now: this.history.at(-1), history: this.history, scores: { counts: make_scores() }, decided: 1_234_567 };
  }

  stream({ request, response }) {
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    response.write(": ping\n\n");
    this.streams.add(response);
    request.on("close", () => this.streams.delete(response));
  }

  retry({ response, me, id }) {
    if (me.role !== "admin") throw new Problem(403, "Not allowed", "Only an admin may retry a delivery");
    const delivery = this.deliveries.find((one) => one.id === id);
    if (!delivery) throw new Problem(404, "No such delivery", `There is no delivery ${id}`);
    Object.assign(delivery, { state: "waiting", next_attempt: new Date().toISOString() });
    return send_empty(response);
  }

  async answer_v1(request, response, url) {
    if (!/^Bearer ./.test(request.headers.authorization ?? "")) {
      throw new Problem(401, "No API key", "Send the key as `Authorization: Bearer KEY`");
    }
    const body = request.method === "POST" ? await read_json(request) : {};
    send_json(response, 200, { payment_id: body.id ?? url.pathname.split("/").at(-1), score: 0.03, outcome: "approve", reasons: [], rules: [] });
  }

  async answer_file(response, path) {
    const name = path === "/" ? "/index.html" : path === "/docs" ? "/docs.html" : path;
    if (normalize(name) !== name) throw new Problem(404, "No such page", path);
    const bytes = await readFile(join(this.dist, name)).catch(() => null);
    if (!bytes) throw new Problem(404, "No such page", `There is no page ${path}`);
    response.writeHead(200, { ...page_headers, "Content-Type": types[extname(name)] ?? "application/octet-stream" });
    response.end(bytes);
  }
}

const summary = ({ payments_list, recent, verdict_by, verdict_at, note, ...rest }) => rest;
const token_of = (request) => /paywarden_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];

function check_same_site(request) {
  const origin = request.headers.origin;
  if (request.headers["x-paywarden-request"] !== "1" || (origin && new URL(origin).host !== request.headers.host)) {
    throw new Problem(403, "Not from this page", "The header X-Paywarden-Request: 1 is missing, or another site asked");
  }
}

async function read_json(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > body_bytes_max) throw new Problem(413, "Too large", `The body is over ${body_bytes_max} bytes`);
  }
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    throw new Problem(400, "Not JSON", "The body is not JSON");
  }
}

function send_json(response, status, value, headers = {}) {
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { ...page_headers, "Content-Type": type, "Cache-Control": "no-store", ...headers });
  response.end(JSON.stringify(value));
}

function send_empty(response) {
  response.writeHead(204, page_headers);
  response.end();
}

export async function start_mock({ port = 0, dist, seed = 1, alerts = 63 }) {
  const mock = new Mock({ dist, seed, alerts });
  const server = createServer((request, response) => {
    mock.answer(request, response).catch((problem) => {
      if (!(problem instanceof Problem)) console.error(problem);
      const { status = 500, title = "Broken mock", detail = String(problem), headers = {} } = problem;
      send_json(response, status, { title, detail, status }, headers);
    });
  });
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  const timer = setInterval(() => mock.tick(), 1000);
  mock.url = `http://127.0.0.1:${server.address().port}`;
  mock.close = () => {
    clearInterval(timer);
    mock.cut_streams();
    return new Promise((done) => { server.close(done); server.closeAllConnections(); });
  };
  return mock;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name, fallback) => {
    const i = process.argv.indexOf(`--${name}`);
    return i < 0 ? fallback : process.argv[i + 1];
  };
  const mock = await start_mock({
    port: Number(option("port", 8099)), dist: option("dist", "dist"), seed: Number(option("seed", 1)),
  });
  setInterval(() => mock.add_alert(), Number(option("alert-every-s", 8)) * 1000);
  console.log(`listening on ${mock.url} (user maria or admin, password ${mock_password})`);
}
