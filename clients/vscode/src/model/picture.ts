// The fold of a session's events into what is drawn; the state of a client is this and nothing else.
// Not here: where events come from (`protocol`), what entries look like (`webview`).
import type { ChangeStaged, Cursor, Delta, Envelope, EventBody, OpenResult, PlanChanged, PlanReady, PromptChanged, QueuedMessage, Snapshot } from "../protocol/types.ts";
import { attachments, bytesOf, grow, images, textOf, wholeOf } from "./content.ts";
import type { CallEntry, Changed, Entry, Head, MessageEntry, Picture, Plan } from "./entries.ts";

/** Events that say nothing a person has to see: what they change is drawn elsewhere, or is the machine's business. */
const SILENT = new Set(["session.created", "context.set", "attempt.started", "change.started", "job.changed", "prompt.delivered", "session.state"]);

/** Types of events that a snapshot's items lack: titles of calls, staged changes, how turns ended. */
export const BESIDE_SNAPSHOT = ["tool.proposed", "tool.started", "message.started", "change.staged", "turn.ended", "plan.ready", "session.reverted", "job.started"];

/** Makes a picture of a session that was opened; `beside` are events of the types above, from the newest part of its log. */
export function open(opened: OpenResult, beside: Envelope[] = []): Picture {
  const { session, snapshot } = opened;
  const { settings, trust, tests, turnId, requests, queue, usage, before } = snapshot;
  const head: Head = { session: { ...session, state: snapshot.state }, settings, trust, tests, turnId, requests: [...requests], queue: [...queue], usage, before };
  const picture: Picture = { head, entries: [] };
  Object.assign(head, plansOf(snapshot));
  const items: Envelope[] = snapshot.items.map((item) => ({ ...item, epoch: 0 }));
  const first = before === undefined ? 0 : (items[0]?.seq ?? 0);
  const known = new Set(items.map((item) => item.seq));
  // What a plan staged is wanted however long ago that was.
  const staged = (event: Envelope): boolean => event.type === "change.staged" && (event.data as ChangeStaged).changeId === head.plan?.changeId;
  const others = beside.filter((event) => ((event.seq ?? 0) >= first || staged(event)) && !known.has(event.seq));
  const scratch: Picture = { head: { ...head, requests: [], queue: [] }, entries: picture.entries };
  for (const event of [...items, ...others].sort((left, right) => (left.seq ?? 0) - (right.seq ?? 0))) fold(scratch, event);
  if (snapshot.state === "idle" || snapshot.state === "closed") settle(picture, undefined);
  return picture;
}

/** Puts a page of events from before the picture's beginning in front of it; returns the entries that came, and of the others those that changed. */
export function prepend(picture: Picture, events: Envelope[], before: Cursor | undefined): { came: Entry[]; named: string[] } {
  const page: Picture = { head: { ...picture.head, requests: [], queue: [] }, entries: [] };
  for (const event of events) fold(page, event);
  const known = new Set(picture.entries.map((entry) => entry.id));
  const came = page.entries.filter((entry) => !known.has(entry.id));
  // A call that was proposed on this page, and whose end is shown already, is named now.
  const named = page.entries.flatMap((entry) => {
    const shown = entry.is === "call" ? call(picture, entry.id) : undefined;
    if (entry.is !== "call" || shown?.name !== "") return [];
    Object.assign(shown, { name: entry.name, kind: entry.kind, title: entry.title });
    return [entry.id];
  });
  settle({ head: page.head, entries: came }, undefined);
  picture.entries.unshift(...came);
  picture.head.before = before;
  return { came, named };
}

/** Takes the next event of the session's log. */
export function fold(picture: Picture, envelope: Envelope): Changed {
  const changed: Changed = { head: false, entries: [], removed: [] };
  if (envelope.type.startsWith("observe.")) return changed;
  const event = envelope as Envelope & EventBody;
  if (!about(picture, event, changed) && !transcript(picture, event, changed) && !SILENT.has(envelope.type)) {
    note(picture, envelope, "info", envelope.text ?? envelope.type, changed);
  }
  if (envelope.seq !== undefined && envelope.epoch) picture.head.session.head = `${envelope.epoch}.${envelope.seq}`;
  return changed;
}

