// What a person decided about hunks, one by one. Not here: where they lie (`place`), what follows from it (`editor/review`).
import type { FileChange, Selected } from "../protocol/types.ts";

export type Verdict = "accepted" | "rejected";

/** The answer to an edit: `select` are the hunks of it that are allowed, where not all are. */
export interface EditAnswer {
  decision: "allow" | "deny";
  note?: string;
  select?: Selected[];
}

export class Decisions {
  /** By subject (a change or a request) and path, by the number of the hunk. */
  private readonly made = new Map<string, Map<number, Verdict>>();

  decide(subject: string, path: string, hunk: number, verdict: Verdict): void {
    const key = `${subject} ${path}`;
    const hunks = this.made.get(key) ?? new Map<number, Verdict>();
    this.made.set(key, hunks.set(hunk, verdict));
  }

  /** Decides everything that is open of a file. */
  decideFile(subject: string, file: FileChange, verdict: Verdict): void {
    for (const hunk of this.open(subject, file)) this.decide(subject, file.path, hunk, verdict);
  }

  verdict(subject: string, path: string, hunk: number): Verdict | undefined {
    return this.made.get(`${subject} ${path}`)?.get(hunk);
  }

  /** The numbers of a file's hunks that nobody decided about. */
  open(subject: string, file: FileChange): number[] {
    return file.hunks.map((hunk) => hunk.n).filter((n) => this.verdict(subject, file.path, n) === undefined);
  }

  /**
   * What the answer to an edit is once all of its hunks are decided; `undefined` before. Of one that is accepted in part the
   * agent writes those hunks alone; where it cannot (`byHunk`), nothing is written, and the model is told which hunks to make.
   */
  answer(subject: string, files: FileChange[], byHunk: boolean): EditAnswer | undefined {
    const hunks = files.flatMap((file) => file.hunks.map((hunk) => ({ file, hunk, verdict: this.verdict(subject, file.path, hunk.n) })));
    if (hunks.length === 0 || hunks.some(({ verdict }) => verdict === undefined)) return undefined;
    const named = (wanted: Verdict): string[] => hunks.filter(({ verdict }) => verdict === wanted).map(({ file, hunk }) => `${file.path} hunk ${hunk.n} (${at(hunk.oldStart, hunk.oldLines)})`);
    const [accepted, rejected] = [named("accepted"), named("rejected")];
    if (rejected.length === 0) return { decision: "allow" };
    if (accepted.length === 0) return { decision: "deny" };
    if (byHunk) return { decision: "allow", select: files.flatMap((file) => this.selected(subject, file)) };
    return { decision: "deny", note: `Make a part of this edit only. Wanted: ${accepted.join(", ")}. Not wanted: ${rejected.join(", ")}.` };
  }

  /** The selection that is accepted of a file; of one that is accepted whole it names no hunks. */
  private selected(subject: string, file: FileChange): Selected[] {
    const hunks = file.hunks.map(({ n }) => n).filter((n) => this.verdict(subject, file.path, n) === "accepted");
    if (hunks.length === 0) return [];
    return [{ path: file.path, ...(hunks.length < file.hunks.length && { hunks }), ...(file.pathEncoded && { pathEncoded: true }) }];
  }

  /** Forgets a subject. */
  forget(subject: string): void {
    for (const key of this.made.keys()) if (key.startsWith(`${subject} `)) this.made.delete(key);
  }
}

function at(start: number, lines: number): string {
  if (lines === 0) return `behind line ${start}`;
  return lines === 1 ? `line ${start}` : `lines ${start}-${start + lines - 1}`;
}
