// Reading patches as the agent writes them, and applying one to a text. Not here: making them.

/** One line of a hunk: unchanged, gone or new. */
export interface PatchLine {
  is: " " | "-" | "+";
  text: string;
  /** Whether the file ends here without a line end. */
  unended?: boolean;
}

export interface PatchHunk {
  /** Its number in the file, from 1. */
  n: number;
  oldStart: number;
  oldLines: number;
  newStart: number;
  newLines: number;
  lines: PatchLine[];
}

export interface FilePatch {
  path: string;
  hunks: PatchHunk[];
  /** What has no lines: modes, binary contents, names. */
  remarks: string[];
}

/** Reads a patch; lines that belong to no hunk become remarks of their file. */
export function parsePatch(patch: string): FilePatch[] {
  const files: FilePatch[] = [];
  let hunk: PatchHunk | undefined;
  let left = { old: 0, new: 0 };
  for (const line of patch.split("\n")) {
    const file = files.at(-1);
    if (hunk !== undefined && (left.old > 0 || left.new > 0) && /^[ +-]/.test(line)) {
      const is = line[0] as PatchLine["is"];
      hunk.lines.push({ is, text: line.slice(1) });
      if (is !== "+") left.old--;
      if (is !== "-") left.new--;
    } else if (hunk !== undefined && line.startsWith("\\")) {
      const last = hunk.lines.at(-1);
      if (last !== undefined) last.unended = true;
    } else if (line.startsWith("diff --git ")) {
      files.push({ path: pathOf(line.slice("diff --git ".length)), hunks: [], remarks: [] });
      hunk = undefined;
    } else if (file !== undefined && line.startsWith("@@ ")) {
      hunk = readHunk(line, file.hunks.length + 1);
      left = { old: hunk.oldLines, new: hunk.newLines };
      file.hunks.push(hunk);
    } else if (file !== undefined && line.startsWith("+++ b/")) file.path = line.slice("+++ b/".length).replace(/\t$/, "");
    else if (file !== undefined && line !== "" && !/^(---|\+\+\+|index) /.test(line)) file.remarks.push(line.replace(/^# ?/, ""));
  }
  return files;
}

/** Returns the text with a file's hunks in it; `undefined` where it is not the text that they were made from. */
export function applyPatch(text: string, file: FilePatch): string | undefined {
  const lines = text.split(/(?<=\n)/);
  const result: string[] = [];
  let at = 0;
  for (const hunk of file.hunks) {
    const start = hunk.oldLines === 0 ? hunk.oldStart : hunk.oldStart - 1;
    if (start < at || start > lines.length) return undefined;
    result.push(...lines.slice(at, start));
    at = start;
    for (const line of hunk.lines) {
      const whole = line.text + (line.unended ? "" : "\n");
      if (line.is === "+") {
        result.push(whole);
        continue;
      }
      if (lines[at] !== whole) return undefined;
      if (line.is === " ") result.push(whole);
      at++;
    }
  }
  return [...result, ...lines.slice(at)].join("");
}

function readHunk(line: string, next: number): PatchHunk {
  const [, oldStart, oldLines, newStart, newLines, rest] = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/.exec(line) ?? [];
  const named = /hunk (\d+)\s*$/.exec(rest ?? "")?.[1];
  return { n: named === undefined ? next : Number(named), oldStart: Number(oldStart), oldLines: Number(oldLines ?? 1), newStart: Number(newStart), newLines: Number(newLines ?? 1), lines: [] };
}

/** The path of a header's second half: both halves are the same but for their first letter, or the file was moved. */
function pathOf(names: string): string {
  const half = names.slice((names.length + 1) / 2);
  return (half.startsWith("b/") ? half : (names.split(" b/").at(-1) ?? names)).replace(/^b\//, "");
}
