// Patches, where hunks lie in a text that moved on, mentions, and what verdicts come to.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Decisions } from "../src/model/decisions.ts";
import { mention, mentions } from "../src/model/mentions.ts";
import { applyPatch, parsePatch } from "../src/model/patch.ts";
import { linesOf, locate } from "../src/model/place.ts";
import type { FileChange, Hunk } from "../src/protocol/types.ts";

const PATCH = "diff --git a/a b.txt b/a b.txt\n--- a/a b.txt\n+++ b/a b.txt\n@@ -1,3 +1,3 @@ hunk 1\n one\n-two\n+--- 2\n three\n@@ -5,1 +5,2 @@ hunk 4\n five\n+six\n\\ No newline at end of file\n";

test("a patch is read with the agent's numbers, and applied", () => {
  const [file] = parsePatch(PATCH);
  assert.equal(file?.path, "a b.txt");
  assert.deepEqual(file.hunks.map(({ n, oldStart, newLines, lines }) => [n, oldStart, newLines, lines.length]), [[1, 1, 3, 4], [4, 5, 2, 2]]);
  assert.equal(applyPatch("one\ntwo\nthree\nfour\nfive\n", file), "one\n--- 2\nthree\nfour\nfive\nsix");
  assert.equal(applyPatch("one\n2\nthree\nfour\nfive\n", file), undefined, "another text is not patched");
});

test("the published patch of an approval is read", () => {
  const events = JSON.parse(readFileSync(new URL("../../../spec/examples/events/request.opened.json", import.meta.url), "utf8"));
  const [file] = parsePatch(events[0].params.result.data.subject.patch);
  assert.deepEqual(file?.hunks[0]?.lines, [{ is: "-", text: "one" }, { is: "+", text: "two" }]);
});

test("new, deleted and binary files", () => {
  const [added] = parsePatch("diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1,1 @@ hunk 1\n+x\n");
  assert.equal(applyPatch("", added!), "x\n");
  const [binary] = parsePatch("diff --git a/x.png b/x.png\n# binary content differs\n");
  assert.deepEqual([binary?.path, binary?.remarks, binary?.hunks], ["x.png", ["binary content differs"], []]);
});

const hunk = (oldStart: number, oldLines: number, newStart: number, newLines: number): Hunk => ({ n: 1, oldStart, oldLines, newStart, newLines });

test("a hunk is found where its lines went", () => {
  const whole = linesOf("a\nb\nNEW\nc\nd\n");
  const inside = hunk(3, 1, 3, 1);
  assert.deepEqual(locate(whole, whole, inside, "after"), { from: 2, to: 3 });
  assert.deepEqual(locate(linesOf("x\ny\na\nb\nNEW\nc\nd\n"), whole, inside, "after"), { from: 4, to: 5 });
  assert.deepEqual(locate(linesOf("q\nNEW\nz"), whole, inside, "after"), { from: 1, to: 2 }, "its surroundings changed");
  assert.equal(locate(linesOf("a\nb\nmine\nc\nd\n"), whole, inside, "after"), undefined, "it was edited since");
});

test("lines that went are found by what is around them", () => {
  const whole = linesOf("a\nb\nc\nd\n");
  assert.deepEqual(locate(linesOf("new\na\nb\nc\nd\n"), whole, hunk(3, 2, 2, 0), "after"), { from: 3, to: 3 });
  assert.equal(locate(linesOf("p\nq"), whole, hunk(3, 2, 2, 0), "after"), undefined);
  assert.deepEqual(locate(linesOf(""), linesOf(""), hunk(0, 0, 1, 1), "before"), { from: 0, to: 0 });
});

test("mentions are found by the agent's rules", () => {
  assert.deepEqual(mentions('see @src/a.rs, (@b.txt) and @"my file.md". Not me@example.org, @ or @"open'), ["src/a.rs", "b.txt", "my file.md"]);
  assert.deepEqual(mentions('@"a \\"q\\" \\\\.txt"'), ['a "q" \\.txt']);
  for (const path of ["a.rs", "my file.md", 'q"x".md', "end."]) assert.deepEqual(mentions(`look at ${mention(path)} now`), [path]);
});

test("an edit is answered once all of its hunks are decided", () => {
  const file: FileChange = { path: "a", op: "modify", hunks: [hunk(1, 1, 1, 1), { ...hunk(5, 2, 5, 1), n: 2 }] };
  const answer = (first: "accepted" | "rejected", second: "accepted" | "rejected", byHunk = true): unknown => {
    const decisions = new Decisions();
    decisions.decide("r", "a", 1, first);
    assert.equal(decisions.answer("r", [file], byHunk), undefined);
    assert.deepEqual(decisions.open("r", file), [2]);
    decisions.decide("r", "a", 2, second);
    return decisions.answer("r", [file], byHunk);
  };
  assert.deepEqual(answer("accepted", "accepted"), { decision: "allow" });
  assert.deepEqual(answer("rejected", "rejected"), { decision: "deny" });
  assert.deepEqual(answer("rejected", "accepted"), { decision: "allow", select: [{ path: "a", hunks: [2] }] });
  // An agent that cannot write a part is told what is wanted.
  assert.deepEqual(answer("rejected", "accepted", false), { decision: "deny", note: "Make a part of this edit only. Wanted: a hunk 2 (lines 5-6). Not wanted: a hunk 1 (line 1)." });
});
