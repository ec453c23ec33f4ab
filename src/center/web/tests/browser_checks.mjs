// What must hold on any Paywarden, made-up or real: an analyst's way from signing in to a verdict.
import { strict as assert } from "node:assert";
import {
  assert_contrast, assert_fits, detail_text, leave_list, row_ids, until,
} from "./browser_world.mjs";

/** A real server raises an alert when a suspicious payment comes; in ms. */
const alert_wait_ms_max = 90_000;

export const checks = {
  "signs in, and signs out again": async (world) => {
    const page = await world.page();
    await page.goto(`${world.url()}/`);
    await page.waitForSelector("#user");
    assert.equal(await page.evaluate(() => document.activeElement.id), "user");
    assert.equal(await page.evaluate(() => document.cookie), "", "the session must not be readable by scripts");
    await world.sign_in(page);
    assert.equal(await page.evaluate(() => document.cookie), "", "the session must not be readable by scripts");
    await page.click("text=Sign out");
    await page.waitForSelector("#password");
    assert.equal(await page.evaluate(() => fetch("/api/alerts").then((answer) => answer.text().then(() => answer.status))), 401);
    return page;
  },

  "an alert arrives live, is opened and confirmed": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await leave_list(page);
    const before = Math.max(0, ...(await row_ids(page)));
    world.provoke_alert?.();
    await until("an alert that was not there", async () => (await row_ids(page)).some((id) => id > before), alert_wait_ms_max);
    const id = (await row_ids(page)).find((one) => one > before);
    await page.click(`[data-alert="${id}"]`);
    await page.waitForSelector("article h1");
    const summary = await page.evaluate(async (alert) => (await fetch(`/api/alerts/${alert}`)).json(), id);
    await assert_alert_whole(page, summary);
    await page.fill("section[aria-label=Verdict] input", "seen by the browser check");
    await page.click("text=Confirm fraud");
    await page.waitForSelector("text=Confirmed as fraud");
    assert.match(await detail_text(page), new RegExp(`by ${world.user}`));
    assert.match(await detail_text(page), /seen by the browser check/);
    const kept = await page.evaluate(async (alert) => (await fetch(`/api/alerts/${alert}`)).json(), id);
    assert.deepEqual([kept.state, kept.verdict_by], ["confirmed", world.user]);
    await page.click("nav[aria-label='Alerts by state'] >> text=Confirmed");
    await page.waitForSelector(`[data-alert="${id}"]`);
    return page;
  },

  "the keyboard alone: j, k, Enter, d": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await until("two alerts", async () => (await row_ids(page)).length >= 2, alert_wait_ms_max);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const opened = () => page.evaluate(() => Number(location.hash.match(/alerts\/(\d+)/)?.[1]));
    const ids = await row_ids(page);
    await until("the second alert opens", async () => (await opened()) === ids[1]);
    await page.keyboard.press("k");
    await until("the first alert opens", async () => (await opened()) === ids[0]);
    await page.waitForSelector("article h1");
    await page.keyboard.press("Enter");
    await until("the title has the focus", () => page.evaluate(() => document.activeElement.tagName === "H1"));
    await page.keyboard.press("d");
    await page.waitForSelector("section[aria-label=Verdict] input:focus");
    await page.keyboard.type("kept quiet: j k c d");
    await page.keyboard.press("Enter");
    await page.waitForSelector("section[aria-label=Verdict] strong.dismissed");
    await page.keyboard.press("Shift+?");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog[open]", { state: "detached" });
    return page;
  },

  "health: figures, charts, messages": async (world) => {
    const page = await world.page();
    await world.sign_in(page);
    await page.click("text=Health");
    await page.waitForSelector(".u-wrap canvas");
    assert.equal(await page.locator(".u-wrap canvas").count(), 4);
    await until("something is drawn", () => page.$$eval("canvas", (all) => all.every((canvas) => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value !== 0);
    })));
    assert.match(await page.innerText("main"), /Decline guard/);
    await page.click("text=without approved");
    await page.waitForSelector("section[aria-labelledby=deliveries] table, section[aria-labelledby=deliveries] p");
    await assert_contrast(page, "health");
    return page;
  },

  "the API's page shows the routes": async (world) => {
    const page = await world.page();
    await page.goto(`${world.url()}/docs`);
    await page.waitForSelector("article h3");
    assert.match(await page.innerText("main"), /\/v1\/payments/);
    await assert_contrast(page, "docs");
    await page.setViewportSize({ width: 390, height: 844 });
    await assert_fits(page, "docs at 390 px");
    return page;
  },

  "dark and light, 1280 and 390 px: fits and can be read": async (world) => {
    const grounds = {};
    for (const scheme of ["light", "dark"]) {
      const page = await world.page({ scheme, width: 390, height: 844 });
      await world.sign_in(page);
      grounds[scheme] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await walk_views(world, page, scheme, 390);
      await page.setViewportSize({ width: 1280, height: 800 });
      await walk_views(world, page, scheme, 1280);
      await world.assert_clean(page);
      await page.context().close();
    }
    assert.notEqual(grounds.light, grounds.dark);
  },
};

async function assert_alert_whole(page, alert) {
  const text = await detail_text(page);
  assert.ok(text.includes(String(alert.id)));
  if (alert.kind !== "card") return;
  assert.ok(text.includes(alert.merchant), "the merchant");
  assert.ok(/•/.test(text), "the masked card");
  const reasons = Math.max(0, ...alert.payments_list.map((paid) => paid.reasons.length));
  if (reasons) assert.ok((await page.locator("section.detail figure li .bar").count()) > 0, "the reasons as bars");
  const shown = alert.payments_list.some((paid) => paid.reasons.every((reason) => !reason.text || text.toLowerCase().includes(reason.text.toLowerCase())));
  assert.ok(shown, "the sentences of a payment's reasons");
  assert.equal(await page.locator("section.detail table.data tbody tr").count(), alert.recent.length);
  assert.equal(await page.locator("section.detail svg circle").count(), alert.recent.length);
}

// List, an alert, health; at a narrow width the alert takes the place of the list, and Back returns.
async function walk_views(world, page, scheme, width) {
  const where = (view) => `${view}, ${scheme}, ${width} px`;
  await page.goto(`${world.url()}/#/alerts`);
  await page.waitForSelector("[data-alert]");
  await assert_fits(page, where("list"));
  await assert_contrast(page, where("list"));
  await page.click("[data-alert] >> nth=0");
  await page.waitForSelector("article h1");
  await assert_fits(page, where("alert"));
  await assert_contrast(page, where("alert"));
  await page.screenshot({ path: world.shot(`alert-${width}-${scheme}`) });
  assert.equal(await page.isVisible("section.list"), width > 800, where("list beside the alert"));
  if (width < 800) {
    await page.click("text=← Alerts");
    await page.waitForSelector("[data-alert]");
  }
  await page.screenshot({ path: world.shot(`list-${width}-${scheme}`) });
  await page.goto(`${world.url()}/#/health`);
  await page.waitForSelector(".u-wrap canvas");
  await assert_fits(page, where("health"));
  await page.screenshot({ path: world.shot(`health-${width}-${scheme}`) });
}
