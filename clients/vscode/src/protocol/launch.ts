// Finding the program `tenon` and starting `tenon attach`. Not here: what is said over its streams (`connection`).
import { execFile, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { Unreachable } from "./failure.ts";

/** The oldest program that this client works with. */
export const OLDEST = "0.1.0";

/** The two streams of a connection, and how it ends. */
export interface Streams {
  input: Readable;
  output: Writable;
  /** Resolves once, when the other side has gone. */
  ended: Promise<Ending>;
  /** Ends this connection; never the work of the agent. */
  end(): void;
}

/** How a connection ended. */
export interface Ending {
  /** The exit code of `tenon attach`; `null` where a signal ended it. */
  code: number | null;
  /** The last sentence it said about it. */
  why: string;
}

/** Where people's programs lie that the PATH of a desktop session often lacks. */
const USUAL = [".cargo/bin", ".local/bin"];

/** Returns the program's path: the one that the settings name, or the first one found; throws `Unreachable`. */
export function findProgram(setting: string, path = process.env["PATH"] ?? "", home = homedir()): string {
  const named = setting.trim().replace(/^~(?=\/)/, home);
  if (named !== "") {
    if (!isAbsolute(named)) throw new Unreachable(`tenon.path must be an absolute path, and is ${named}`, "install");
    if (!isProgram(named)) throw new Unreachable(`tenon.path names ${named}, which is no program`, "install");
    return named;
  }
  const folders = [...path.split(delimiter), ...USUAL.map((folder) => join(home, folder)), "/usr/local/bin", "/opt/homebrew/bin"];
  const found = folders.filter(isAbsolute).map((folder) => join(folder, "tenon")).find(isProgram);
  if (found === undefined) throw new Unreachable("the program tenon is not on the PATH: install it, or name it in the setting tenon.path", "install");
  return found;
}

/** Throws `Unreachable` where the program cannot be run, is another one, or is too old. Takes at most 20 seconds. */
export async function checkProgram(program: string): Promise<string> {
  const said = await new Promise<string>((resolve, reject) => {
    execFile(program, ["--version"], { timeout: 20_000, encoding: "utf8" }, (failure, stdout) => {
      if (failure) reject(new Unreachable(`${program} cannot be run: ${failure.message.trim().split("\n")[0]}`, "install"));
      else resolve(stdout.trim());
    });
  });
  const version = /^tenon (\d+\.\d+\.\d+\S*)/.exec(said)?.[1];
  if (version === undefined) throw new Unreachable(`${program} is not tenon: it says “${said.slice(0, 80)}”`, "install");
  if (isOlder(version, OLDEST)) throw new Unreachable(`tenon ${version} is too old: this extension needs ${OLDEST} or newer`, "update");
  return version;
}

/** Returns whether a version comes before another; of two with the same numbers the one with a suffix does. */
export function isOlder(version: string, than: string): boolean {
  const [left, right] = [numbers(version), numbers(than)];
  for (let at = 0; at < 3; at++) {
    if (left[at] !== right[at]) return left[at]! < right[at]!;
  }
  return version.includes("-") && !than.includes("-");
}

function numbers(version: string): number[] {
  const found = version.split(/[-+]/)[0]!.split(".").map(Number);
  return [found[0] || 0, found[1] || 0, found[2] || 0];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Starts `tenon attach`, which starts the agent where there is none. */
export function attach(program: string, cwd: string | undefined, log: (line: string) => void): Streams {
  const child = spawn(program, ["attach"], { cwd, stdio: ["pipe", "pipe", "pipe"] });
  let last = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    for (const line of text.split("\n").filter((line) => line.trim() !== "")) {
      last = line.trim();
      log(`attach: ${last}`);
    }
  });
  // A pipe whose reader has gone is told by `ended`.
  child.stdin.on("error", () => {});
  const ended = new Promise<Ending>((resolve) => {
    child.on("error", (failure) => resolve({ code: null, why: failure.message }));
    child.on("close", (code) => resolve({ code, why: last }));
  });
  return { input: child.stdout, output: child.stdin, ended, end: () => void child.kill() };
}
