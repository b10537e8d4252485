// The page of the chat view: transcript, questions, waiting messages, prompt. Not here: what the agent does (`editor/chat`).
import type { Entry, Head } from "../model/entries.ts";
import { grow } from "../model/content.ts";
import type { QueuedMessage } from "../protocol/types.ts";
import { attachments, textOf } from "../model/content.ts";
import { card, question } from "./cards.ts";
import type { Hands } from "./cards.ts";
import { button, make } from "./dom.ts";
import type { Banner, FromPage, ToPage } from "./messages.ts";
import { Prompt } from "./prompt.ts";

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void; getState(): unknown; setState(state: unknown): void };

const host = acquireVsCodeApi();
const tell = (message: FromPage): void => host.postMessage(message);
const hands: Hands = {
  tell,
  openFile: (file) => tell({ type: "openFile", file }),
  copy: (text) => tell({ type: "copy", text }),
  insert: (text) => tell({ type: "insert", text }),
};

const entries = new Map<string, Entry>();
/** Which foldable entries a person opened. */
const opened = new Set<string>();
/** Entries whose text grew since the last frame. */
const growing = new Set<string>();

const banner = make("div", { class: "banner", role: "status", hidden: true });
const title = make("header", {});
const earlier = button("Show earlier messages", () => tell({ type: "earlier" }), { class: "link earlier", hidden: true });
const log = make("main", { role: "log", label: "Transcript" });
log.setAttribute("aria-live", "polite");
const activity = make("p", { class: "activity", role: "status", hidden: true });
const questions = make("div", { class: "requests" });
const plan = make("section", { class: "plan", label: "Plan", hidden: true });
const queue = make("ul", { class: "queue", label: "Messages that wait" });
const prompt = new Prompt(tell, (host.getState() as { draft?: string } | undefined)?.draft ?? "", (draft) => host.setState({ draft }));
const welcome = make("div", { class: "welcome" }, make("h2", {}, "Ask about your code"), make("p", {}, "Select lines in an editor and ask about them, name files with @, or describe a change. The agent asks before it writes or runs anything, and each of its changes can be undone."));
const scroller = make("div", { class: "scroller" }, title, earlier, welcome, log, activity, questions, plan, queue);
document.body.append(banner, scroller, prompt.element);

/** Whether the newest line is in view: then it stays there, whatever grows or shrinks. */
let atEnd = true;
scroller.addEventListener("scroll", () => (atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48));
new ResizeObserver(() => keepingPlace(() => {})).observe(scroller);

function keepingPlace(change: () => void): void {
  const stay = atEnd;
  change();
  if (stay) scroller.scrollTop = scroller.scrollHeight;
}

function place(entry: Entry, first: boolean): void {
  const known = entries.get(entry.id);
  entries.set(entry.id, entry);
  const element = card(entry, opened.has(entry.id), hands);
  element.addEventListener("toggle", () => ((element as HTMLDetailsElement).open ? opened.add(entry.id) : opened.delete(entry.id)));
  const standing = known && find(entry.id);
  if (standing) standing.replaceWith(element);
  else if (first) log.prepend(element);
  else log.append(element);
}

function find(id: string): HTMLElement | null {
  return log.querySelector(`[data-id="${CSS.escape(id)}"]`);
}

function showHead(head: Head | undefined): void {
  welcome.hidden = head !== undefined && entries.size > 0;
  earlier.hidden = head?.before === undefined;
  const running = head?.session.state === "running" || head?.session.state === "waiting";
  prompt.runs(running);
  activity.hidden = !running;
  activity.textContent = head?.retry ?? (head?.session.state === "waiting" ? "Waiting for you" : "Working…");
  title.replaceChildren(...(head ? [make("h2", {}, head.session.title || firstMessage() || "New session"), settings(head)] : []));
  showQuestions(head);
  showPlan(head);
  queue.replaceChildren(...(head?.queue ?? []).map(waiting));
}

/** What the person began with: a session without a title is known by it. */
function firstMessage(): string | undefined {
  const first = [...entries.values()].find((entry) => entry.is === "message" && entry.role === "user");
  return first?.is === "message" ? first.text.split("\n")[0] : undefined;
}

function settings(head: Head): HTMLElement {
  const { model, profile } = head.settings;
  if (head.session.state === "closed") return make("p", { class: "settings" }, "Archived: what you send begins a new session");
  const trust = head.trust === "trusted" || head.settings.trust === "session" ? "" : ", not trusted: only reads";
  return make("p", { class: "settings" }, button(profile ?? "", () => tell({ type: "command", command: "tenon.selectProfile" }), { class: "link", title: "Profile: what is allowed without a question" }), " · ", button(model ?? "", () => tell({ type: "command", command: "tenon.selectModel" }), { class: "link", title: "Model" }), cost(head), trust);
}

function cost({ usage }: Head): string {
  if (usage.cost) return ` · $${usage.cost.toFixed(usage.cost < 1 ? 3 : 2)}`;
  const tokens = usage.inputTokens + usage.outputTokens;
  return tokens === 0 ? "" : ` · ${tokens < 1000 ? tokens : `${(tokens / 1000).toFixed(1)}k`} tokens`;
}

