// The fold of events into what is drawn: the published examples, and what a client must not get wrong.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import type { Picture } from "../src/model/entries.ts";
import { delta, fold, open, prepend } from "../src/model/picture.ts";
import type { AgentEvent, Envelope, OpenResult, SnapshotItem } from "../src/protocol/types.ts";

const SPEC = new URL("../../../spec/examples/", import.meta.url);

function opened(snapshot: Partial<OpenResult["snapshot"]> = {}): OpenResult {
  const session = { id: "s", workspace: "file:///w", title: "", state: "idle", model: "a/b", profile: "review", createdAt: "", updatedAt: "", head: "1.2", changedFiles: 0, cost: 0, unanswered: 0 } as const;
  const usage = { inputTokens: 0, outputTokens: 0 };
  return { session, cursor: "1.2", snapshot: { state: "idle", settings: {}, trust: "trusted", tests: [], items: [], requests: [], queue: [], plans: [], jobs: [], usage, ...snapshot } };
}

/** Folds events that are given by type and data. */
function folded(events: [string, object][], picture: Picture = open(opened())): Picture {
  for (const [at, [type, data]] of events.entries()) fold(picture, { type, data, seq: at + 3, epoch: 1, turn: "t", text: type } as Envelope);
  return picture;
}

test("every published event is taken, and none is lost without a trace", () => {
  const picture = open(opened());
  const files = readdirSync(new URL("events/", SPEC)).map((file) => JSON.parse(readFileSync(new URL(`events/${file}`, SPEC), "utf8")) as { params: AgentEvent }[]);
  const results = files.flat().map(({ params }) => params.result);
  const seq = (result: (typeof results)[number]): number => ("d" in result ? 0 : (result.seq ?? 0));
  for (const result of results.sort((left, right) => seq(left) - seq(right))) {
    if ("d" in result) delta(picture, result);
    else fold(picture, result);
  }
  assert.ok(picture.entries.some((entry) => entry.is === "message" && entry.role === "user"));
  assert.ok(picture.entries.some((entry) => entry.is === "change"));
});

test("an event that this client does not know shows by its text", () => {
  const picture = open(opened());
  const changed = fold(picture, { type: "weather.changed", text: "it rains", seq: 3, epoch: 1 });
  assert.deepEqual(picture.entries.map((entry) => entry.is === "note" && entry.text), ["it rains"]);
  assert.equal(changed.entries.length, 1);
});

test("text grows by deltas, and the closing event has the last word", () => {
  const picture = folded([["message.started", { messageId: "m", role: "assistant" }]]);
  const text = (): string => (picture.entries[0] as { text: string }).text;
  delta(picture, { d: "m", from: 0, t: "Grüße" });
  delta(picture, { d: "m", from: 0, t: "Grüße" });
  assert.equal(text(), "Grüße");
  delta(picture, { d: "m", from: 4, t: "ße, all" });
  assert.equal(text(), "Grüße, all");
  delta(picture, { d: "m", from: 40, t: "late" });
  assert.equal(text(), "Grüße, all…late");
  fold(picture, { type: "message.ended", data: { messageId: "m", role: "assistant", content: [{ type: "text", text: "Grüße, all of you" }] }, seq: 9, epoch: 1 });
  assert.equal(text(), "Grüße, all of you");
  delta(picture, { d: "m", from: 20, t: "more" });
  assert.equal(text(), "Grüße, all of you");
});

test("text that was withdrawn goes", () => {
  const picture = folded([["message.started", { messageId: "m", role: "assistant" }], ["message.ended", { messageId: "m", role: "assistant", content: [], superseded: true }]]);
  assert.deepEqual(picture.entries, []);
});

test("questions are open until they are answered, by whomever", () => {
  const request = { requestId: "r", kind: "approval", title: "?", subject: { type: "command", argv: ["x"], cwd: ".", exe: "x", needs: [], sandbox: 1 }, options: [], session: "s" };
  const picture = folded([["request.opened", request]]);
  assert.equal(picture.head.requests.length, 1);
  folded([["request.resolved", { requestId: "r", decision: "deny", by: { id: "1", kind: "nvim" } }]], picture);
  assert.equal(picture.head.requests.length, 0);
});

