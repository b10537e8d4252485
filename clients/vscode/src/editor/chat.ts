// The chat view: gives the page what it draws, and does what it asks. Not here: the page itself (`webview`).
import * as vscode from "vscode";
import { randomBytes } from "node:crypto";
import type { FromPage, PageSettings, Banner, ToPage } from "../webview/messages.ts";
import type { Whole } from "../model/entries.ts";
import type { Standing } from "../protocol/agent.ts";
import type { Client } from "./client.ts";
import type { Contents } from "./contents.ts";
import { uriIn } from "./paths.ts";
import type { Requests } from "./requests.ts";
import type { Sender } from "./send.ts";
import type { Sessions, Update } from "./sessions.ts";
import { own } from "./settings.ts";

/** The view's id, as the manifest has it. */
export const CHAT = "tenon.chat";

export class Chat implements vscode.WebviewViewProvider, vscode.Disposable {
  /** Set once: questions are drawn in this view and elsewhere. */
  requests!: Requests;
  private readonly extension: vscode.Uri;
  private readonly client: Client;
  private readonly sessions: Sessions;
  private readonly sender: Sender;
  private readonly contents: Contents;
  private view: vscode.WebviewView | undefined;
  private ready = false;
  /** What was said to a page that is not made yet. */
  private waiting: ToPage[] = [];
  private readonly subscriptions: vscode.Disposable[];

