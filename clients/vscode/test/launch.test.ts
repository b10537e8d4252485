// Finding the program, and saying what is wrong with one.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Unreachable } from "../src/protocol/failure.ts";
import { checkProgram, findProgram, isOlder } from "../src/protocol/launch.ts";

const home = mkdtempSync(join(tmpdir(), "tenon-launch-"));
after(() => rmSync(home, { recursive: true }));

/** Writes a program that says `text`. */
function program(path: string, text: string): string {
  const at = join(home, path);
  mkdirSync(join(at, ".."), { recursive: true });
  writeFileSync(at, `#!/bin/sh\necho "${text}"\n`);
  chmodSync(at, 0o755);
  return at;
}

test("the program is found on the PATH, then where cargo puts it", () => {
  const cargo = program(".cargo/bin/tenon", "tenon 0.1.0");
  assert.equal(findProgram("", "/nowhere:relative", home), cargo);
  const first = program("bin/tenon", "tenon 0.1.0");
  assert.equal(findProgram("", `/nowhere:${join(home, "bin")}`, home), first);
  assert.equal(findProgram("~/.cargo/bin/tenon", "", home), cargo);
});

test("a setting that names no program is told, and nothing else is taken in its stead", () => {
  program("bin/tenon", "tenon 0.1.0");
  assert.throws(() => findProgram("bin/tenon", join(home, "bin"), home), /must be an absolute path/);
  assert.throws(() => findProgram(join(home, "none"), join(home, "bin"), home), /is no program/);
  assert.throws(() => findProgram(home, join(home, "bin"), home), /is no program/);
});

test("without a program the message says what to do", () => {
  const nowhere = join(home, "empty");
  assert.throws(() => findProgram("", "/nowhere", nowhere), (failure: unknown) => failure instanceof Unreachable && failure.remedy === "install" && /setting tenon\.path/.test(failure.message));
});

test("a program that is too old, or another one, is refused", async () => {
  assert.equal(await checkProgram(program("new/tenon", "tenon 0.1.0 (abc)")), "0.1.0");
  await assert.rejects(checkProgram(program("old/tenon", "tenon 0.0.9")), /0\.0\.9 is too old: this extension needs 0\.1\.0/);
  await assert.rejects(checkProgram(program("other/tenon", "Tenon Saw v3")), /is not tenon: it says “Tenon Saw v3”/);
  await assert.rejects(checkProgram(join(home, "gone")), /cannot be run/);
});

test("versions are compared by number", () => {
  assert.ok(isOlder("0.9.9", "0.10.0"));
  assert.ok(isOlder("1.0.0-rc.1", "1.0.0"));
  assert.ok(!isOlder("1.0.0", "1.0.0"));
  assert.ok(!isOlder("1.0.0+build", "1.0.0"));
});
