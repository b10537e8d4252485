// The walk of a person through the extension in a real workbench, against the real agent and a model that the test plays.
//   node walk.mjs TOOLS FILE.vsix TENON OUT     TOOLS: what `cargo xtask` brought; OUT: logs, and a picture of a failure
// NVIM names a Neovim, for what both editors do with one session. With PICTURES=1 the views are photographed for the README. Ends with 77 where server or browser do not start on this machine.
// Not here: the workbench itself (`workbench.mjs`).
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { Model } from "./model.mjs";
import { Neovim } from "./neovim.mjs";
import { Workbench, until } from "./workbench.mjs";

const [tools, vsix, tenon, out] = process.argv.slice(2, 6).map((path) => resolve(path));
const started = Date.now();
const say = (line) => console.log(`[${((Date.now() - started) / 1000).toFixed(1)}s] ${line}`);
const GREET = ["def greet(name):", "    return 'Hello ' + name", "", "", "def part(name):", "    return 'Bye ' + name", ""].join("\n");

const model = await Model.start();
const bench = new Workbench({ tools, vsix, out, chromium: process.env.CHROMIUM ?? "/usr/bin/chromium" });
bench.env.PATH = [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
mkdirSync(join(bench.home, ".config/tenon"), { recursive: true });
mkdirSync(join(bench.work, ".git"));
writeFileSync(join(bench.home, ".config/tenon/config.toml"), `model = "played/any"\n\n[providers.played]\nwire = "openai-chat"\nbase_url = "${model.url}"\n`);
const disk = (name) => readFileSync(join(bench.work, name), "utf8");
writeFileSync(join(bench.work, "greet.py"), GREET);
writeFileSync(join(bench.work, "data.json"), '{ "a": 1 }\n');
writeFileSync(join(bench.work, "notes.txt"), "one\n");

/** Runs the command line on the same agent. */
const cli = async (...args) => (await promisify(execFile)(tenon, args, { cwd: bench.work, env: bench.env, encoding: "utf8" })).stdout;
let neovim;
const picture = (name) => (process.env.PICTURES ? bench.picture(name) : undefined);

process.on("exit", () => {
  try {
    execFileSync(tenon, ["stop"], { cwd: bench.work, env: bench.env, stdio: "ignore" });
  } catch {}
});

/** The steps of the walk, in order: each goes on where the one before ended. */
const steps = {
  async "a missing program is told with what to do, and found once it is there"() {
    bench.page = await bench.open();
    const { page } = bench;
    await bench.focusChat();
    await bench.chat().locator("textarea").fill("hello");
    await page.keyboard.press("Enter");
    const told = page.locator(".notifications-toasts .notification-list-item", { hasText: "is not on the PATH: install it" });
    await told.getByRole("button", { name: "How to Install" }).waitFor();
    await until("what was typed comes back", async () => (await bench.chat().locator("textarea").inputValue()) === "hello");
    mkdirSync(join(bench.home, ".local/bin"), { recursive: true });
    symlinkSync(tenon, join(bench.home, ".local/bin/tenon"));
    await told.getByRole("button", { name: "Try Again" }).click();
    await page.locator(".notifications-toasts .notification-list-item", { hasText: "is connected" }).waitFor();
    await bench.command("Notifications: Clear All Notifications");
    await bench.chat().locator("textarea").fill("");
  },

  async "a question about a selection gets its answer while it comes"() {
    const { page } = bench;
    await bench.file("greet.py");
    await bench.select(1, 2);
    await bench.command("tenon: Ask About Selection");
    await bench.input("What does this do?");
    const answer = await model.next();
    assert.match(answer.asked, /What does this do\?/);
    assert.match(answer.asked, /Hello/, "the selected text goes along");
    const chat = bench.chat();
    answer.text("It **greets** somebody:\n\n```python\nprint(greet('Ada'))\n```\n\nSee `greet.py:2`. ");
    await chat.locator(".message.assistant strong", { hasText: "greets" }).waitFor();
    await page.locator(".statusbar-item", { hasText: /read · sandbox/ }).waitFor();
    answer.text("That is all.");
    answer.done();
    await chat.locator(".message.assistant", { hasText: "That is all." }).waitFor();
  },

  async "the workspace is trusted in the view"() {
    const chat = bench.chat();
    await chat.locator(".request.trust button", { hasText: "Trust it" }).click();
    await chat.locator(".request").waitFor({ state: "detached" });
    await bench.page.locator(".statusbar-item", { hasText: /review · sandbox/ }).waitFor();
    await picture("vscode-answer");
  },

  async "of an edit that is asked about hunks are accepted and rejected where they stand"() {
    await ask("Make it polite @greet.py");
    const read = await model.next();
    assert.match(read.asked, /Bye/, "the file that is mentioned goes along");
    read.call("read", { path: "greet.py" });
    read.done("tool_calls");
    const first = await model.next();
    first.call("write", { path: "greet.py", content: GREET.replace("Hello ", "Good day, ").replace("Bye ", "Goodbye, ") });
    first.done("tool_calls");
    const chat = bench.chat();
    await chat.locator(".request.approval .line.added", { hasText: "Goodbye" }).waitFor();
    await lens("Accept").nth(1).waitFor();
    await picture("vscode-hunks");
    assert.equal(disk("greet.py"), GREET, "nothing is written before");
    await bench.press("Accept", 1, async () => (await lens("Accept").count()) === 1);
    await bench.press("Reject", 2, async () => (await chat.locator(".request").count()) === 0);
    const second = await model.next();
    assert.match(second.asked, /Good day, /, "the model is shown what was written");
    assert.doesNotMatch(second.asked, /\+[^"]*Goodbye/, "and that the rest was not");
    second.text("It is polite now.");
    second.done();
    await chat.locator(".message.assistant", { hasText: "polite now" }).waitFor();
    assert.equal(disk("greet.py"), GREET.replace("Hello ", "Good day, "), "what was accepted, and nothing else");
    await bench.editor().locator(".view-line", { hasText: "Good day" }).waitFor();
    await rests();
  },

  async "the turn is taken back to the exact earlier text, and brought back"() {
    const chat = bench.chat();
    await bench.command("tenon: Revert the Last Turn");
    await confirm("Revert 1 File");
    await until("the file is as it was", () => disk("greet.py") === GREET);
    await bench.editor().locator(".view-line", { hasText: "Hello" }).waitFor();
    await chat.locator(".change", { hasText: "Taken back" }).getByRole("button", { name: "Bring back" }).click();
    await confirm("Revert 1 File");
    await until("it is brought back", () => disk("greet.py") === GREET.replace("Hello ", "Good day, "));
    await bench.editor().locator(".view-line", { hasText: "Good day" }).waitFor();
  },

  async "what a profile let the agent write is marked, and kept"() {
    assert.equal(await lens("Keep").count(), 0, "what was approved is not asked again");
    await profile("edit");
    await ask("Now the other one");
    await model.calls("edit", { path: "greet.py", old: "Bye ", new: "Goodbye, " });
    await model.says("Done.");
    await lens("Undo").waitFor();
    await picture("vscode-applied");
    await bench.press("Keep", undefined, async () => (await lens("Keep").count()) === 0);
    assert.match(disk("greet.py"), /Goodbye, /);
    await profile("review");
  },

  async "a hunk that was written is undone, then the whole turn"() {
    const before = disk("greet.py");
    await profile("edit");
    await ask("Both at once");
    await model.calls("read", { path: "greet.py" });
    await model.calls("write", { path: "greet.py", content: before.replace("Good day, ", "Hey ").replace("Goodbye, ", "Bye-bye ") });
    await model.says("Both are done.");
    await bench.chat().locator(".message.assistant", { hasText: "Both are done." }).waitFor();
    await rests();
    await bench.press("Undo", 2, () => disk("greet.py") === before.replace("Good day, ", "Hey "));
    await bench.editor().locator(".view-line", { hasText: "Goodbye, " }).waitFor();
    await bench.command("tenon: Revert the Last Turn");
    await confirm("Revert 1 File", "vscode-revert");
    await until("the turn went back", () => disk("greet.py") === before);
    await bench.chat().locator(".change", { hasText: "Taken back" }).nth(3).waitFor();
    await profile("review");
  },

  async "a file with unsaved changes is not written before the person says so"() {
    const { page } = bench;
    await bench.select(3, 3);
    await page.keyboard.press("Escape");
    await page.keyboard.type("# mine");
    await page.keyboard.press("Enter");
    await ask("Shout");
    const answer = await model.next();
    answer.call("read", { path: "greet.py" });
    answer.done("tool_calls");
    const seen = await model.next();
    assert.match(seen.asked, /# mine/, "the model reads what is not saved");
    seen.call("edit", { path: "greet.py", old: "Goodbye, ", new: "BYE " });
    seen.done("tool_calls");
    await bench.chat().locator(".request.conflict").waitFor();
    await lens("Save, and go on").waitFor();
    await picture("vscode-conflict");
    assert.doesNotMatch(disk("greet.py"), /BYE|mine/);
    await bench.press("Save, and go on", undefined, async () => (await bench.chat().locator(".request.conflict").count()) === 0);
    await bench.chat().locator(".request.approval button[data-option=allow]").click();
    await model.says("Shouted.");
    await bench.chat().locator(".message.assistant", { hasText: "Shouted." }).waitFor();
    assert.match(disk("greet.py"), /# mine[^]*BYE /, "both are there");
    await bench.editor().locator(".view-line", { hasText: /BYE/ }).waitFor();
  },

  async "waiting and giving up lose nothing either"() {
    const { page } = bench;
    await profile("edit");
    await bench.file("notes.txt");
    await bench.end();
    await page.keyboard.type("mine");
    await ask("Shout into the notes");
    await model.calls("read", { path: "notes.txt" });
    await model.calls("edit", { path: "notes.txt", old: "one", new: "ONE" });
    await bench.press("Wait", undefined, async () => (await lens("Wait").count()) === 0 && (await lens("Save, and go on").count()) === 1);
    assert.equal(disk("notes.txt"), "one\n");
    await bench.end();
    await page.keyboard.press("Control+S");
    await model.says("It waited.");
    await bench.chat().locator(".message.assistant", { hasText: "It waited." }).waitFor();
    assert.equal(disk("notes.txt"), "ONE\nmine", "both are there");
    await bench.editor().locator(".view-line", { hasText: "ONE" }).waitFor();
    await bench.end();
    await page.keyboard.type(", not wanted");
    await ask("Whisper into the notes");
    await model.calls("read", { path: "notes.txt" });
    await model.calls("edit", { path: "notes.txt", old: "ONE", new: "one" });
    await lens("Discard").first().waitFor();
    await bench.press("Discard", undefined, async () => (await lens("Discard").count()) === 0);
    const stale = await model.next();
    stale.call("read", { path: "notes.txt" });
    stale.done("tool_calls");
    const fresh = await model.next();
    assert.doesNotMatch(fresh.asked, /not wanted/, "what was given up is not read again");
    fresh.call("edit", { path: "notes.txt", old: "ONE", new: "one" });
    fresh.done("tool_calls");
    await model.says("Whispered.");
    await bench.chat().locator(".message.assistant", { hasText: "Whispered." }).waitFor();
    assert.equal(disk("notes.txt"), "one\nmine");
    await bench.editor().locator(".view-line", { hasText: /^one$/ }).waitFor();
    await profile("review");
    await bench.file("greet.py");
  },

  async "another session that wants to write to an unsaved file waits for this window"() {
    const { page } = bench;
    await bench.end();
    await page.keyboard.type("# also mine");
    // Nobody looks at that session: this window is the one that can tell what becomes of its file.
    const { session } = JSON.parse(await cli("rpc", "agent/open", JSON.stringify({ workspace: bench.work, settings: { profile: "edit" } })));
    await cli("rpc", "agent/prompt", JSON.stringify({ sessionId: session.id, input: [{ type: "text", text: "go" }] }));
    let answer = await model.next();
    // What is typed is told when the keys rest.
    while (!answer.asked.includes("# also mine")) {
      answer.call("read", { path: "greet.py" });
      answer.done("tool_calls");
      answer = await model.next();
    }
    answer.call("edit", { path: "greet.py", old: "BYE ", new: "Farewell, " });
    answer.done("tool_calls");
    const note = page.locator(".notifications-toasts .notification-list-item", { hasText: "not saved" });
    await note.getByRole("link", { name: "Save, and go on" }).click();
    await model.says("Changed elsewhere.");
    await note.waitFor({ state: "detached" });
    assert.match(disk("greet.py"), /Farewell, [^]*# also mine/);
  },

  async "a question is a notification while the view is hidden, and closes when it is answered elsewhere"() {
    const { page } = bench;
    await ask("Run it");
    const answer = await model.next();
    await bench.chat().locator("textarea").fill("half a thought");
    await page.keyboard.press("Control+Shift+E");
    await page.locator(".explorer-folders-view").waitFor();
    answer.call("shell", { command: "echo one" });
    answer.done("tool_calls");
    const note = page.locator(".notifications-toasts .notification-list-item", { hasText: "tenon asks: echo one" });
    await note.getByRole("link", { name: "Allow once" }).waitFor();
    await picture("vscode-notification");
    const [request] = (await cli("requests", "--json")).trim().split("\n").map((line) => JSON.parse(line));
    await cli("requests", "answer", request.requestId ?? request.id, "deny");
    await note.waitFor({ state: "detached" });
    const next = await model.next();
    next.call("shell", { command: "echo two" });
    next.done("tool_calls");
    await page.locator(".notifications-toasts .notification-list-item", { hasText: "tenon asks: echo two" }).getByRole("link", { name: "Allow once" }).click();
    await model.says("It ran.");
    await bench.focusChat();
    await bench.chat().locator("details.call.ok summary", { hasText: "echo two" }).waitFor();
    await bench.chat().locator(".message.assistant", { hasText: "It ran." }).waitFor();
    await until("what was typed is still there", async () => (await bench.chat().locator("textarea").inputValue()) === "half a thought");
  },

  async "a message from elsewhere shows, and says where it was written"() {
    const ran = cli("run", "--continue", "--quiet", "from a terminal");
    await model.says("Answered for the terminal.");
    await ran;
    await bench.chat().locator(".message.user", { hasText: "from a terminal" }).locator(".who", { hasText: "You, in " }).waitFor();
    await bench.chat().locator(".message.assistant", { hasText: "Answered for the terminal." }).waitFor();
  },

  async "problems that an edit brought go along with the next message"() {
    const { page } = bench;
    await bench.file("data.json");
    await ask("Change the JSON");
    await model.calls("read", { path: "data.json" });
    await model.calls("write", { path: "data.json", content: "{ \"a\": 1,, }\n" });
    // By keyboard alone: the key of an option counts while the question has the focus.
    await bench.chat().locator(".request.approval button[data-option=allow]").focus();
    await page.keyboard.press("y");
    await model.says("Written.");
    await bench.chat().locator(".message.assistant", { hasText: "Written." }).waitFor();
    await bench.editor().locator(".squiggly-error").first().waitFor();
    await ask("Is it right?");
    const answer = await model.next();
    assert.match(answer.asked, /data\.json:1: error/, "the problem goes along");
    answer.text("It is not.");
    answer.done();
    await bench.chat().locator(".message.assistant", { hasText: "It is not." }).waitFor();
    await bench.focusChat();
  },

  async "a change opens in the editor of differences"() {
    const { page } = bench;
    await bench.chat().locator(".change .chip", { hasText: "data.json" }).click();
    const diff = page.locator(".monaco-diff-editor");
    await diff.locator(".editor.original .view-line", { hasText: '"a": 1 }' }).waitFor();
    await diff.locator(".editor.modified .view-line", { hasText: ",," }).waitFor();
    await picture("vscode-diff");
    await bench.focusChat();
  },

  async "from session to session"() {
    const chat = bench.chat();
    await bench.command("tenon: New Session");
    await chat.locator(".welcome").waitFor();
    await ask("A new beginning");
    await model.says("Begun.");
    await chat.locator(".message.assistant", { hasText: "Begun." }).waitFor();
    await bench.command("tenon: Open Session");
    await bench.page.locator(".quick-input-list .monaco-list-row", { hasText: "A new beginning" }).waitFor();
    await picture("vscode-sessions");
    await bench.pick("What does this do?");
    await chat.locator(".message.user", { hasText: "What does this do?" }).waitFor();
  },

  async "a plan is applied hunk by hunk, and nothing before"() {
    const { page } = bench;
    await bench.file("greet.py");
    const before = disk("greet.py");
    await page.locator(".pane-header", { hasText: "Plan" }).click();
    await bench.chat().locator("textarea").fill("Make both plain");
    await bench.chat().getByRole("button", { name: "Plan", exact: true }).click();
    await model.calls("read", { path: "greet.py" });
    await model.calls("plan", { steps: [{ id: "greet", title: "Greet plainly", status: "pending", files: ["greet.py"] }, { id: "part", title: "Part plainly", status: "pending", files: ["greet.py"] }] });
    await model.calls("edit", { path: "greet.py", old: "Good day, ", new: "Hi ", step: "greet" });
    await model.calls("edit", { path: "greet.py", old: "Farewell, ", new: "Ciao ", step: "part" });
    await model.says("Planned.");
    await bench.chat().locator(".plan", { hasText: "Part plainly" }).waitFor();
    await page.locator(".pane-body .monaco-list-row", { hasText: "Greet plainly" }).waitFor();
    await lens("Accept").nth(1).waitFor();
    await picture("vscode-plan");
    assert.equal(disk("greet.py"), before, "nothing is written before");
    await bench.press("Accept", 1, () => disk("greet.py") === before.replace("Good day, ", "Hi "));
    await until("one hunk is left", async () => (await lens("Accept").count()) === 1);
    await bench.press("Reject", 2, async () => (await lens("Accept").count()) === 0);
    await page.locator(".pane-body .monaco-list-row", { hasText: "Part plainly" }).filter({ hasText: "dropped" }).waitFor();
    await bench.chat().locator(".plan").waitFor({ state: "hidden" });
    assert.equal(disk("greet.py"), before.replace("Good day, ", "Hi "));
    await page.locator(".pane-header", { hasText: "Plan" }).click();
  },

  async "a text that is too large for a message is opened whole"() {
    const chat = bench.chat();
    const saga = Array.from({ length: 80_000 }, (_, at) => `saga, line ${at + 1}`).join("\n");
    await ask("Tell me a saga");
    await model.says(saga);
    await chat.locator(".message.assistant .whole", { hasText: "Open all of it (1.3 MB)" }).click();
    await bench.editor().locator(".view-line", { hasText: "saga, line 1" }).first().waitFor();
    await bench.end();
    await bench.editor().locator(".view-line", { hasText: "saga, line 80000" }).waitFor();
    await bench.command("View: Close Editor");
  },

  async "Neovim and VS Code go on in one session, and each sees what the other does"() {
    if (!process.env.NVIM) return say("skipped: both editors at once (there is no Neovim)");
    const chat = bench.chat();
    neovim = await Neovim.start(process.env.NVIM, bench, tenon);
    await neovim.call("Walk.attach");
    await neovim.says("Walk.drawn", "Tell me a saga");
    const there = [];
    const back = [];
    for (const n of [1, 2, 3]) {
      const sent = await ask(`From VS Code, ${n}`);
      there.push(Number(await neovim.says("Walk.drawn", `From VS Code, ${n}`)) - sent);
      await model.says(`Both hear ${n}.`);
      await neovim.says("Walk.drawn", `Both hear ${n}.`);
      await rests();
      const seen = appears(chat, ".message.user", `From Neovim, ${n}`);
      const asked = Number(await neovim.call("Walk.ask", `From Neovim, ${n}`));
      back.push((await seen) - asked);
      await chat.locator(".message.user", { hasText: `From Neovim, ${n}` }).locator(".who", { hasText: "You, in nvim" }).waitFor();
      if (n < 3) await model.says(`And ${n}.`);
      if (n < 3) await rests();
    }
    figure("a prompt in VS Code appears in Neovim", ...there);
    figure("a prompt in Neovim appears in VS Code", ...back);
    await model.calls("shell", { command: "echo three" });
    await chat.locator(".request.approval", { hasText: "echo three" }).waitFor();
    const first = await neovim.says("Walk.asks");
    const allowed = await chat.locator(".request.approval button[data-option=allow]").evaluate((button) => {
      const at = Date.now();
      button.click();
      return at;
    });
    figure("an approval that is answered in VS Code closes in Neovim", Number(await neovim.says("Walk.closed", first)) - allowed);
    await model.calls("shell", { command: "echo four" });
    await chat.locator(".request.approval", { hasText: "echo four" }).waitFor();
    await neovim.says("Walk.asks");
    const gone = disappears(chat, ".request");
    const decided = Number(await neovim.call("Walk.allow"));
    figure("one that is answered in Neovim closes in VS Code", (await gone) - decided);
    await model.says("Both ran.");
    await chat.locator(".message.assistant", { hasText: "Both ran." }).waitFor();
    await neovim.says("Walk.drawn", "Both ran.");
  },

  async "an agent that was stopped starts again with the next message"() {
    await cli("stop");
    await bench.chat().locator(".banner", { hasText: "was stopped" }).waitFor();
    await ask("Are you there?");
    await model.says("I am.");
    await bench.chat().locator(".message.assistant", { hasText: "I am." }).waitFor();
    await bench.chat().locator(".banner").waitFor({ state: "hidden" });
  },

  async "an agent that is killed in a turn costs nothing"() {
    await ask("Go on and on");
    const answer = await model.next();
    answer.text("The first half, ");
    await bench.chat().locator(".message.assistant", { hasText: "The first half" }).waitFor();
    process.kill(await pid(), "SIGKILL");
    const again = await model.next();
    again.text("The first half, and the second.");
    again.done();
    await bench.chat().locator(".message.assistant", { hasText: "and the second." }).waitFor();
    await bench.chat().locator(".activity").waitFor({ state: "hidden" });
    assert.equal(await bench.chat().locator(".message.assistant", { hasText: "The first half" }).count(), 1, "nothing shows twice");
    await bench.page.locator(".statusbar-item", { hasText: /review · sandbox/ }).waitFor();
  },

  async "another window shows the same session"() {
    await bench.page.close();
    bench.page = await bench.open();
    await bench.focusChat();
    await bench.chat().locator(".message.assistant", { hasText: "and the second." }).waitFor();
    await bench.chat().locator("details.call summary", { hasText: "echo two" }).waitFor();
    await bench.chat().locator(".message.user", { hasText: "What does this do?" }).waitFor();
  },
};

/** Waits until the turn is over, as the view shows it. */
async function rests() {
  await bench.chat().locator(".activity").waitFor({ state: "hidden" });
}

/** Answers the dialog that asks. */
async function confirm(name, photographed) {
  const button = bench.page.locator(".monaco-dialog-box").getByRole("button", { name });
  await button.waitFor();
  if (photographed) await picture(photographed);
  await button.click();
  await button.waitFor({ state: "detached" });
}

/** Says a time that was measured; nothing depends on it. */
function figure(what, ...times) {
  say(`    ${what} after ${times.map((ms) => Math.max(0, ms).toFixed(0)).join(", ")} ms`);
}

/** Returns when a text appears in the page, by its own clock, which is this machine's. */
function appears(chat, selector, text) {
  return chat.locator("body").evaluate((body, [selector, text]) => new Promise((resolve) => {
    const look = () => [...body.querySelectorAll(selector)].some((each) => each.textContent.includes(text)) && resolve(Date.now());
    new MutationObserver(look).observe(body, { childList: true, subtree: true, characterData: true });
    look();
  }), [selector, text]);
}

/** Returns when nothing of that kind is in the page any more. */
function disappears(chat, selector) {
  return chat.locator("body").evaluate((body, selector) => new Promise((resolve) => {
    const look = () => body.querySelector(selector) === null && resolve(Date.now());
    new MutationObserver(look).observe(body, { childList: true, subtree: true });
    look();
  }), selector);
}

/** A lens in the editor in front, by what it says. */
function lens(text) {
  return bench.page.locator(".codelens-decoration a", { hasText: text });
}

/** Chooses the profile of the session. */
async function profile(name) {
  await bench.command("tenon: Choose Profile");
  await bench.pick(name);
  await bench.page.locator(".statusbar-item", { hasText: new RegExp(`${name} · sandbox`) }).waitFor();
}

/** Types a message and sends it; returns when. */
async function ask(text) {
  const area = bench.chat().locator("textarea");
  await area.fill(text);
  const at = Date.now();
  await area.press("Enter");
  return at;
}

/** The process of the agent that runs. */
async function pid() {
  const said = await cli("doctor");
  const found = /(?:pid|process)\D{0,3}(\d+)/i.exec(said)?.[1];
  assert.ok(found, said);
  return Number(found);
}

let code = 1;
try {
  await bench.start();
} catch (failure) {
  console.log(`no workbench here: ${String(failure.message).split("\n")[0]}`);
  await bench.stop();
  process.exit(77);
}
try {
  for (const [name, step] of Object.entries(steps)) {
    await step();
    say(`ok  ${name}`);
  }
  code = 0;
} catch (failure) {
  console.error(failure);
  await bench.page?.screenshot({ path: join(out, "failure.png") }).catch(() => {});
} finally {
  neovim?.stop();
  await bench.stop();
  model.stop();
}
say(code === 0 ? "the walk is done" : "the walk FAILED");
process.exit(code);
