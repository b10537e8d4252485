// Open questions of the session: as notifications while the chat view is hidden, and answering them from wherever they show.
// Not here: their cards in the chat view (`webview/cards`), and edits in the editor (`review`).
import * as vscode from "vscode";
import { labelOf } from "../model/options.ts";
import { Refused } from "../protocol/failure.ts";
import type { AnswerParams, RequestItem } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import type { Conflicts } from "./conflicts.ts";
import type { Elsewhere } from "./elsewhere.ts";
import type { Sessions } from "./sessions.ts";

export class Requests implements vscode.Disposable {
  private readonly client: Client;
  private readonly sessions: Sessions;
  private readonly conflicts: Conflicts;
  private readonly elsewhere: Elsewhere;
  private readonly isInView: () => boolean;
  /** What closes the notification of a question. */
  private readonly notified = new Map<string, () => void>();
  private readonly subscription: vscode.Disposable;

  /** `isInView` says whether a person sees the questions in the chat view. */
  constructor(client: Client, sessions: Sessions, conflicts: Conflicts, elsewhere: Elsewhere, isInView: () => boolean) {
    this.client = client;
    this.sessions = sessions;
    this.conflicts = conflicts;
    this.isInView = isInView;
    this.elsewhere = elsewhere;
    this.subscription = vscode.Disposable.from(sessions.onDidUpdate(() => this.refresh()), elsewhere.onDidChange(() => this.refresh()));
  }

  /** The open questions of the session that is shown, and those of others about files that are not saved here. */
  get open(): RequestItem[] {
    return [...(this.sessions.picture?.head.requests ?? []), ...this.elsewhere.conflicts];
  }

  /** Closes notifications of questions that are answered or in view, and shows those that are not. */
  refresh(): void {
    const wanted = this.open.filter((request) => request.session !== this.sessions.id || !this.isInView());
    for (const [id, close] of this.notified) if (!wanted.some((request) => request.requestId === id)) close();
    for (const request of wanted) if (!this.notified.has(request.requestId)) this.notify(request);
  }

  /** Answers a question; that somebody else was faster is told. */
  async answer(requestId: string, decision: string, more: Pick<AnswerParams, "note" | "select"> = {}): Promise<void> {
    const request = this.open.find((request) => request.requestId === requestId);
    if (request?.kind === "conflict" && !(await this.conflicts.prepare(request, decision))) return;
    try {
      await this.client.agent.call("agent/answer", { ...more, requestId, decision });
    } catch (failure) {
      if (!(failure instanceof Refused) || failure.kind !== "alreadyResolved") throw failure;
      const by = failure.data["by"] as { kind: string } | undefined;
      // A file that was saved resolves its question by itself: that is no news.
      if (request?.kind !== "conflict") void vscode.window.showInformationMessage(`tenon: already answered${by ? ` in ${by.kind}` : ""}: ${String(failure.data["decision"])}.`);
    }
  }

  /** Lets a person choose a question and its answer by keyboard alone. */
  async pick(): Promise<void> {
    const requests = this.open;
    if (requests.length === 0) return void vscode.window.showInformationMessage("tenon: nothing waits for an answer.");
    const items = requests.map((request) => ({ label: request.title, ...(request.reason !== undefined && { detail: request.reason }), request }));
    const chosen = items.length === 1 ? items[0] : await vscode.window.showQuickPick(items, { title: "Questions of the agent" });
    if (chosen === undefined) return;
    const { request } = chosen;
    const options = request.options.map((option) => ({ label: labelOf(request, option), id: option.id }));
    const option = await vscode.window.showQuickPick(options, { title: request.title, ...(request.reason !== undefined && { placeHolder: request.reason }) });
    // Closing it without a choice is no answer.
    if (option !== undefined) await this.answer(request.requestId, option.id);
  }

  dispose(): void {
    for (const close of this.notified.values()) close();
    this.subscription.dispose();
  }

  /** A notification of progress is the one kind that can be closed from here: the answer may come from another window. */
  private notify(request: RequestItem): void {
    const closed = new Promise<void>((resolve) => {
      this.notified.set(request.requestId, () => {
        this.notified.delete(request.requestId);
        resolve();
      });
    });
    const link = (label: string, command: string, ...given: unknown[]): string => `[${plain(label)}](command:${command}?${encodeURIComponent(JSON.stringify(given))})`;
    const answers = request.options.map((option) => link(labelOf(request, option), "tenon.answerWith", request.requestId, option.id));
    if (request.subject.type === "edit") answers.push(link("Review", "tenon.reviewRequest", request.requestId));
    const title = `tenon asks: ${plain(request.title)}  \n${answers.join(" · ")}`;
    void vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, () => closed);
  }
}

/** Text that is no link. */
function plain(text: string): string {
  return text.replace(/[[\]()]/g, " ").trim();
}