/** Takes text of an item that grows. */
export function delta(picture: Picture, { d, from, t }: Delta): Changed {
  const changed: Changed = { head: false, entries: [], removed: [] };
  const entry = picture.entries.findLast((entry) => entry.id === d);
  if (entry === undefined || !("growing" in entry) || !entry.growing) return changed;
  const piece = entry.is === "job" ? decoded(t) : t;
  if (grow(entry, from, piece)) changed.entries.push(d);
  return changed;
}

function decoded(base64: string): string {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

/** Takes what events say about the session itself. */
function about({ head }: Picture, event: Envelope & EventBody, changed: Changed): boolean {
  switch (event.type) {
    case "session.state":
      head.session.state = event.data.state;
      if (event.data.state === "idle") head.turnId = undefined;
      break;
    case "session.closed":
      head.session.state = "closed";
      break;
    case "session.changed":
      head.settings = { ...head.settings, ...event.data.settings };
      if (event.data.title !== undefined) head.session.title = event.data.title;
      if (event.data.settings?.model !== undefined) head.session.model = event.data.settings.model;
      if (event.data.settings?.profile !== undefined) head.session.profile = event.data.settings.profile;
      break;
    case "usage.changed":
      head.usage = event.data.usage;
      break;
    case "request.opened":
      head.requests = [...head.requests.filter((request) => request.requestId !== event.data.requestId), event.data];
      break;
    case "request.resolved": {
      const resolved = head.requests.find((request) => request.requestId === event.data.requestId);
      if (resolved?.kind === "trust") head.trust = event.data.decision === "trust" || event.data.decision === "allow" ? "trusted" : "untrusted";
      head.requests = head.requests.filter((request) => request !== resolved);
      break;
    }
    case "prompt.admitted": {
      const { messageId, input, by, outcome } = event.data;
      if (outcome === "steered") head.queue.splice(head.queue.filter((waiting) => waiting.steer).length, 0, { messageId, input, steer: true, ...(by && { by }) });
      else if (outcome === "queued") head.queue.push({ messageId, input, steer: false, ...(by && { by }) });
      break;
    }
    case "prompt.changed":
      move(head.queue, event.data);
      break;
    case "prompt.delivered":
      head.queue = head.queue.filter((waiting) => waiting.messageId !== event.data.messageId);
      break;
    case "plan.changed":
      planChanged(head, event.data);
      break;
    case "plan.ready":
      head.plan = plan(event.data, true);
      break;
    case "attempt.ended":
      head.retry = event.data.outcome === "failed" && event.data.retryAt !== undefined ? `${event.data.error?.message ?? "the model did not answer"}; trying again` : undefined;
      break;
    default:
      return false;
  }
  changed.head = true;
  return true;
}

/** Takes what stands in the transcript. */
function transcript(picture: Picture, event: Envelope & EventBody, changed: Changed): boolean {
  const at = { seq: event.seq ?? 0, turn: event.turn };
  switch (event.type) {
    case "turn.started":
      Object.assign(picture.head, { turnId: event.turn, retry: undefined, making: event.data.planId });
      changed.head = true;
      break;
    case "turn.ended":
      turnEnded(picture, event, changed);
      break;
    case "message.started":
      upsert(picture, { is: "message", id: event.data.messageId, ...at, role: event.data.role, attached: [], images: [], text: "", bytes: 0, growing: true }, changed);
      break;
    case "message.ended":
      messageEnded(picture, event, changed);
      break;
    case "tool.proposed": {
      const { callId, name, kind, title } = event.data;
      upsert(picture, { is: "call", id: callId, ...at, name, kind, title, status: "proposed", text: "", bytes: 0, growing: true }, changed);
      break;
    }
    case "tool.started":
      if (call(picture, event.data.callId)?.status === "proposed") Object.assign(touched(picture, event.data.callId, changed), { status: "running" });
      break;
    case "tool.ended": {
      const { callId, status, content, exit, ref } = event.data;
      const known = call(picture, callId) ?? { is: "call", id: callId, ...at, name: "", kind: "other", title: firstLine(event.text), bytes: 0 };
      const whole = ref === undefined ? wholeOf(content, at.seq, cutIn(event)) : { ref, seq: at.seq };
      upsert(picture, { ...known, status, text: textOf(content), growing: false, exit, whole } as CallEntry, changed);
      break;
    }
    case "change.staged":
    case "change.applied": {
      const { changeId, callId, files, uncovered } = event.data;
      // What a call staged is part of the whole that the plan has in the end.
      if (event.type === "change.staged" && callId !== undefined) break;
      const planId = event.type === "change.staged" ? event.data.planId : undefined;
      upsert(picture, { is: "change", id: changeId, ...at, files, staged: event.type === "change.staged", planId, uncovered: uncovered.map(({ path, reason }) => `${path}: ${reason}`) }, changed);
      break;
    }
    case "session.reverted":
      reverted(picture, event, changed);
      break;
    case "job.started":
      upsert(picture, { is: "job", id: event.data.jobId, ...at, command: event.data.command, status: "running", text: "", bytes: 0, growing: true }, changed);
      break;
    case "job.ended": {
      const known = picture.entries.find((entry) => entry.id === event.data.jobId);
      const command = known?.is === "job" ? known.command : firstLine(event.text);
      upsert(picture, { is: "job", id: event.data.jobId, seq: known?.seq ?? at.seq, command, status: event.data.status, text: textOf(event.data.content), bytes: event.data.bytes, growing: false }, changed);
      break;
    }
    default:
      return false;
  }
  return true;
}

function messageEnded(picture: Picture, event: Envelope & Extract<EventBody, { type: "message.ended" }>, changed: Changed): void {
  const { messageId, role, content, by, superseded } = event.data;
  if (superseded) {
    picture.entries = picture.entries.filter((entry) => entry.id !== messageId);
    changed.removed.push(messageId);
    return;
  }
  const known = picture.entries.find((entry) => entry.id === messageId);
  const text = textOf(content);
  const whole = wholeOf(content, event.seq ?? 0, cutIn(event));
  const entry: MessageEntry = { is: "message", id: messageId, seq: known?.seq ?? event.seq ?? 0, turn: event.turn, role, by, attached: attachments(content), images: images(content), text, bytes: bytesOf(text), growing: false, whole: whole && { ...whole, markdown: true } };
  upsert(picture, entry, changed);
}

/** Whether a snapshot shortened its item. */
function cutIn(event: Envelope): boolean | undefined {
  return (event as Envelope & { cut?: boolean }).cut;
}

function turnEnded(picture: Picture, event: Envelope & Extract<EventBody, { type: "turn.ended" }>, changed: Changed): void {
  const { stop, error, limit, denied } = event.data;
  if (picture.head.turnId === event.turn) picture.head.turnId = undefined;
  Object.assign(picture.head, { retry: undefined, making: undefined });
  changed.head = true;
  changed.entries.push(...settle(picture, event.turn));
  if (stop === "failed") note(picture, event, "error", [error?.message ?? event.text, error?.hint].filter(Boolean).join(". "), changed);
  else if (stop === "limit") note(picture, event, "warning", `The turn reached its limit${limit ? ` of ${limit}` : ""}.`, changed);
  else if (stop === "refused") note(picture, event, "warning", "The model refused to go on.", changed);
  else if (stop === "interrupted") note(picture, event, "info", "Interrupted.", changed);
  if (denied && picture.head.trust !== "trusted") note(picture, event, "info", "Calls were refused because the workspace is not trusted.", changed, "-denied");
}

/** Ends what a turn left growing; of all turns where none is named. Returns what changed. */
function settle(picture: Picture, turn: string | undefined): string[] {
  const open = picture.entries.filter((entry): entry is MessageEntry | CallEntry => (entry.is === "message" || entry.is === "call") && entry.growing && (turn === undefined || entry.turn === turn));
  for (const entry of open) {
    entry.growing = false;
    if (entry.is === "call") entry.status = "unknown";
  }
  return open.map((entry) => entry.id);
}

/** Files or conversation went back: of the latter what lies behind the place counts no more, until it is brought back. */
function reverted(picture: Picture, event: Envelope & Extract<EventBody, { type: "session.reverted" }>, changed: Changed): void {
  const { scope, at, changeId } = event.data as typeof event.data & { at?: number };
  const change = picture.entries.findLast((entry) => entry.id === changeId);
  if (change?.is === "change") {
    change.back = true;
    changed.entries.push(change.id);
  }
  if (scope !== "files" && at !== undefined) {
    for (const entry of picture.entries) {
      const withdrawn = entry.seq > at;
      if (withdrawn === (entry.withdrawn ?? false)) continue;
      entry.withdrawn = withdrawn;
      changed.entries.push(entry.id);
    }
  }
  note(picture, event, "info", event.text, changed);
}

function note(picture: Picture, event: Envelope, level: "info" | "warning" | "error", text: string | undefined, changed: Changed, suffix = ""): void {
  if (!text) return;
  upsert(picture, { is: "note", id: `note-${event.seq ?? text}${suffix}`, seq: event.seq ?? 0, turn: event.turn, level, text }, changed);
}

function upsert(picture: Picture, entry: Entry, changed: Changed): void {
  const at = picture.entries.findLastIndex((known) => known.id === entry.id);
  if (at >= 0) picture.entries[at] = { ...entry, seq: picture.entries[at]!.seq };
  else picture.entries.push(entry);
  changed.entries.push(entry.id);
}

function call(picture: Picture, id: string): CallEntry | undefined {
  const entry = picture.entries.findLast((entry) => entry.id === id);
  return entry?.is === "call" ? entry : undefined;
}

function touched(picture: Picture, id: string, changed: Changed): Entry {
  changed.entries.push(id);
  return picture.entries.findLast((entry) => entry.id === id)!;
}

/** Keeps the list of waiting messages: steers first, then the queue. */
function move(queue: QueuedMessage[], { messageId, op, input, position, by }: PromptChanged): void {
  const at = queue.findIndex((waiting) => waiting.messageId === messageId);
  const waiting = queue[at];
  if (waiting === undefined) return;
  if (op === "replace") {
    Object.assign(waiting, { input: input ?? waiting.input, ...(by && { by }) });
    return;
  }
  if (op === "promote" && position === undefined && waiting.steer) return;
  queue.splice(at, 1);
  if (op === "withdraw") return;
  const steers = queue.filter((other) => other.steer).length;
  waiting.steer = position === undefined;
  queue.splice(position === undefined ? steers : steers + position - 1, 0, waiting);
}

/** Steps changed: those of the plan that is made, those of one that was applied in part or thrown away, or those of a todo list. */
function planChanged(head: Head, data: PlanChanged): void {
  const { planId } = data;
  if (planId === head.making) {
    // The revision before stays what can be applied until this one is ready.
    if (head.plan?.planId !== planId || !head.plan.ready) head.plan = plan(data, false);
  } else if (planId === head.plan?.planId) {
    const next = plan(data, head.plan.ready);
    next.changeId ??= head.plan.changeId;
    next.ready &&= data.dropped !== true && !next.tree.every((step) => step.status === "done");
    head.plan = next;
  } else head.todo = plan(data, false);
}

function plan(data: PlanChanged | PlanReady, ready: boolean): Plan {
  const { planId, rev, tree, changeId } = data;
  return { planId, rev, tree, changeId, ready, applied: ("applied" in data && data.applied) || [] };
}

/** The plans of a snapshot: of those with something staged the newest can be applied. */
function plansOf(snapshot: Snapshot): Pick<Head, "plan" | "todo"> {
  const plans = snapshot.plans as PlanChanged[];
  const [staged, todo] = [plans.find((each) => each.changeId !== undefined), plans.find((each) => each.changeId === undefined)];
  return { plan: staged && plan(staged, true), todo: todo && plan(todo, false) };
}

function firstLine(text: string | undefined): string {
  return (text ?? "").split("\n")[0]!;
}
