// The system's Chromium, and its tabs. What a tab's console complains about fails the test that opened it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

import { PATIENCE } from "./newswire.mjs";

/** Chromium sends nothing by itself. */
const QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PROGRAM =
  process.env.CHROMIUM ?? process.env.PATH.split(":").map((dir) => `${dir}/chromium`).find((path) => existsSync(path));

export class Chromium {
  #browser;
  #complaints = [];

  static async start() {
    const started = new Chromium();
    started.#browser = await chromium.launch({
      executablePath: PROGRAM,
      args: ["--no-sandbox", "--disable-gpu", ...QUIET],
      // A page that is left is kept, as it is for readers.
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
    return started;
  }

  /**
   * A new tab, of a reader of its own or of who has the one `beside` it. `expected` are complaints that a test causes on
   * purpose, `script` is run before any of the page's.
   */
  async tab({ expected = /(?!)/, script, beside, ...options } = {}) {
    const context = beside?.context() ?? (await this.#browser.newContext({ locale: "en-GB", ...options }));
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    const complain = (text) => expected.test(text) || this.#complaints.push(text);
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(message.text()));
    page.on("pageerror", (error) => complain(String(error)));
    if (script) await page.addInitScript(script);
    return page;
  }

  /** Closes all tabs; none may have complained. */
  async clear() {
    for (const context of this.#browser.contexts()) await context.close();
    assert.deepEqual(this.#complaints.splice(0), [], "the console is silent");
  }

  async end() {
    await this.#browser.close();
  }
}
