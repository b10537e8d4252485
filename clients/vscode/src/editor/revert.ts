// Taking back: a change, a turn, or everything behind a place; shown before it is done. Not here: single hunks (`verdicts`).
import * as vscode from "vscode";
import type { ChangeEntry, MessageEntry } from "../model/entries.ts";
import type { Conflict, RevertChoice, RevertParams, RevertResult, RevertScope, RevertTo } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import type { Sessions } from "./sessions.ts";

export class Revert {
  private readonly client: Client;
  private readonly sessions: Sessions;

  constructor(client: Client, sessions: Sessions) {
    this.client = client;
    this.sessions = sessions;
  }

  /** Takes back the last turn that changed files, or the part of a plan that was applied since. */
  async lastTurn(): Promise<void> {
    const { entries } = await this.sessions.ensure();
    const last = entries.findLast((entry): entry is ChangeEntry => entry.is === "change" && !entry.staged && !entry.back);
    if (last === undefined) return void vscode.window.showInformationMessage("tenon: this session changed no files.");
    if (last.turn === undefined) await this.to({ change: last.id }, "files", "what was applied of the plan");
    else await this.to({ turn: last.turn }, "files", "the last turn");
  }

  /** Lets a person choose how far back to go, and what goes back. */
  async choose(): Promise<void> {
    const { entries } = await this.sessions.ensure();
    const messages = entries.filter((entry): entry is MessageEntry => entry.is === "message" && entry.role === "user" && entry.turn !== undefined);
    const items = messages.reverse().map((message) => ({ label: `Before “${message.text.split("\n")[0]!.slice(0, 70)}”`, description: changesSince(entries, message.seq), turn: message.turn! }));
    if (items.length === 0) return void vscode.window.showInformationMessage("tenon: there is nothing to go back to.");
    const place = await vscode.window.showQuickPick(items, { title: "Revert to the place…" });
    if (place === undefined) return;
    const scopes: { label: string; scope: RevertScope; description: string }[] = [
      { label: "Files", scope: "files", description: "The conversation goes on from here" },
      { label: "Conversation", scope: "conversation", description: "Files stay as they are" },
      { label: "Both", scope: "both", description: "Files and conversation" },
    ];
    const what = await vscode.window.showQuickPick(scopes, { title: "What goes back?" });
    if (what !== undefined) await this.to({ turn: place.turn }, what.scope, place.label);
  }

  /** Takes back everything behind a place: says first what would happen, and asks. */
  async to(to: RevertTo, scope: RevertScope, name: string): Promise<void> {
    const { head } = await this.sessions.ensure();
    const params: RevertParams = { sessionId: head.session.id, to, scope };
    const preview = await this.client.agent.call("agent/revert", { ...params, dryRun: true });
    if (preview.restored.length === 0 && preview.conflicts.length === 0 && scope === "files") return void vscode.window.showInformationMessage(`tenon: ${name} left nothing to take back. “Revert to…” goes further.`);
    const resolve = await decideConflicts(preview.conflicts);
    if (resolve === undefined || !(await confirmed(preview, scope, name))) return;
    const done = await this.client.agent.call("agent/revert", { ...params, ...(Object.keys(resolve).length > 0 && { resolve }) });
    const kept = (done.backups ?? []).map((backup) => backup.path);
    void vscode.window.showInformationMessage(`tenon: ${done.restored.length} files went back${kept.length > 0 ? `; what stood in ${kept.join(", ")} is kept in the log` : ""}.`);
  }
}

/** Asks, file by file, what to do where somebody edited the same lines since; `undefined` where the person gave up. */
async function decideConflicts(conflicts: Conflict[]): Promise<Record<string, RevertChoice> | undefined> {
  const resolve: Record<string, RevertChoice> = {};
  for (const conflict of conflicts) {
    const choices: { label: string; choice: RevertChoice; description: string }[] = [
      ...(conflict.mergeable ? [{ label: "Merge", choice: "merge" as const, description: "Both sides are kept" }] : []),
      { label: "Keep", choice: "keep", description: "The file stays as it is" },
      { label: "Take back all the same", choice: "ours-after-backup", description: "What is there now is kept by reference" },
    ];
    const chosen = await vscode.window.showQuickPick(choices, { title: conflict.path, placeHolder: conflict.text });
    if (chosen === undefined) return undefined;
    resolve[conflict.path] = chosen.choice;
  }
  return resolve;
}

async function confirmed({ restored, skipped }: RevertResult, scope: RevertScope, name: string): Promise<boolean> {
  const lines = [...restored.map(({ path, op }) => `${path}${op === "add" ? " comes back" : op === "delete" ? " is deleted" : ""}`), ...skipped.map(({ path, reason }) => `not ${path}: ${reason}`)];
  const action = scope === "conversation" ? "Go Back" : `Revert ${restored.length} ${restored.length === 1 ? "File" : "Files"}`;
  const chosen = await vscode.window.showWarningMessage(`Revert ${name}?`, { modal: true, detail: lines.slice(0, 40).join("\n") }, action);
  return chosen === action;
}

function changesSince(entries: { is: string; seq: number }[], seq: number): string {
  const count = entries.filter((entry) => entry.is === "change" && entry.seq > seq).length;
  return count === 0 ? "no changes since" : `${count} ${count === 1 ? "change" : "changes"} since`;
}
