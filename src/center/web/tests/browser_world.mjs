// What every browser check stands on: Chromium, pages that record each thing that must not happen (an error on the
// console, a breach of the content security policy, a request to another host, a card number), and small helpers.
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { find_pan } from "./pan_scan.mjs";

/** How long anything on the page may take to appear, in ms; generous for a loaded machine. */
export const appear_ms_max = 20_000;

/** A body that nobody reads to its end would be waited for without end, in ms. */
const body_ms_max = 10_000;
const after = (ms) => new Promise((done) => setTimeout(() => done(null), ms).unref());

const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
// Statuses that a test provokes; the browser itself writes each to the console as an error.
const provoked = /Failed to load resource: the server responded with a status of (401|403|404|429|503)|net::ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|CONNECTION_RESET|ABORTED)/;

export class World {
  constructor({ url, user, password, pans, chromium_path }) {
    Object.assign(this, { url, user, password, pans, chromium_path, bad: [], bodies: [] });
  }

  async start() {
    this.profile = mkdtempSync(join(tmpdir(), "paywarden-browser-"));
    this.browser = await chromium.launch({
      executablePath: this.chromium_path, args: flags, env: { ...process.env, HOME: this.profile },
    });
  }

  async stop() {
    await this.browser?.close();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A page of its own session. */
  async page({ width = 1280, height = 800, scheme = "light" } = {}) {
    const context = await this.browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.setDefaultTimeout(appear_ms_max);
    await this.watch(page);
    return page;
  }

  async watch(page) {
    await page.exposeFunction("paywarden_violation", (text) => this.bad.push(`policy: ${text}`));
    await page.addInitScript(() => document.addEventListener("securitypolicyviolation",
      (event) => window.paywarden_violation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !provoked.test(message.text())) this.bad.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.bad.push(`page: ${error.stack}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(`${this.url()}/`)) this.bad.push(`another host: ${request.url()}`);
    });
    page.on("response", (response) => this.bodies.push(this.scan_response(response)));
  }

  async scan_response(response) {
    if ((response.headers()["content-type"] ?? "").includes("event-stream")) return;
    const read = response.text().catch(() => "");  // a body that went with its page
    const text = await Promise.race([read, after(body_ms_max)]);
    if (text === null) this.bad.push(`no end of the body: ${response.url()}`);
    else this.scan(text, response.url());
  }

  scan(text, where) {
    const pan = find_pan(text, this.pans);
    if (pan) this.bad.push(`card number ${pan} in ${where}`);
  }

  /** After each check: nothing forbidden happened, and the page shows no card number. */
  async assert_clean(page) {
    if (page && !page.isClosed()) this.scan(await page.evaluate(() => document.documentElement.outerHTML + document.body.innerText), page.url());
    await Promise.all(this.bodies.splice(0));
    assert.deepEqual(this.bad, []);
  }

  async sign_in(page, user = this.user, password = this.password) {
    await page.goto(`${this.url()}/`);
    await page.fill("#user", user);
    await page.fill("#password", password);
    await page.click("button[type=submit]");
    await page.waitForSelector("section.list nav");
    await page.waitForSelector("[data-alert], .empty");
  }
}

export async function until(words, check, ms = appear_ms_max) {
  const end = Date.now() + ms;
  for (;;) {
    if (await check()) return;
    assert.ok(Date.now() < end, `waited ${ms} ms for: ${words}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export const row_ids = (page) =>
  page.$$eval("[data-alert]", (rows) => rows.map((row) => Number(row.getAttribute("data-alert"))));

export const detail_text = (page) => page.innerText("section.detail");

/** Moves the pointer and focus out of the list, so that new alerts come in by themselves. */
export async function leave_list(page) {
  await page.mouse.move(900, 20);
  await page.evaluate(() => document.activeElement?.blur());
}

/** Nothing is wider than the screen, and no text is cut that has no ellipsis. */
export async function assert_fits(page, where) {
  const { wide, culprit } = await page.evaluate(() => {
    const beyond = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > window.innerWidth + 0.5);
    return { wide: document.documentElement.scrollWidth - window.innerWidth, culprit: beyond[0]?.outerHTML.slice(0, 200) };
  });
  assert.ok(wide <= 0, `${where}: ${wide} px wider than the screen: ${culprit}`);
}

/** Text against its ground (WCAG 2.1, 1.4.3): 4.5, or 3 for large text. */
export async function assert_contrast(page, where) {
  const poor = await page.evaluate(() => {
    const parse = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const ground_of = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = parse(getComputedStyle(at).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) return colour;
      }
      return [255, 255, 255];
    };
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
      const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
      const box = element.getBoundingClientRect();
      if (!own || box.width < 2 || element.closest("svg, :disabled, .unseen")) continue;
      const style = getComputedStyle(element);
      const [a, b] = [luminance(parse(style.color)), luminance(ground_of(element))].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${element.className} "${element.textContent.trim().slice(0, 30)}"`);
    }
    return found;
  });
  assert.deepEqual(poor, [], `${where}: poor contrast`);
}
