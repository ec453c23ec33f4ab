// Checks the page in real Chromium, against the mock server or a running Paywarden.
//
//   node tests/browser.mjs --dist dist                                    (the mock: everything)
//   node tests/browser.mjs --url http://127.0.0.1:8080 --user maria --password-file F [--pans FILE]
//     (a real server that raises alerts while this runs: an analyst's way; --pans: card numbers, one a line, that
//      must be nowhere in the page or in any answer)
//   [--shots FOLDER] keeps screenshots   [--only WORDS] runs the checks whose name contains WORDS
//   [--chromium /usr/bin/chromium]
import { strict as assert } from "node:assert";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { checks } from "./browser_checks.mjs";
import { mock_checks } from "./browser_mock_checks.mjs";
import { World } from "./browser_world.mjs";
import { mock_password, start_mock } from "./mock_server.mjs";
import { find_pan, passes_luhn, read_pans } from "./pan_scan.mjs";

const text = { type: "string" };
const { values: options } = parseArgs({
  options: {
    url: text, user: text, "password-file": text, pans: text, shots: text, only: { ...text, default: "" },
    dist: { ...text, default: "dist" }, chromium: { ...text, default: "/usr/bin/chromium" },
  },
});

const stream_scan_ms = 5000;

async function main() {
  if (!existsSync(options.chromium)) throw new Error(`${options.chromium} is not there: install chromium, or name it with --chromium`);
  assert_scanner();
  const folder = options.shots ?? mkdtempSync(join(tmpdir(), "paywarden-shots-"));
  mkdirSync(folder, { recursive: true });
  const world = new World({
    user: options.user ?? "maria", chromium_path: options.chromium,
    password: options["password-file"] ? readFileSync(options["password-file"], "utf8").trim() : mock_password,
    pans: options.pans ? read_pans(options.pans) : new Set(),
    url: () => options.url?.replace(/\/$/, "") ?? world.mock.url,
  });
  world.shot = (name) => join(folder, `${name}.png`);
  await world.start();
  const failed = await run_all(world);
  await world.stop();
  process.exitCode = failed ? 1 : 0;
}

async function run_all(world) {
  const all = Object.entries(options.url ? { ...checks, "the stream carries no card number": scan_stream } : { ...checks, ...mock_checks });
  const chosen = all.filter(([name]) => name.includes(options.only));
  let failed = 0;
  for (const [name, check] of chosen) failed += (await run_one(world, name, check)) ? 0 : 1;
  console.log(`${chosen.length - failed} passed, ${failed} failed`);
  return failed || !chosen.length;
}

// Each check has a mock of its own (or the one real server), and pages of its own.
async function run_one(world, name, check) {
  const start = Date.now();
  if (!options.url) {
    world.mock = await start_mock({ dist: options.dist });
    world.provoke_alert = () => world.mock.add_alert();
  }
  world.bad = [];
  let page;
  try {
    page = await check(world);
    await world.assert_clean(page);
    console.log(`ok    ${name} (${Date.now() - start} ms)`);
    return true;
  } catch (error) {
    const pictures = await keep_pictures(world, name);
    console.log(`FAIL  ${name}\n${error.stack}\n${world.bad.join("\n")}\n${pictures.join("\n")}`);
    return false;
  } finally {
    for (const context of world.browser.contexts()) await context.close();
    await world.mock?.close();
  }
}

async function keep_pictures(world, name) {
  const pages = world.browser.contexts().flatMap((context) => context.pages());
  const paths = pages.map((_, i) => world.shot(`failed-${name.replace(/\W+/g, "-")}-${i}`));
  await Promise.all(pages.map((page, i) => page.screenshot({ path: paths[i] }).catch(() => {})));
  return paths;
}

// The page reads the stream itself; what it does not show must hold no card number either.
async function scan_stream(world) {
  const page = await world.page();
  await world.sign_in(page);
  const heard = await page.evaluate((ms) => new Promise((done) => {
    let all = "";
    const source = new EventSource("/api/stream");
    for (const type of ["alert", "stats"]) source.addEventListener(type, (event) => (all += `${event.data}\n`));
    setTimeout(() => { source.close(); done(all); }, ms);
  }), stream_scan_ms);
  assert.ok(heard.length, "the stream says something");
  world.scan(heard, "/api/stream");
  return page;
}

// A scanner that finds nothing would let everything pass: it must find what is there.
function assert_scanner() {
  const body = "41111111111111";
  const digit = [..."0123456789"].find((last) => passes_luhn(`${body}1${last}`));
  const pan = `${body}1${digit}`;
  const spaced = pan.replace(/(.{4})(?=.)/g, "$1 ");
  assert.ok(find_pan(`a ${pan} b`) && find_pan(`a ${spaced} b`) && find_pan(`x9${pan.slice(0, 8)}-${pan.slice(8)}`, new Set([pan])));
  assert.ok(!find_pan(`0.${pan}`) && !find_pan(`${pan.slice(0, 6)}******1111`));
}

await main();
