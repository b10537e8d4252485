// A real workbench of VS Code: server, extension host and a browser that a person could sit at. Not here: what is done in it.
// What a person waits for with their eyes is waited for here, too: keys go to what has the focus, and that moves when it likes.
import { execFileSync, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** What keeps the workbench still: no network, no other assistants, no animations. */
const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.tips.enabled": false,
  "workbench.enableExperiments": false,
  "workbench.reduceMotion": "on",
  "workbench.colorTheme": "Default Dark Modern",
  "chat.disableAIFeatures": true,
  "chat.agentHost.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "security.workspace.trust.enabled": false,
  "files.autoSave": "off",
  "editor.minimap.enabled": false,
  "diffEditor.renderSideBySide": true,
  "git.enabled": false,
};

export class Workbench {
  /** A folder of its own, with `home` and `work` in it. Its path is short: sockets lie beneath it. */
  root = mkdtempSync("/tmp/tnw-");
  work = join(this.root, "work");
  home = join(this.root, "home");

  /** `tools` has the server and playwright-core, `vsix` is what is tested, `out` takes logs and pictures. */
  constructor({ tools, vsix, chromium, out }) {
    Object.assign(this, { tools, vsix, out, browserPath: chromium });
    for (const folder of [this.work, this.home, out]) mkdirSync(folder, { recursive: true });
    this.env = { PATH: process.env.PATH, LANG: "C.UTF-8", HOME: this.home, TMPDIR: this.root, EXTENSIONS_GALLERY: "{}" };
  }