test("the queue is as the agent has it: steers first, moves, withdrawals", () => {
  const admitted = (messageId: string, outcome: string): [string, object] => ["prompt.admitted", { messageId, outcome, delivery: "auto", input: [{ type: "text", text: messageId }] }];
  const picture = folded([admitted("a", "queued"), admitted("b", "queued"), admitted("c", "steered"), admitted("d", "queued"), admitted("e", "started")]);
  const ids = (): string => picture.head.queue.map((waiting) => waiting.messageId + (waiting.steer ? "!" : "")).join(" ");
  assert.equal(ids(), "c! a b d");
  folded([["prompt.changed", { messageId: "d", op: "promote", position: 1 }]], picture);
  assert.equal(ids(), "c! d a b");
  folded([["prompt.changed", { messageId: "b", op: "promote", turnId: "t" }], ["prompt.changed", { messageId: "a", op: "withdraw" }]], picture);
  assert.equal(ids(), "c! b! d");
  folded([["prompt.changed", { messageId: "c", op: "requeue", position: 1 }], ["prompt.delivered", { messageId: "b" }]], picture);
  assert.equal(ids(), "c d");
});

test("how a turn ended is told where it was not well, and nothing goes on growing", () => {
  const picture = folded([["tool.proposed", { callId: "x", name: "shell", kind: "execute", title: "sleep", digest: "", input: {} }], ["tool.started", { callId: "x", allowedBy: "", effect: "command", intent: [] }], ["turn.ended", { stop: "failed", usage: {}, error: { kind: "providerDown", message: "no answer", hint: "try later" } }]]);
  const [call, note] = picture.entries;
  assert.ok(call?.is === "call" && call.status === "unknown" && !call.growing);
  assert.ok(note?.is === "note" && note.level === "error" && note.text === "no answer. try later");
});

test("a snapshot with the log beside it is what folding the whole log gives", () => {
  const log: Envelope[] = ([
    ["tool.proposed", { callId: "x", name: "read", kind: "read", title: "read a.txt", digest: "", input: {} }],
    ["tool.ended", { callId: "x", status: "ok", content: [{ type: "text", text: "one" }] }],
    ["message.ended", { messageId: "m", role: "assistant", content: [{ type: "text", text: "Done." }] }],
    ["change.applied", { changeId: "c", checkpointId: "k", files: [], uncovered: [] }],
  ] as const).map(([type, data], at) => ({ type, data, seq: at + 3, epoch: 1, turn: "t", text: type, at: "" }));
  const whole = open(opened());
  for (const event of log) fold(whole, event);
  const items = log.filter((event) => event.type !== "tool.proposed") as unknown as SnapshotItem[];
  const picture = open(opened({ items }), log.filter((event) => event.type === "tool.proposed"));
  assert.deepEqual(picture.entries, whole.entries);
});

test("an earlier page stands in front, and nothing twice", () => {
  const message = (id: string, seq: number): Envelope => ({ type: "message.ended", seq, epoch: 1, text: id, data: { messageId: id, role: "user", content: [{ type: "text", text: id }] } });
  const picture = open(opened({ before: "1.9" }));
  fold(picture, message("new", 10));
  const { came } = prepend(picture, [message("old", 3), message("new", 10)], undefined);
  assert.deepEqual(came.map((entry) => entry.id), ["old"]);
  assert.deepEqual(picture.entries.map((entry) => entry.id), ["old", "new"]);
  assert.equal(picture.head.before, undefined);
});

test("a call whose proposal stands on an earlier page is named once that is read", () => {
  const ended: Envelope = { type: "tool.ended", seq: 10, epoch: 1, text: "ok: one", data: { callId: "x", status: "ok", content: [{ type: "text", text: "one" }] } };
  const proposed: Envelope = { type: "tool.proposed", seq: 3, epoch: 1, text: "", data: { callId: "x", name: "read", kind: "read", title: "read a.txt", digest: "", input: {} } };
  const picture = open(opened({ before: "1.9" }));
  fold(picture, ended);
  assert.deepEqual(prepend(picture, [proposed], undefined), { came: [], named: ["x"] });
  assert.deepEqual(picture.entries.map((entry) => entry.is === "call" && [entry.title, entry.status]), [["read a.txt", "ok"]]);
});