/** Puts questions there that are new, and takes those away that were answered, here or elsewhere. */
function showQuestions(head: Head | undefined): void {
  const open = head?.requests ?? [];
  for (const element of [...questions.children] as HTMLElement[]) {
    if (open.some((request) => request.requestId === element.dataset["request"])) continue;
    const focused = element.contains(document.activeElement);
    element.remove();
    if (focused) prompt.area.focus();
  }
  for (const request of open) {
    if (!questions.querySelector(`[data-request="${CSS.escape(request.requestId)}"]`)) questions.append(question(request, hands));
  }
}

/** What can be done with a plan that is ready. */
function showPlan(head: Head | undefined): void {
  const ready = head?.plan?.ready ? head.plan : undefined;
  plan.hidden = ready === undefined;
  if (ready === undefined) return;
  const open = ready.tree.filter((step) => step.status !== "done");
  const command = (text: string, name: string, kind: string, title: string): HTMLButtonElement => button(text, () => tell({ type: "command", command: `tenon.${name}` }), { class: kind, title });
  const options = [
    command("Apply", "applyPlan", "primary", "Write all hunks that were not rejected"),
    ...(head?.tests.length ? [command("Apply if tests pass", "testPlan", "secondary", "Run the project's tests on what is staged first")] : []),
    command("Review", "nextHunk", "secondary", "Go from hunk to hunk"),
    command("Drop", "dropPlan", "secondary", "Throw the plan away; nothing is written"),
  ];
  plan.replaceChildren(make("h3", {}, "The plan is ready, and nothing is written"), make("ol", {}, ...open.map((step) => make("li", {}, step.title))), make("div", { class: "options" }, ...options));
}

function waiting({ messageId, input, steer }: QueuedMessage): HTMLElement {
  const text = textOf(input) || attachments(input).join(", ");
  const row = make("li", {}, make("span", { class: "kind" }, steer ? "joins the turn" : "waits"), make("span", { class: "said" }, text));
  if (!steer) row.append(button("Send now", () => tell({ type: "pending", messageId, op: "promote" }), { class: "link", title: "Let it join the running turn" }));
  row.append(button("Withdraw", () => tell({ type: "pending", messageId, op: "withdraw" }), { class: "link" }));
  return row;
}

function showBanner(shown: Banner | undefined): void {
  banner.hidden = shown === undefined;
  if (shown === undefined) return;
  banner.className = `banner ${shown.level}`;
  banner.replaceChildren(make("span", {}, shown.text));
  const action = shown.action;
  if (action) banner.append(button(action.label, () => tell({ type: "command", command: action.command }), { class: "secondary" }));
}

/** Text that grew is drawn once a frame, however often it grows. */
function drawGrown(): void {
  keepingPlace(() => {
    for (const id of growing) {
      const entry = entries.get(id);
      if (entry) place(entry, false);
    }
  });
  growing.clear();
}

function take(message: ToPage): void {
  switch (message.type) {
    case "all":
      entries.clear();
      log.replaceChildren();
      for (const entry of message.entries) place(entry, false);
      prompt.configure(message.settings);
      showBanner(message.banner);
      showHead(message.head);
      atEnd = true;
      scroller.scrollTop = scroller.scrollHeight;
      break;
    case "head":
      keepingPlace(() => showHead(message.head));
      break;
    case "entries":
      keepingPlace(() => {
        for (const id of message.removed) {
          find(id)?.remove();
          entries.delete(id);
        }
        for (const entry of message.first ? [...message.entries].reverse() : message.entries) place(entry, message.first === true);
        welcome.hidden = entries.size > 0;
      });
      break;
    case "delta": {
      const entry = entries.get(message.delta.d);
      if (entry && "growing" in entry && grow(entry, message.delta.from, message.delta.t)) {
        if (growing.size === 0) requestAnimationFrame(drawGrown);
        growing.add(entry.id);
      }
      break;
    }
    case "banner":
      keepingPlace(() => showBanner(message.banner));
      break;
    case "compose":
    case "refused":
      prompt.compose(message.text);
      break;
    case "unanswered":
      for (const each of questions.querySelectorAll<HTMLButtonElement>(`[data-request="${CSS.escape(message.requestId)}"] button`)) each.disabled = false;
      break;
    case "focus":
      prompt.area.focus();
      break;
    case "completions":
      prompt.complete(message.at, message.items);
      break;
  }
}

/** Alt with an arrow goes from message to message; Control with the full stop to the open question. */
document.addEventListener("keydown", (event) => {
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    const messages = [...log.querySelectorAll<HTMLElement>("article.message")];
    const at = messages.findIndex((message) => message.contains(document.activeElement));
    const next = event.key === "ArrowUp" ? (at < 0 ? messages.length - 1 : at - 1) : at < 0 ? -1 : at + 1;
    event.preventDefault();
    (messages[next] ?? prompt.area).focus();
  } else if (event.key === "." && (event.ctrlKey || event.metaKey)) {
    questions.querySelector<HTMLElement>("button")?.focus();
  }
});

window.addEventListener("message", (event: MessageEvent<ToPage>) => take(event.data));
tell({ type: "ready" });
