// Drawing one entry of the transcript, a question, and a patch. Not here: where they stand on the page (`page`).
import type { CallEntry, ChangeEntry, Entry, JobEntry, MessageEntry, Whole } from "../model/entries.ts";
import { labelOf } from "../model/options.ts";
import { parsePatch } from "../model/patch.ts";
import type { FileChange, RequestItem } from "../protocol/types.ts";
import { button, draw, make } from "./dom.ts";
import type { Actions } from "./dom.ts";
import { parse } from "./markdown.ts";
import type { FromPage } from "./messages.ts";

/** How much of an output is drawn: the rest is opened in an editor. */
const OUTPUT_MAX = 20_000;

/** What cards need from the page. */
export interface Hands extends Actions {
  tell(message: FromPage): void;
}

/** Draws an entry. `open` says whether what can be folded is open. */
export function card(entry: Entry, open: boolean, hands: Hands): HTMLElement {
  const element = body(entry, open, hands);
  element.dataset["id"] = entry.id;
  if (entry.withdrawn) {
    element.classList.add("withdrawn");
    element.title = "Taken back: the agent does not see this any more";
  }
  if ("growing" in entry && entry.growing) element.setAttribute("aria-busy", "true");
  return element;
}

function body(entry: Entry, open: boolean, hands: Hands): HTMLElement {
  switch (entry.is) {
    case "message":
      return message(entry, open, hands);
    case "call":
      return call(entry, open, hands);
    case "change":
      return change(entry, hands);
    case "job":
      return job(entry, open);
    case "note":
      return make("p", { class: `note ${entry.level}`, ...(entry.level === "error" && { role: "alert" }) }, entry.text);
  }
}

function message(entry: MessageEntry, open: boolean, hands: Hands): HTMLElement {
  if (entry.role === "reasoning") {
    const details = folded("reasoning", entry.growing ? "Thinking…" : "Thought", open);
    details.append(make("div", { class: "text" }, draw(parse(entry.text), hands)));
    return details;
  }
  const who = entry.role === "user" ? (entry.by && entry.by.kind !== "vscode" ? `You, in ${entry.by.kind}` : "You") : "tenon";
  const text = make("div", { class: "text" }, entry.role === "user" ? make("p", { class: "said" }, entry.text) : draw(parse(entry.text), hands));
  const element = make("article", { class: `message ${entry.role}`, label: who, tabIndex: -1 }, make("h3", { class: "who" }, who), text);
  for (const source of entry.images) {
    const image = make("img", { class: "image" });
    image.src = source;
    image.alt = "image";
    element.append(image);
  }
  element.append(...opener(entry.whole, "Open all of it", hands));
  for (const file of entry.attached) element.append(button(file, () => hands.openFile(file), { class: "chip", title: `Open ${file}` }));
  return element;
}

/** Offers all of what is shown in part. */
function opener(whole: Whole | undefined, label: string, hands: Hands): HTMLElement[] {
  if (whole === undefined) return [];
  const size = whole.bytes === undefined ? "" : ` (${(whole.bytes / 1e6).toFixed(1)} MB)`;
  return [button(label + size, () => hands.tell({ type: "whole", whole }), { class: "link whole" })];
}

const MARKS: Record<CallEntry["status"], [string, string]> = {
  proposed: ["…", "waits"],
  running: ["●", "running"],
  ok: ["✓", "done"],
  failed: ["✗", "failed"],
  denied: ["⊘", "refused"],
  interrupted: ["■", "interrupted"],
  unknown: ["?", "outcome unknown"],
};

/** A word that came later than this client is shown as it is. */
function markOf(status: string): [string, string] {
  return (MARKS as Record<string, [string, string]>)[status] ?? ["?", status];
}

function call(entry: CallEntry, open: boolean, hands: Hands): HTMLElement {
  const [mark, said] = markOf(entry.status);
  const details = folded(`call ${entry.status}`, "", open);
  const exit = entry.exit === undefined || entry.exit === 0 ? "" : ` (exit ${entry.exit})`;
  details.firstElementChild!.append(make("span", { class: "mark", label: said, role: "img", title: said }, mark), make("span", { class: "title" }, `${entry.title}${exit}`));
  if (entry.text !== "") details.append(output(entry.text));
  details.append(...opener(entry.whole, "Open the whole output", hands));
  return details;
}

function job(entry: JobEntry, open: boolean): HTMLElement {
  const [mark, said] = markOf(entry.status);
  const details = folded(`call job ${entry.status}`, "", open);
  details.firstElementChild!.append(make("span", { class: "mark", label: said, role: "img" }, mark), make("span", { class: "title" }, `$ ${entry.command}`));
  if (entry.text !== "") details.append(output(entry.text));
  return details;
}

function change(entry: ChangeEntry, hands: Hands): HTMLElement {
  const element = make("div", { class: "change" }, make("span", { class: "title" }, entry.staged ? "Staged" : entry.back ? "Taken back" : "Changed"));
  for (const file of entry.files) element.append(button(fileLine(file), () => hands.tell({ type: "openChange", changeId: entry.id, path: file.path }), { class: "chip", title: `Show what changed in ${file.path}` }));
  if (!entry.staged) element.append(button(entry.back ? "Bring back" : "Undo", () => hands.tell({ type: "revertChange", changeId: entry.id }), { class: "link", title: "Take this change back" }));
  for (const line of entry.uncovered) element.append(make("p", { class: "note warning" }, `Not covered: ${line}`));
  return element;
}