test("of a text that is shown in part is known where all of it is", () => {
  const ref = { type: "ref", ref: "b3:1", mime: "text/plain", bytes: 2_000_000, title: "It begins", whole: true };
  const long: SnapshotItem = { type: "message.ended", seq: 4, at: "", text: "", data: { messageId: "m", role: "assistant", content: [ref] } } as unknown as SnapshotItem;
  const cut = { ...long, seq: 5, cut: true, data: { messageId: "n", role: "assistant", content: [{ type: "text", text: "It, too…" }] } } as unknown as SnapshotItem;
  const { entries } = open(opened({ items: [long, cut] }));
  assert.deepEqual(entries.map((entry) => entry.is === "message" && [entry.text, entry.whole]), [
    ["It begins…", { seq: 4, ref: "b3:1", bytes: 2_000_000, markdown: true }],
    ["It, too…", { seq: 5, markdown: true }],
  ]);
});

test("a plan is ready until all of it is applied or it is dropped; a todo list is no plan", () => {
  const step = (status: string): object => ({ id: "1", title: "one", status });
  const picture = folded([
    ["turn.started", { messageId: "m", model: "a/b", profile: "review", planId: "p" }],
    ["plan.changed", { planId: "p", rev: 1, tree: [step("active")] }],
    ["change.staged", { changeId: "c", planId: "p", files: [], uncovered: [] }],
    ["plan.ready", { planId: "p", rev: 1, tree: [step("pending")], changeId: "c" }],
    ["turn.ended", { stop: "done", usage: {} }],
    ["turn.started", { messageId: "m", model: "a/b", profile: "review" }],
    ["plan.changed", { planId: "todo", rev: 1, tree: [step("active")] }],
  ]);
  assert.deepEqual([picture.head.plan?.planId, picture.head.plan?.ready, picture.head.todo?.planId], ["p", true, "todo"]);
  folded([["plan.changed", { planId: "p", rev: 1, tree: [step("active")], applied: [{ path: "a", hunks: [1] }] }]], picture);
  assert.deepEqual([picture.head.plan?.ready, picture.head.plan?.changeId, picture.head.plan?.applied], [true, "c", [{ path: "a", hunks: [1] }]]);
  folded([["plan.changed", { planId: "p", rev: 1, tree: [step("done")], applied: [{ path: "a" }] }]], picture);
  assert.equal(picture.head.plan?.ready, false);
  folded([["plan.ready", { planId: "p", rev: 2, tree: [step("pending")], changeId: "d" }], ["plan.changed", { planId: "p", rev: 2, tree: [step("dropped")], dropped: true }]], picture);
  assert.equal(picture.head.plan?.ready, false);
});

test("a revision that is being made leaves the plan before it what can be applied", () => {
  const picture = folded([
    ["plan.ready", { planId: "p", rev: 1, tree: [], changeId: "c" }],
    ["turn.started", { messageId: "m", model: "a/b", profile: "review", planId: "p", planRev: 2 }],
    ["plan.changed", { planId: "p", rev: 2, tree: [], changeId: "d" }],
  ]);
  assert.deepEqual([picture.head.plan?.rev, picture.head.plan?.changeId, picture.head.plan?.ready], [1, "c", true]);
  folded([["plan.ready", { planId: "p", rev: 2, tree: [], changeId: "e" }]], picture);
  assert.deepEqual([picture.head.plan?.rev, picture.head.plan?.changeId], [2, "e"]);
});

test("a conversation that was taken back is shown as such, and comes back", () => {
  const said = (messageId: string): [string, object] => ["message.ended", { messageId, role: "user", content: [{ type: "text", text: messageId }] }];
  const picture = folded([said("a"), said("b")]);
  const withdrawn = (): string => picture.entries.filter((entry) => entry.withdrawn).map((entry) => entry.id).join(" ");
  fold(picture, { type: "session.reverted", seq: 5, epoch: 1, text: "went back", data: { checkpointId: "k", scope: "conversation", to: { turn: "t" }, at: 3 } });
  assert.equal(withdrawn(), "b");
  fold(picture, { type: "session.reverted", seq: 6, epoch: 1, text: "came back", data: { checkpointId: "l", scope: "conversation", to: { checkpoint: "k" }, at: 4 } });
  assert.equal(withdrawn(), "note-5");
});
