// What happens beside the session that is shown: what concerns every session, and files of this window that another one waits for.
// Not here: approvals of other sessions, which belong to whoever looks at them; this window does not count as their answerer.
import * as vscode from "vscode";
import type { ConfigRejected, Envelope, Notice, RequestItem, SessionItem } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import type { Sessions } from "./sessions.ts";

/** What is observed of the machine's log. */
const TYPES = ["session.*", "config.rejected", "notice"];

export class Elsewhere implements vscode.Disposable {
  private readonly client: Client;
  private readonly sessions: Sessions;
  private readonly waiting = new Map<string, RequestItem[]>();
  private readonly emitter = new vscode.EventEmitter<void>();
  /** Told when other sessions wait for files of this window, or do no more. */
  readonly onDidChange = this.emitter.event;

  constructor(client: Client, sessions: Sessions) {
    this.client = client;
    this.sessions = sessions;
    client.agent.observe("all", "now", { event: (event) => this.event(event), fresh: () => {}, ended: () => {} }, { idle: true, types: TYPES });
  }

  /** Questions of other sessions about files that are not saved here. */
  get conflicts(): RequestItem[] {
    return [...this.waiting].flatMap(([session, requests]) => (session === this.sessions.id ? [] : requests));
  }

  dispose(): void {
    this.emitter.dispose();
  }

  private event(event: Envelope): void {
    if (event.type === "config.rejected") {
      const { file, line, error } = event.data as ConfigRejected;
      void vscode.window.showWarningMessage(`tenon: ${file}${line === undefined ? "" : `:${line}`}: ${error}. The last good configuration stays in force.`);
    } else if (event.type === "notice") this.client.output.info((event.data as Notice).message);
    else if (event.type === "session.removed") this.set((event.data as { sessionId: string }).sessionId, []);
    else {
      const { item } = event.data as { item?: SessionItem };
      if (item !== undefined) void this.session(item).catch(() => {});
    }
  }

  private async session({ id, workspace, unanswered }: SessionItem): Promise<void> {
    if (unanswered === 0 || !vscode.workspace.workspaceFolders?.some((folder) => folder.uri.toString() === workspace)) return this.set(id, []);
    const page = await this.client.agent.call("agent/list", { kind: "request", sessionId: id });
    this.set(id, (page.items as RequestItem[]).filter((request) => request.kind === "conflict"));
  }

  private set(session: string, requests: RequestItem[]): void {
    if (requests.length === 0 ? !this.waiting.delete(session) : false) return;
    if (requests.length > 0) this.waiting.set(session, requests);
    this.emitter.fire();
  }
}