  constructor(extension: vscode.Uri, client: Client, sessions: Sessions, sender: Sender, contents: Contents) {
    this.extension = extension;
    this.client = client;
    this.sessions = sessions;
    this.sender = sender;
    this.contents = contents;
    this.subscriptions = [
      sessions.onDidUpdate((update) => this.update(update)),
      client.onDidChange(() => this.post({ type: "banner", ...bannerOf(client.agent.standing) })),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("tenon") && this.all()),
    ];
  }

  get visible(): boolean {
    return this.view?.visible === true;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    this.ready = false;
    const dist = vscode.Uri.joinPath(this.extension, "dist");
    view.webview.options = { enableScripts: true, localResourceRoots: [dist] };
    view.webview.html = html(view.webview, dist);
    view.webview.onDidReceiveMessage((message: FromPage) => void this.take(message));
    view.onDidChangeVisibility(() => {
      // A hidden page is unloaded: it says that it is ready when it is made again.
      if (!view.visible) this.ready = false;
      this.requests.refresh();
    });
    view.onDidDispose(() => {
      this.view = undefined;
      this.ready = false;
      this.requests.refresh();
    });
  }

  /** Shows the view with the cursor in its prompt. */
  async focus(): Promise<void> {
    await vscode.commands.executeCommand(`${CHAT}.focus`);
    this.post({ type: "focus" });
  }

  /** Puts text into the prompt and shows it. */
  async compose(text: string): Promise<void> {
    await this.focus();
    this.post({ type: "compose", text });
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private update(update: Update): void {
    const picture = this.sessions.picture;
    if (update.is === "opened" || picture === undefined) return this.all();
    if (update.is === "delta") return this.post({ type: "delta", delta: update.delta });
    if (update.is === "earlier") return this.post({ type: "entries", entries: update.entries, removed: [], first: true });
    const { entries, removed, head } = update.changed;
    if (entries.length > 0 || removed.length > 0) {
      const ids = new Set(entries);
      this.post({ type: "entries", entries: picture.entries.filter((entry) => ids.has(entry.id)), removed });
    }
    if (head) this.post({ type: "head", head: picture.head });
  }

  private all(): void {
    const picture = this.sessions.picture;
    const settings: PageSettings = { enterSends: own("enterSends"), whileRunning: own("whileRunning") };
    this.post({ type: "all", ...(picture && { head: picture.head }), entries: picture?.entries ?? [], settings, ...bannerOf(this.client.agent.standing) });
  }

  private post(message: ToPage): void {
    if (this.ready) void this.view?.webview.postMessage(message);
    // A page that is made later is given all of it anyway.
    else if (message.type === "compose" || message.type === "focus" || message.type === "refused") this.waiting.push(message);
  }

  private async take(message: FromPage): Promise<void> {
    if (message.type === "send") return this.send(message);
    if (message.type === "answer") return this.answer(message);
    await this.client.shown(message.type, () => this.does(message));
  }

  private async send({ text, how }: Extract<FromPage, { type: "send" }>): Promise<void> {
    try {
      await this.sender.send(text, how);
    } catch (failure) {
      // What was typed is not lost.
      this.post({ type: "refused", text });
      this.client.fails("send", failure);
    }
  }

  private async answer({ requestId, decision, note }: Extract<FromPage, { type: "answer" }>): Promise<void> {
    await this.client.shown("answer", () => this.requests.answer(requestId, decision, note === undefined ? {} : { note }));
    // One that was taken has gone from the page; one that was not can be given again.
    this.post({ type: "unanswered", requestId });
  }

  private async does(message: Exclude<FromPage, { type: "send" | "answer" }>): Promise<void> {
    const { agent } = this.client;
    const sessionId = this.sessions.id;
    switch (message.type) {
      case "ready":
        this.ready = true;
        this.all();
        for (const waiting of this.waiting.splice(0)) this.post(waiting);
        this.requests.refresh();
        return this.sessions.resume("any");
      case "interrupt":
        return void (await vscode.commands.executeCommand("tenon.interrupt"));
      case "logIn":
        return void (await vscode.commands.executeCommand("tenon.logIn", message.provider));
      case "review":
        return void (await vscode.commands.executeCommand("tenon.reviewRequest", message.requestId));
      case "pending":
        if (sessionId !== undefined) await agent.call("agent/pending", { sessionId, messageId: message.messageId, op: message.op });
        return;
      case "openFile":
        return this.openFile(message.file);
      case "openChange":
        return void (await vscode.commands.executeCommand("tenon.openChange", message.changeId, message.path));
      case "revertChange":
        return void (await vscode.commands.executeCommand("tenon.revertChange", message.changeId));
      case "whole":
        return this.openWhole(message.whole);
      case "earlier":
        return this.sessions.earlier();
      case "complete":
        return this.complete(message.text, message.at);
      case "copy":
        return vscode.env.clipboard.writeText(message.text);
      case "insert":
        return insert(message.text);
      case "command":
        if (message.command.startsWith("tenon.")) await vscode.commands.executeCommand(message.command);
    }
  }

  private async complete(text: string, at: number): Promise<void> {
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.toString();
    const where = this.sessions.id !== undefined ? { sessionId: this.sessions.id } : workspace !== undefined ? { workspace } : {};
    const { items } = await this.client.agent.call("agent/complete", { text, at, ...where });
    this.post({ type: "completions", at, items });
  }

  /** Opens all of what the page shows a part of. */
  private async openWhole({ ref, seq, markdown }: Whole): Promise<void> {
    const [name, id] = [markdown ? "message.md" : "output.txt", String(seq)];
    const uri = ref !== undefined ? this.contents.uri(name, ref.replace(/^b3:/, ""), id, "after") : this.contents.put(name, await this.sessions.whole(seq), id, "after");
    await vscode.window.showTextDocument(uri, { preview: true });
  }

  /** Opens a file that was named with a line or without. */
  private async openFile(named: string): Promise<void> {
    const [, path, line] = /^(.*?)(?::(\d+))?(?:[:-]\d+)?$/.exec(named) ?? [];
    const workspace = this.sessions.picture?.head.session.workspace ?? vscode.workspace.workspaceFolders?.[0]?.uri.toString();
    if (!path || workspace === undefined) return;
    const uri = uriIn(workspace, path.replace(/^~(?=\/)/, process.env["HOME"] ?? "~"));
    const at = new vscode.Position(Math.max(0, Number(line ?? 1) - 1), 0);
    await vscode.window.showTextDocument(uri, { preview: true, ...(line !== undefined && { selection: new vscode.Range(at, at) }) });
  }
}

function bannerOf(standing: Standing): { banner?: Banner } {
  switch (standing.is) {
    case "lost":
      return { banner: { level: "info", text: `The connection was lost (${standing.why}). Connecting again; nothing is lost.` } };
    case "stopped":
      return { banner: { level: "info", text: "The agent was stopped. It starts again with your next message.", action: { label: "Start", command: "tenon.reconnect" } } };
    case "failed":
      return { banner: { level: "error", text: standing.why, action: { label: "Try Again", command: "tenon.reconnect" } } };
    default:
      return {};
  }
}

/** Inserts text at the cursor of the editor in front, as one step that can be undone. */
async function insert(text: string): Promise<void> {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
  if (editor === undefined) {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: text }));
    return;
  }
  await editor.edit((edit) => edit.replace(editor.selection, text));
}

function html(webview: vscode.Webview, dist: vscode.Uri): string {
  const nonce = randomBytes(16).toString("base64");
  const file = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(dist, name)).toString();
  const policy = `default-src 'none'; img-src data:; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="${file("page.css")}">
<title>tenon</title>
</head>
<body><script nonce="${nonce}" src="${file("page.js")}"></script></body>
</html>`;
}
