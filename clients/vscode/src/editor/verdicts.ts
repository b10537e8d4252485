// What follows from a verdict about a hunk, a file or a whole change: requests to the agent. Not here: marks in editors (`review`).
import * as vscode from "vscode";
import { Decisions } from "../model/decisions.ts";
import type { Verdict } from "../model/decisions.ts";
import { Refused } from "../protocol/failure.ts";
import type { ApplyParams, Conflict, FileChange } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import type { Requests } from "./requests.ts";
import type { Reviewable } from "./reviewables.ts";
import type { Sessions } from "./sessions.ts";

export class Verdicts {
  readonly decisions = new Decisions();
  private readonly client: Client;
  private readonly sessions: Sessions;
  private readonly requests: Requests;

  constructor(client: Client, sessions: Sessions, requests: Requests) {
    this.client = client;
    this.sessions = sessions;
    this.requests = requests;
  }

  /** Decides about some hunks of a file; all that are open where none are named. */
  async decide(review: Reviewable, file: FileChange, verdict: Verdict, hunks = this.decisions.open(review.subject, file)): Promise<void> {
    const select = [{ path: file.path, hunks, ...(file.pathEncoded && { pathEncoded: true }) }];
    if (review.is === "applied" && verdict === "rejected") {
      await this.client.agent.call("agent/revert", { sessionId: this.sessionId(), to: { change: review.subject }, select });
    } else if (review.is === "staged" && verdict === "accepted" && !(await this.apply({ select }))) return;
    for (const hunk of hunks) this.decisions.decide(review.subject, file.path, hunk, verdict);
    if (review.is === "asked") await this.answerWhole(review);
    if (review.is === "staged") await this.dropRest(review);
  }

  /** Applies what is left of the plan, without the hunks that were rejected. */
  async applyAll(open: Reviewable | undefined, part: Pick<ApplyParams, "run"> = {}): Promise<void> {
    if (open === undefined) return void (await this.apply(part));
    const select = open.files.map((file) => ({ path: file.path, hunks: this.decisions.open(open.subject, file) })).filter(({ hunks }) => hunks.length > 0);
    const whole = open.files.every((file) => this.decisions.open(open.subject, file).length === file.hunks.length);
    if (await this.apply({ ...part, ...(!whole && { select }) })) {
      for (const { path, hunks } of select) for (const hunk of hunks) this.decisions.decide(open.subject, path, hunk, "accepted");
      await this.dropRest(open);
    }
  }

  /** A plan of which every hunk is decided, and some are rejected, is done with. */
  private async dropRest({ subject, files }: Reviewable): Promise<void> {
    const hunks = files.flatMap((file) => file.hunks.map(({ n }) => this.decisions.verdict(subject, file.path, n)));
    if (hunks.includes("rejected") && !hunks.includes(undefined)) await this.apply({ drop: true });
  }

  /** Applies the plan, or a part of it, or drops it. Returns whether anything was done; conflicts are put to the person. */
  async apply(part: Omit<ApplyParams, "sessionId" | "planId" | "rev">): Promise<boolean> {
    const plan = this.sessions.picture?.head.plan;
    if (plan === undefined) {
      void vscode.window.showInformationMessage("tenon: there is no plan.");
      return false;
    }
    const params: ApplyParams = { sessionId: this.sessionId(), planId: plan.planId, rev: plan.rev, ...part };
    try {
      const { applied, conflicts } = await this.client.agent.call("agent/apply", params);
      if (conflicts.length > 0) void vscode.window.showWarningMessage(`tenon: ${applied.length} files were written; left as they are: ${listed(conflicts)}.`);
      return true;
    } catch (failure) {
      if (!(failure instanceof Refused) || failure.kind !== "conflict" || part.partial || part.resolve) throw failure;
      const further = await chooseForConflicts((failure.data["conflicts"] ?? []) as Conflict[]);
      return further !== undefined && this.apply({ ...part, ...further });
    }
  }

  /** Answers an edit once every hunk of it is decided. */
  private async answerWhole(review: Reviewable): Promise<void> {
    const { standing } = this.client.agent;
    const byHunk = standing.is === "on" && (standing.hello.can.approve as { hunks?: unknown } | undefined)?.hunks !== undefined;
    const answer = this.decisions.answer(review.subject, review.files, byHunk);
    if (answer !== undefined) await this.requests.answer(review.subject, answer.decision, answer);
  }

  private sessionId(): string {
    const { id } = this.sessions;
    if (id === undefined) throw new Refused(1101, "no session is open");
    return id;
  }
}

/** Asks what to do about files that moved on since the plan was made. */
async function chooseForConflicts(conflicts: Conflict[]): Promise<Pick<ApplyParams, "partial" | "resolve"> | undefined> {
  const merge = "Merge Both";
  const rest = "Apply the Rest";
  const actions = conflicts.every((conflict) => conflict.mergeable) ? [merge, rest] : [rest];
  const detail = conflicts.map((conflict) => conflict.text).join("\n");
  const chosen = await vscode.window.showWarningMessage(`These files moved on since the plan was made: ${listed(conflicts)}`, { modal: true, detail }, ...actions);
  return chosen === merge ? { resolve: "merge" } : chosen === rest ? { partial: true } : undefined;
}

function listed(conflicts: Conflict[]): string {
  return [...new Set(conflicts.map((conflict) => conflict.path))].join(", ");
}