/** Names a file with the lines that came and went. */
export function fileLine(file: FileChange): string {
  const [added, removed] = file.hunks.reduce(([added, removed], hunk) => [added + hunk.newLines, removed + hunk.oldLines], [0, 0]);
  const sign = file.op === "add" ? "new " : file.op === "delete" ? "deleted " : "";
  return `${sign}${file.path} +${added} −${removed}`;
}

function folded(name: string, summary: string, open: boolean): HTMLDetailsElement {
  const details = make("details", { class: name }, make("summary", {}, summary));
  details.open = open;
  return details;
}

function output(text: string): HTMLElement {
  const cut = text.length > OUTPUT_MAX ? `${text.slice(0, OUTPUT_MAX)}\n…` : text;
  return make("pre", { class: "output", tabIndex: 0 }, cut);
}

/** Draws an open question with a button for each of its options. */
export function question(request: RequestItem, hands: Hands): HTMLElement {
  const element = make("section", { class: `request ${request.kind}`, role: "group", label: `Question: ${request.title}`, data: { request: request.requestId } });
  element.append(make("h3", {}, heading(request)));
  element.append(...subject(request));
  if (request.reason !== undefined) element.append(make("p", { class: "reason" }, request.reason));
  const answer = (decision: string): void => {
    const note = reason.value.trim();
    hands.tell({ type: "answer", requestId: request.requestId, decision, ...(note !== "" && { note }) });
    for (const each of element.querySelectorAll("button")) each.disabled = true;
  };
  const row = make("div", { class: "options" });
  for (const [at, option] of request.options.entries()) {
    const key = keyOf(option.id, at);
    const label = labelOf(request, option);
    row.append(button(label, () => answer(option.id), { class: at === 0 ? "primary" : "secondary", title: `${label} (${key})`, data: { key, option: option.id } }));
  }
  const { subject: about } = request;
  if (about.type === "login") row.append(button("Store a key…", () => hands.tell({ type: "logIn", provider: about.provider }), { class: "primary" }));
  if (about.type === "edit") row.append(button("Review in the editor", () => hands.tell({ type: "review", requestId: request.requestId }), { class: "link" }));
  const reason = make("input", { class: "why", label: "A reason, for the model" });
  reason.placeholder = "A reason (optional)";
  element.append(row);
  if (request.kind === "approval") element.append(reason);
  element.addEventListener("keydown", (event) => {
    if (event.target === reason || event.ctrlKey || event.metaKey || event.altKey) return;
    const chosen = [...row.querySelectorAll<HTMLButtonElement>("button[data-key]")].find((each) => each.dataset["key"] === event.key);
    if (chosen) {
      event.preventDefault();
      chosen.click();
    }
  });
  return element;
}

/** The key that chooses an option while its question has the focus. */
function keyOf(id: string, at: number): string {
  return { allow: "y", deny: "n", always: "a", session: "s" }[id] ?? String(at + 1);
}

function heading(request: RequestItem): string {
  if (request.kind === "approval") return request.subject.type === "command" ? "Run this command?" : request.subject.type === "edit" ? "Make this edit?" : request.title;
  return request.title;
}

function subject({ subject, title }: RequestItem): HTMLElement[] {
  switch (subject.type) {
    case "command": {
      const command = subject.argv.at(-1) ?? "";
      const sandbox = `sandbox level ${subject.sandbox}`;
      const where = subject.cwd === "." ? sandbox : `in ${subject.cwd}, ${sandbox}`;
      const notes = (subject.notes ?? []).map((note) => make("p", { class: "reason" }, note));
      return [make("pre", { class: "command", tabIndex: 0 }, command), ...notes, make("p", { class: "reason" }, [where, ...subject.needs].join(", "))];
    }
    case "edit":
      return patch(subject.patch);
    case "network":
      return [make("pre", { class: "command" }, subject.hosts.join("\n"))];
    case "limit":
      return [make("p", {}, `${subject.limit}: ${subject.value}`)];
    case "login":
      return [make("p", {}, `${subject.provider}: ${subject.how}`)];
    case "trust":
      return [make("p", {}, "Until it is trusted nothing is written or run, and its own configuration stays unread."), make("ul", {}, ...subject.enables.map((line) => make("li", {}, line)))];
    case "conflict":
      return subject.conflicts.filter((conflict) => conflict.text !== title).map((conflict) => make("p", {}, conflict.text));
    default:
      // A kind that came later than this client: its title and options are enough to answer it.
      return [];
  }
}

/** Draws a patch, each hunk with its number. */
export function patch(text: string): HTMLElement[] {
  return parsePatch(text).map((file) => {
    const element = make("div", { class: "patch" }, make("div", { class: "path" }, file.path));
    for (const remark of file.remarks) element.append(make("p", { class: "reason" }, remark));
    for (const hunk of file.hunks) {
      const table = make("div", { class: "hunk", role: "img", label: `Hunk ${hunk.n}: ${hunk.oldLines} lines out, ${hunk.newLines} in` });
      let [left, right] = [hunk.oldStart, hunk.newStart];
      for (const line of hunk.lines) {
        const number = line.is === "-" ? left : right;
        if (line.is !== "+") left++;
        if (line.is !== "-") right++;
        const kind = line.is === "+" ? "added" : line.is === "-" ? "removed" : "same";
        table.append(make("div", { class: `line ${kind}` }, make("span", { class: "number" }, String(number)), make("span", { class: "sign" }, line.is), make("span", { class: "content" }, line.text)));
      }
      element.append(table);
    }
    return element;
  });
}
