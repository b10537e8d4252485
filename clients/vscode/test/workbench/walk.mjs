// The walk of a person through the extension in a real workbench, against the real agent and a model that the test plays.
//   node walk.mjs TOOLS FILE.vsix TENON OUT     TOOLS: what `cargo xtask` brought; OUT: logs, and a picture of a failure
// With PICTURES=1 the views are photographed for the README. Ends with 77 where server or browser do not start on this machine.
// Not here: the workbench itself (`workbench.mjs`).
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { Model } from "./model.mjs";
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

/** Runs the command line on the same agent. */
const cli = async (...args) => (await promisify(execFile)(tenon, args, { cwd: bench.work, env: bench.env, encoding: "utf8" })).stdout;
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
    await lens("Accept").first().click();
    await until("one hunk is left", async () => (await lens("Accept").count()) === 1);
    await lens("Reject").first().click();
    await chat.locator(".request").waitFor({ state: "detached" });
    assert.equal(disk("greet.py"), GREET, "nothing is written that was not approved");
    const second = await model.next();
    assert.match(second.asked, /Wanted: greet.py hunk 1 \(line 2\)\. Not wanted: greet.py hunk 2 \(line 6\)/);
    second.call("edit", { path: "greet.py", old: "Hello ", new: "Good day, " });
    second.done("tool_calls");
    // By keyboard alone: the key of an option counts while the question has the focus.
    await chat.locator(".request.approval button[data-option=allow]").focus();
    await bench.page.keyboard.press("y");
    await model.says("It is polite now.");
    await chat.locator(".message.assistant", { hasText: "polite now" }).waitFor();
    assert.equal(disk("greet.py"), GREET.replace("Hello ", "Good day, "));
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
    await lens("Keep").click();
    await lens("Keep").waitFor({ state: "detached" });
    assert.match(disk("greet.py"), /Goodbye, /);
    await profile("review");
  },

  async "a hunk that was written is undone, then the whole turn"() {
    if (!(await takesBack())) return say("skipped: taking back (this agent does not yet)");
    const before = disk("greet.py");
    await profile("edit");
    await ask("Both at once");
    await model.calls("read", { path: "greet.py" });
    await model.calls("write", { path: "greet.py", content: before.replace("Good day, ", "Hey ").replace("Goodbye, ", "Bye-bye ") });
    await model.says("Both are done.");
    await bench.chat().locator(".message.assistant", { hasText: "Both are done." }).waitFor();
    await bench.chat().locator(".activity").waitFor({ state: "hidden" });
    await lens("Undo").nth(1).click();
    await until("the second hunk went back", () => disk("greet.py") === before.replace("Good day, ", "Hey "));
    await bench.editor().locator(".view-line", { hasText: "Goodbye, " }).waitFor();
    await bench.command("tenon: Revert the Last Turn");
    const dialog = bench.page.locator(".monaco-dialog-box");
    await dialog.getByRole("button", { name: "Revert 1 File" }).waitFor();
    await picture("vscode-revert");
    await dialog.getByRole("button", { name: "Revert 1 File" }).click();
    await until("the turn went back", () => disk("greet.py") === before);
    await bench.chat().locator(".change", { hasText: "Taken back" }).nth(1).waitFor();
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
    await lens("Save, and go on").click();
    await bench.chat().locator(".request.approval button[data-option=allow]").click();
    await model.says("Shouted.");
    await bench.chat().locator(".message.assistant", { hasText: "Shouted." }).waitFor();
    assert.match(disk("greet.py"), /# mine[^]*BYE /, "both are there");
    await bench.editor().locator(".view-line", { hasText: /BYE/ }).waitFor();
  },

  async "another session that wants to write to an unsaved file waits for this window"() {
    const { page } = bench;
    await bench.editor().locator(".view-line").first().click();
    await page.keyboard.press("Control+End");
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
    await bench.chat().locator(".request.approval button[data-option=allow]").click();
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
    await lens("Accept").first().click();
    await until("one hunk is written", () => disk("greet.py") === before.replace("Good day, ", "Hi "));
    await until("one hunk is left", async () => (await lens("Accept").count()) === 1);
    await lens("Reject").click();
    await page.locator(".pane-body .monaco-list-row", { hasText: "Part plainly" }).filter({ hasText: "dropped" }).waitFor();
    await bench.chat().locator(".plan").waitFor({ state: "hidden" });
    assert.equal(disk("greet.py"), before.replace("Good day, ", "Hi "));
    await page.locator(".pane-header", { hasText: "Plan" }).click();
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

/** Whether the agent can take changes back. */
async function takesBack() {
  const [session] = (await cli("sessions", "--json")).trim().split("\n").map((line) => JSON.parse(line));
  const to = { seq: 1 };
  return cli("rpc", "agent/revert", JSON.stringify({ sessionId: session.id, to, dryRun: true })).then(() => true, () => false);
}

/** Types a message and sends it. */
async function ask(text) {
  const area = bench.chat().locator("textarea");
  await area.fill(text);
  await area.press("Enter");
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
  await bench.stop();
  model.stop();
}
say(code === 0 ? "the walk is done" : "the walk FAILED");
process.exit(code);