  /** Starts server and browser: where that fails it is the machine, not the extension. */
  async start(settings = {}) {
    const user = join(this.root, "data/data/User");
    mkdirSync(user, { recursive: true });
    writeFileSync(join(user, "settings.json"), JSON.stringify({ ...SETTINGS, ...settings }));
    const main = join(this.tools, "vscode/out/server-main.js");
    const folders = ["--server-data-dir", join(this.root, "data"), "--extensions-dir", join(this.root, "ext")];
    execFileSync(process.execPath, [main, "--install-extension", this.vsix, ...folders], { env: this.env, stdio: "pipe" });
    this.server = spawn(process.execPath, [main, "--host", "127.0.0.1", "--port", "0", "--without-connection-token", "--accept-server-license-terms", "--telemetry-level", "off", "--disable-workspace-trust", ...folders], { env: this.env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.port = await this.#listening();
    process.env.TMPDIR = this.root;
    const { chromium } = createRequire(join(this.tools, "x.js"))("playwright-core");
    this.browser = await chromium.launch({
      executablePath: this.browserPath,
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-quic", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
    });
  }

  /** Opens a window on the workspace. */
  async open() {
    const page = await this.browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(180_000);
    page.on("console", (message) => this.log?.write(`${message.type()} ${message.text()}\n`));
    await page.goto(`http://127.0.0.1:${this.port}/?folder=${encodeURIComponent(this.work)}`);
    await page.locator(".statusbar-item", { hasText: "tenon" }).waitFor();
    return page;
  }

  /** Opens the list of choices by a key, types and chooses. What gets the focus meanwhile closes the list: then once more. */
  async choose(key, text, row, page) {
    const input = page.locator(".quick-input-widget input[type=text]");
    for (let tries = 1; ; tries++) {
      try {
        await page.keyboard.press(key);
        await input.fill(text, { timeout: 4000 });
        return await page.locator(".quick-input-list .monaco-list-row").filter({ hasText: row }).first().click({ timeout: 8000 });
      } catch (failure) {
        if (tries === 5) throw failure;
        await page.keyboard.press("Escape");
      }
    }
  }

  /** Runs a command by its title. */
  command(title, page = this.page) {
    return this.choose("F1", `>${title}`, title, page);
  }

  /** Puts the cursor into the prompt, by its key. */
  async focusChat(page = this.page) {
    await page.keyboard.press("Control+Alt+T");
    // What has the focus later would close a list that is open meanwhile.
    await this.chat(page).locator("textarea:focus").waitFor();
  }

  /** Chooses a row of a list of choices. */
  async pick(text, page = this.page) {
    await page.locator(".quick-input-list .monaco-list-row").filter({ hasText: text }).first().click();
  }

  /** Types into the input box that is open. */
  async input(text, page = this.page) {
    const input = page.locator(".quick-input-widget input[type=text]");
    await input.fill(text);
    await input.press("Enter");
  }

  /** The page of the chat view. */
  chat(page = this.page) {
    return page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
  }

  /** The editor in front. */
  editor(page = this.page) {
    return page.locator(".editor-group-container.active .editor-instance .monaco-editor").first();
  }

  /** Opens a file of the workspace in an editor. */
  async file(name, page = this.page) {
    await this.choose("Control+P", name, name, page);
    await page.locator(".editor-group-container.active .tab.active", { hasText: name }).waitFor();
    await this.editor(page).locator(".view-line").first().waitFor();
  }

  /** Selects whole lines, from 1, in the editor in front. */
  async select(from, to, page = this.page) {
    await page.keyboard.press("Control+G");
    await this.input(`:${from}`, page);
    // The keys that follow are for the editor: it has the focus a moment after the box has gone.
    await page.locator(".editor-group-container.active .monaco-editor.focused").waitFor();
    await page.locator(".statusbar-item", { hasText: `Ln ${from},` }).waitFor();
    for (let line = from; line <= to; line++) await page.keyboard.press("Shift+ArrowDown");
    await page.locator(".statusbar-item", { hasText: "selected)" }).waitFor();
  }

  /** Puts the cursor behind the last character of the editor in front. */
  async end(page = this.page) {
    await this.editor(page).locator(".view-line").first().click();
    await page.locator(".editor-group-container.active .monaco-editor.focused").waitFor();
    await page.keyboard.press("Control+End");
  }

  /**
   * Clicks a lens of a hunk, or of none, until what it does is done: lenses are drawn anew while one reaches for them, and a
   * click between the two hits nothing. What it does happens once: a lens that did it is gone.
   */
  async press(text, hunk, done, page = this.page) {
    const line = hunk === undefined ? page.locator(".codelens-decoration") : page.locator(".codelens-decoration", { hasText: `hunk ${hunk} of` });
    const lens = line.locator("a", { hasText: text }).first();
    for (const end = Date.now() + 60_000; !(await done()); ) {
      if (Date.now() > end) throw new Error(`timed out: ${text} of hunk ${hunk}`);
      await lens.click({ timeout: 5000 }).catch(() => {});
      await until(text, done, 5000).catch(() => {});
    }
  }

  picture(name, page = this.page) {
    return page.screenshot({ path: join(this.out, `${name}.png`) });
  }

  async stop() {
    await this.browser?.close().catch(() => {});
    try {
      // The extension host outlives its server for a while.
      process.kill(-this.server.pid, "SIGKILL");
    } catch {}
    this.log?.end();
    rmSync(this.root, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }

  #listening() {
    this.log = createWriteStream(join(this.out, "workbench.log"));
    return new Promise((resolve, reject) => {
      let said = "";
      for (const stream of [this.server.stdout, this.server.stderr]) {
        stream.on("data", (piece) => {
          this.log.write(piece);
          said += piece;
          const port = /Extension host agent listening on (\d+)/.exec(said)?.[1];
          if (port) resolve(Number(port));
        });
      }
      this.server.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
      setTimeout(() => reject(new Error(`the server did not start in 60 s:\n${said}`)), 60_000).unref();
    });
  }
}

/** Waits until something holds. */
export async function until(what, holds, ms = 180_000) {
  for (const end = Date.now() + ms; !(await holds()); ) {
    if (Date.now() > end) throw new Error(`timed out: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
