// What needs a server that can be told to misbehave: hostile data, lost connections, errors, empty lists, roles.
import { strict as assert } from "node:assert";
import { assert_contrast, assert_fits, detail_text, leave_list, row_ids, until } from "./browser_world.mjs";
import { hostile } from "./mock_data.mjs";

const scroll_of = (page) => page.$eval(".scroller", (list) => list.scrollTop);
const top_of = (page, id) => page.$eval(`[data-alert="${id}"]`, (row) => row.getBoundingClientRect().top);

export const mock_checks = {
  "hostile strings are shown as text and nothing runs": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await leave_list(page);
    const { id } = world.mock.add_hostile();
    await page.click(`[data-alert="${id}"]`);
    await page.waitForSelector("article h1");
    const text = await detail_text(page);
    for (const one of hostile.slice(0, 4)) assert.ok(text.includes(one), `shown as it is: ${one}`);
    assert.equal(await page.evaluate(() => window.__hacked), undefined);
    assert.equal(await page.locator("#page img, #page script").count(), 0);
    await page.setViewportSize({ width: 390, height: 844 });
    await assert_fits(page, "hostile at 390 px");
    await page.fill("section[aria-label=Verdict] input", hostile[1]);
    await page.click("text=Confirm fraud");
    await page.waitForSelector("text=Confirmed as fraud");
    assert.equal(await page.evaluate(() => window.__hacked), undefined);
    return page;
  },

  "new alerts never move the list under the reader": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    const ids = await row_ids(page);
    await page.mouse.move(200, 300);
    await page.mouse.wheel(0, 400);
    await until("the list is scrolled", async () => (await scroll_of(page)) > 100);
    const watched = ids[8];
    const place = await top_of(page, watched);
    world.mock.add_alert();
    world.mock.add_alert();
    await page.waitForSelector("text=2 new alerts");
    assert.equal(await top_of(page, watched), place);
    assert.deepEqual(await row_ids(page), ids);
    await page.keyboard.press("n");
    await until("both are shown", async () => (await row_ids(page)).length === ids.length + 2);
    assert.equal(await scroll_of(page), 0);
    assert.equal(await page.locator(".fresh").count(), 2);
    await page.mouse.move(200, 300);
    world.mock.add_alert();
    await page.waitForSelector("text=1 new alert");
    await leave_list(page);
    await page.waitForSelector("text=1 new alert", { state: "detached" });
    assert.equal((await row_ids(page)).length, ids.length + 3);
    return page;
  },

  "an alert that grows or is decided elsewhere changes in its row": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    const alert = world.mock.alerts.find((one) => one.state === "open");
    await page.click(`[data-alert="${alert.id}"]`);
    await page.waitForSelector("article h1");
    world.mock.decide(alert, "dismissed", "by phone", "jonas");
    const { payments_list, recent, verdict_by, verdict_at, note, ...summary } = alert;
    world.mock.broadcast("alert", summary);
    await page.waitForSelector("text=by jonas");
    await page.waitForSelector(`[data-alert="${alert.id}"] .chip.dismissed`);
    return page;
  },

  "find and filter": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    const all = (await row_ids(page)).length;
    await page.keyboard.press("/");
    const shop = world.mock.alerts.find((one) => one.state === "open").merchant;
    await page.keyboard.type(shop);
    await until("fewer rows", async () => (await row_ids(page)).length < all);
    await page.keyboard.type(" nobody has this");
    await page.waitForSelector("text=None of the loaded alerts matches.");
    await page.keyboard.press("Escape");
    await until("all rows", async () => (await row_ids(page)).length === all);
    await page.selectOption("select[aria-label=Outcome]", "decline");
    await until("declines alone", async () => (await page.locator(".row.review").count()) === 0);
    return page;
  },

  "older alerts are loaded on demand": async (world) => {
    for (let i = 0; i < 60; ++i) world.mock.add_alert();
    const page = await world.page();
    await world.sign_in(page);
    await page.click("text=Load older alerts");
    await until("the second page", async () => (await row_ids(page)).length > 60);
    const ids = await row_ids(page);
    assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => b - a));
    return page;
  },

  "a lost connection is told, and what was missed is fetched": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await page.waitForSelector("text=Live");
    world.mock.down = true;
    world.mock.cut_streams();
    await page.waitForSelector("text=Not connected.");
    await assert_contrast(page, "banner");
    const { id } = world.mock.add_alert();
    world.mock.down = false;
    await page.click("text=Try now");
    await page.waitForSelector(`[data-alert="${id}"]`);
    await page.waitForSelector("text=Not connected.", { state: "detached" });
    return page;
  },

  "a server that starts later is waited for": async (world) => {
    const page = await world.page();
    world.mock.down = true;
    await page.goto(`${world.url()}/`);
    await page.waitForSelector("text=The server is starting");
    world.mock.down = false;
    await page.waitForSelector("#user");
    return page;
  },

  "errors say what happened and offer to try again": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await page.goto(`${world.url()}/#/alerts/999999`);
    await page.waitForSelector("text=There is no alert 999999");
    world.mock.down = true;
    await page.click("nav[aria-label='Alerts by state'] >> text=Dismissed");
    await page.waitForSelector("text=The alerts cannot be shown");
    world.mock.down = false;
    await page.click("section.list >> text=Try again");
    await page.waitForSelector("[data-alert]");
    return page;
  },

  "a verdict that could not be kept is told and can be given again": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await page.click("[data-alert] >> nth=0");
    await page.waitForSelector("article h1");
    world.mock.down = true;
    await page.fill("section[aria-label=Verdict] input", "first try");
    await page.click("text=Confirm fraud");
    await page.waitForSelector("text=The verdict was not kept");
    assert.equal(await page.inputValue("section[aria-label=Verdict] input"), "first try");
    world.mock.down = false;
    await page.click("text=Confirm fraud");
    await page.waitForSelector("text=Confirmed as fraud");
    await page.click("section[aria-label=Verdict] >> text=Change");
    await page.click("section[aria-label=Verdict] >> text=Dismiss");
    await page.waitForSelector("section[aria-label=Verdict] strong.dismissed");
    return page;
  },

  "an empty list says so": async (world) => {
    world.mock.alerts = [];
    const page = await world.page();
    await world.sign_in(page);
    await page.waitForSelector("text=No open alerts.");
    await leave_list(page);
    world.mock.add_guard();
    await page.waitForSelector("text=Declines passed 5 %");
    await page.click("[data-alert]");
    await page.waitForSelector("text=then reset the guard");
    await page.click("text=Mark as handled");
    await page.waitForSelector("text=Handled");
    return page;
  },

  "wrong passwords are told, then locked with a countdown": async (world) => {
    const page = await world.page();
    await page.goto(`${world.url()}/`);
    for (let i = 0; i < 5; ++i) {
      await page.fill("#user", "maria");
      await page.fill("#password", `wrong ${i}`);
      await page.click("button[type=submit]");
      await until("the field is emptied", async () => (await page.inputValue("#password")) === "");
      assert.match(await page.innerText("[role=alert]"), /wrong/);
    }
    await page.fill("#password", "wrong again");
    await page.click("button[type=submit]");
    await page.waitForSelector("text=/Try again in \\d+ s/");
    assert.ok(await page.isDisabled("button[type=submit]"));
    return page;
  },

  "a session that ends asks to sign in and goes on where one was": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await page.click("[data-alert] >> nth=2");
    await page.waitForSelector("article h1");
    const { hash } = new URL(page.url());
    world.mock.end_sessions();
    await page.waitForSelector("text=Your session ended");
    await page.fill("#user", world.user);
    await page.fill("#password", world.password);
    await page.click("button[type=submit]");
    await page.waitForSelector("article h1");
    assert.equal(new URL(page.url()).hash, hash);
    return page;
  },

  "only an admin retries a dead delivery": async (world) => {
    const analyst = await world.page();
    await world.sign_in(analyst);
    await analyst.goto(`${world.url()}/#/health`);
    await analyst.waitForSelector("text=email:fraud-desk");
    assert.equal(await analyst.locator("section button >> text=Retry").count(), 0);
    const page = await world.page();
    await world.sign_in(page, "admin");
    await page.goto(`${world.url()}/#/health`);
    await page.click("tr:has-text('email:fraud-desk') >> text=Retry");
    await until("the row is gone", async () => (await page.locator("tr:has-text('email:fraud-desk')").count()) === 0);
    return page;
  },

  "observing and the guard are told": async (world) => {
    Object.assign(world.mock.status, { mode: "observe", guard: true });
    const page = await world.page();
    await world.sign_in(page);
    await page.goto(`${world.url()}/#/health`);
    await page.waitForSelector("text=Observing only.");
    await page.waitForSelector("text=The decline guard is on.");
    return page;
  },

  "the API's page sends a request with the key": async (world) => {
    const page = await world.page();
    await page.goto(`${world.url()}/docs`);
    await page.fill("header input", "key-1");
    const route = page.locator("article").first();
    await route.locator("text=Try it").click();
    await route.locator("text=Send").click();
    await route.locator(".chip >> text=200").waitFor();
    assert.match(await route.locator("pre").innerText(), /"outcome": "approve"/);
    await page.fill("header input", "");
    await route.locator("text=Send").click();
    await route.locator(".chip >> text=401").waitFor();
    return page;
  },

  "shortcuts can be switched off": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await page.keyboard.press("Shift+?");
    await page.click("text=Use these keys");
    await page.click("dialog >> text=Close");
    await page.keyboard.press("j");
    assert.equal(new URL(page.url()).hash, "");
    return page;
  },
};
