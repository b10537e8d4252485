// Where the hunks of a change lie in a text that may have moved on. Not here: decorations and lenses (`editor/review`).
import type { Hunk } from "../protocol/types.ts";

/** Lines of a text, from 0, the end not among them; `from` equals `to` where lines are missing. */
export interface Lines {
  from: number;
  to: number;
}

/** Which side of a change a text shows. */
export type Side = "before" | "after";

/** Returns the lines of a text without their ends. */
export function linesOf(text: string): string[] {
  return text.split(/\r\n|\n|\r/);
}

/** Returns the lines that a hunk has on a side of its change. */
export function linesOn(hunk: Hunk, side: Side): Lines {
  const [start, count] = side === "before" ? [hunk.oldStart, hunk.oldLines] : [hunk.newStart, hunk.newLines];
  // A hunk without lines on this side names the line after which they would stand.
  const from = count === 0 ? start : start - 1;
  return { from, to: from + count };
}

/**
 * Returns where a hunk lies now: `text` is what stands there today, `whole` the content it was made on.
 * `undefined` where those lines are no more, or stand in several places equally near.
 */
export function locate(text: string[], whole: string[], hunk: Hunk, side: Side): Lines | undefined {
  const { from, to } = linesOn(hunk, side);
  const context = 2;
  const first = Math.max(0, from - context);
  const wanted = whole.slice(first, Math.min(whole.length, to + context));
  const near = nearest(text, wanted, first);
  if (near !== undefined) return { from: near + from - first, to: near + to - first };
  // Its surroundings changed: the lines themselves are enough where there are any.
  const own = whole.slice(from, to);
  if (own.length === 0 || own.every((line) => line.trim() === "")) return undefined;
  const found = nearest(text, own, from);
  return found === undefined ? undefined : { from: found, to: found + own.length };
}

/** Returns the start of the match nearest to `expected`. */
function nearest(text: string[], wanted: string[], expected: number): number | undefined {
  if (wanted.length === 0) return text.every((line) => line === "") ? 0 : undefined;
  let best: number | undefined;
  let tie = false;
  for (let at = 0; at + wanted.length <= text.length; at++) {
    if (!wanted.every((line, offset) => text[at + offset] === line)) continue;
    const [distance, least] = [Math.abs(at - expected), best === undefined ? Infinity : Math.abs(best - expected)];
    if (distance < least) [best, tie] = [at, false];
    else if (distance === least) tie = true;
  }
  return tie ? undefined : best;
}
