// What there is to review: applied changes, the staged change of a plan, and edits that are asked about.
// Not here: marks in editors (`review`), what a verdict does (`verdicts`).
import * as vscode from "vscode";
import type { ChangeEntry, Picture } from "../model/entries.ts";
import { applyPatch, parsePatch } from "../model/patch.ts";
import type { Side } from "../model/place.ts";
import type { FileChange, Selected } from "../protocol/types.ts";
import type { Contents } from "./contents.ts";
import { uriIn } from "./paths.ts";

export interface Reviewable {
  /** The change's id, or the request's. */
  subject: string;
  is: "applied" | "staged" | "asked";
  files: FileChange[];
  /** Of what is asked about: the patch that would be made. */
  patch?: string;
}

/** Returns what there is to review; of applied changes those that `isFresh` says a person has not seen before. */
export function reviewables({ head, entries }: Picture, isFresh: (changeId: string) => boolean): Reviewable[] {
  const asked = head.requests.flatMap(({ requestId, subject }): Reviewable[] => (subject.type === "edit" ? [{ subject: requestId, is: "asked", files: subject.files, patch: subject.patch }] : []));
  const changes = entries.filter((entry): entry is ChangeEntry => entry.is === "change");
  const staged = changes.filter((change) => change.staged && head.plan?.ready && change.id === head.plan.changeId);
  const applied = changes.filter((change) => !change.staged && isFresh(change.id));
  const made = (is: Reviewable["is"]) => ({ id, files }: ChangeEntry): Reviewable => ({ subject: id, is, files });
  const open = head.plan === undefined ? [] : staged.map((change) => ({ ...change, files: unapplied(change.files, head.plan!.applied) }));
  return [...asked, ...open.map(made("staged")), ...applied.map(made("applied"))];
}

/** Leaves out the hunks of a plan that are applied; a file keeps the numbers of the others. */
function unapplied(files: FileChange[], applied: Selected[]): FileChange[] {
  const done = new Map(applied.map(({ path, hunks }) => [path, hunks]));
  return files.flatMap((file) => {
    if (!done.has(file.path)) return [file];
    const hunks = done.get(file.path);
    return hunks === undefined ? [] : [{ ...file, hunks: file.hunks.filter(({ n }) => !hunks.includes(n)) }];
  });
}

/** Which side of the change the workspace's own file shows. */
export function sideOf({ is }: Reviewable): Side {
  return is === "applied" ? "after" : "before";
}

/** Returns both sides of a file for the editor of differences. */
export async function sides(contents: Contents, workspace: string, review: Reviewable, file: FileChange): Promise<{ left: vscode.Uri; right: vscode.Uri }> {
  const own = uriIn(workspace, file.path);
  if (review.is === "asked") {
    const before = await textOf(own);
    const patch = parsePatch(review.patch ?? "").find((each) => each.path === file.path);
    const after = (patch && applyPatch(before, patch)) ?? (await contents.side(file.after));
    return { left: file.op === "add" ? contents.put(file.path, "", review.subject, "before") : own, right: contents.put(file.path, after, review.subject, "after") };
  }
  const left = contents.uri(file.from ?? file.path, file.before, review.subject, "before");
  // The file itself can be edited, and has the lenses; what a plan stages is not in it yet.
  const right = review.is === "applied" && file.op !== "delete" ? own : contents.uri(file.path, file.after, review.subject, "after");
  return { left, right };
}

/** Returns the text of a file as the editor has it; of one that is not there, nothing. */
async function textOf(uri: vscode.Uri): Promise<string> {
  try {
    return (await vscode.workspace.openTextDocument(uri)).getText();
  } catch {
    return "";
  }
}
