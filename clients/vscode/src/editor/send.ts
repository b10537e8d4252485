// Sending messages and goals: what is mentioned and selected goes along. Not here: the prompt (`webview/prompt`).
import * as vscode from "vscode";
import { relative } from "node:path";
import { mentions } from "../model/mentions.ts";
import type { Content } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import type { Looking } from "./looking.ts";
import { uriIn } from "./paths.ts";
import type { Sessions } from "./sessions.ts";

/** The longest title that is taken from a message, in characters. */
const TITLE_MAX = 80;

export type How = "auto" | "steer" | "queue" | "plan";

export class Sender {
  private readonly client: Client;
  private readonly sessions: Sessions;
  private readonly looking: Looking;

  constructor(client: Client, sessions: Sessions, looking: Looking) {
    this.client = client;
    this.sessions = sessions;
    this.looking = looking;
  }

  /** Sends a message to the session that is shown; opens one where there is none. */
  async send(text: string, how: How = "auto", more: Content[] = []): Promise<void> {
    const { head, entries } = await this.sessions.ensure();
    const sessionId = head.session.id;
    const input: Content[] = [{ type: "text", text }, ...more, ...(await this.mentioned(text, head.session.workspace))];
    const isFirst = !entries.some((entry) => entry.is === "message" && entry.role === "user");
    if (isFirst && head.session.title === "") await this.name(sessionId, text);
    // What the person looks at now, not a moment ago.
    this.looking.tell();
    if (how !== "plan") await this.client.agent.call("agent/prompt", { sessionId, input, delivery: how });
    else await this.client.agent.call("agent/plan", { sessionId, goal: input, ...(head.plan?.ready && { revise: head.plan.planId }) });
  }

  /** Names a session by what it begins with, so that lists tell it from others; a message goes out without that too. */
  private async name(sessionId: string, text: string): Promise<void> {
    const title = text.split("\n")[0]!.slice(0, TITLE_MAX);
    await this.client.agent.call("agent/open", { sessionId, title }).catch(() => {});
  }

  /** The files that a text mentions and that are there: what looks like a mention and is none is text. */
  private async mentioned(text: string, workspace: string): Promise<Content[]> {
    const files = mentions(text).map(async (path): Promise<Content[]> => {
      try {
        await vscode.workspace.fs.stat(uriIn(workspace, path.replace(/\/$/, "")));
        return [{ type: "file", path }];
      } catch {
        return [];
      }
    });
    return (await Promise.all(files)).flat();
  }
}

/** Returns the selection of an editor as content; `undefined` where nothing is selected or it is no file of the workspace. */
export function selected(editor: vscode.TextEditor | undefined, workspace: vscode.Uri | undefined): Content | undefined {
  if (editor === undefined || workspace === undefined || editor.selection.isEmpty || editor.document.uri.scheme !== "file") return undefined;
  const path = relative(workspace.fsPath, editor.document.uri.fsPath);
  if (path.startsWith("..")) return undefined;
  const { start, end } = editor.selection;
  // A selection that ends before the first character of a line does not have that line.
  const last = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
  return { type: "selection", path, range: { start: start.line + 1, end: last }, text: editor.document.getText(editor.selection) };
}
