// Telling the agent what the person looks at: the file in front, its selection and problems, and what is not saved.
// Not here: questions about files that are not saved (`conflicts`).
import * as vscode from "vscode";
import type { ContextParams, Diagnostic, DirtyFile, Severity } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import { own } from "./settings.ts";
import { unsaved } from "./unsaved.ts";

/** How long a moving cursor must rest before it is told, in milliseconds. */
const REST_MS = 150;

/** The text of an unsaved file is sent up to this many characters; of a larger one only that it is not saved. */
const DIRTY_TEXT_MAX = 512 * 1024;

/** The longest selection that goes along. */
const SELECTION_MAX = 64 * 1024;

/** The agent uses the first 50. */
const DIAGNOSTICS_MAX = 50;

const SEVERITIES: Severity[] = ["error", "warning", "information", "hint"];

export class Looking implements vscode.Disposable {
  private readonly client: Client;
  private readonly subscriptions: vscode.Disposable[];
  private rest: ReturnType<typeof setTimeout> | undefined;
  /** What was told last, member by member: what is the same again is left out. */
  private told: Record<string, string> = {};
  /** Files that the agent changed: their problems are told even if nobody looks at them. */
  private readonly changed = new Set<string>();

  constructor(client: Client) {
    this.client = client;
    const soon = (): void => this.soon();
    const edited = (event: vscode.TextDocumentChangeEvent | vscode.TextDocument): void => {
      const document = "document" in event ? event.document : event;
      // That a file is unsaved now, or no more, is told at once: the agent may be about to write.
      if (document.uri.scheme === "file") this.soon(document.isDirty !== this.knownDirty(document) ? 0 : REST_MS);
    };
    this.subscriptions = [
      client.onDidChange(({ is }) => {
        // Another connection knows nothing of what was told before.
        if (is === "on") this.told = {};
        if (is === "on") this.tell();
      }),
      vscode.window.onDidChangeActiveTextEditor(soon),
      vscode.window.onDidChangeVisibleTextEditors(soon),
      vscode.window.onDidChangeTextEditorSelection(soon),
      vscode.languages.onDidChangeDiagnostics(soon),
      vscode.workspace.onDidChangeTextDocument(edited),
      vscode.workspace.onDidSaveTextDocument(edited),
      vscode.workspace.onDidCloseTextDocument(edited),
      // Notebooks and other editors tell it by their tabs.
      vscode.window.tabGroups.onDidChangeTabs(({ changed, closed }) => (changed.length > 0 || closed.length > 0) && this.soon(0)),
    ];
  }

  /** Tells at once what differs from what was told. */
  tell(): void {
    clearTimeout(this.rest);
    this.rest = undefined;
    const now: ContextParams = { ...this.seen(), dirty: this.dirty() };
    const news = Object.entries(now).filter(([name, value]) => this.told[name] !== JSON.stringify(value));
    if (news.length === 0) return;
    // Another file in front takes back the selection, so the two go together.
    const parts = news.some(([name]) => name === "uri") ? [...news.filter(([name]) => name !== "selection"), ["selection", now.selection] as const] : news;
    this.client.agent.context(Object.fromEntries(parts.filter(([, value]) => value !== undefined)));
    if (this.client.agent.standing.is === "on") for (const [name, value] of news) this.told[name] = JSON.stringify(value);
  }

  /** Looks at what the agent changed, so that language servers do, and tells the problems they find. */
  async look(uris: vscode.Uri[]): Promise<void> {
    for (const uri of uris.slice(0, 10)) {
      this.changed.add(uri.toString());
      try {
        await vscode.workspace.openTextDocument(uri);
      } catch {
        // Deleted, or no text.
        this.changed.delete(uri.toString());
      }
    }
  }

  dispose(): void {
    clearTimeout(this.rest);
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private soon(ms = REST_MS): void {
    if (ms === 0) return this.tell();
    if (this.rest === undefined) this.rest = setTimeout(() => this.tell(), ms);
  }

  private knownDirty(document: vscode.TextDocument): boolean {
    return (this.told["dirty"] ?? "").includes(JSON.stringify(document.uri.fsPath));
  }

  private seen(): Omit<ContextParams, "dirty"> {
    if (!own("shareContext")) return { uri: "", visible: [], diagnostics: [] };
    const editor = vscode.window.activeTextEditor;
    // The chat view has the focus while one types into it: the last editor stays in front.
    const front = editor?.document.uri.scheme === "file" ? editor : vscode.window.visibleTextEditors.find((each) => each.document.uri.scheme === "file");
    const visible = vscode.window.visibleTextEditors.filter((each) => each !== front && each.document.uri.scheme === "file").map((each) => each.document.uri.fsPath);
    const selection = front && selectionOf(front);
    return { uri: front?.document.uri.fsPath ?? "", visible: [...new Set(visible)], diagnostics: this.diagnostics(front?.document.uri), ...(selection && { selection }) };
  }

  private diagnostics(front: vscode.Uri | undefined): Diagnostic[] {
    const shown = new Set([...vscode.window.visibleTextEditors.map((editor) => editor.document.uri.toString()), ...this.changed]);
    const all = vscode.languages.getDiagnostics().filter(([uri]) => uri.scheme === "file" && shown.has(uri.toString()));
    const rank = (uri: vscode.Uri): number => (uri.toString() === front?.toString() ? 0 : 1);
    const each = all.flatMap(([uri, found]) => found.map((problem) => ({ uri, problem }))).filter(({ problem }) => problem.severity <= vscode.DiagnosticSeverity.Warning);
    each.sort((left, right) => left.problem.severity - right.problem.severity || rank(left.uri) - rank(right.uri));
    return each.slice(0, DIAGNOSTICS_MAX).map(({ uri, problem }) => diagnostic(uri, problem));
  }

  private dirty(): DirtyFile[] {
    return unsaved().map(({ uri, text }) => ({ path: uri.fsPath, ...(text !== undefined && text.length <= DIRTY_TEXT_MAX && { text }) }));
  }
}

function selectionOf({ selection, document }: vscode.TextEditor): ContextParams["selection"] {
  if (selection.isEmpty) return undefined;
  const text = document.getText(selection);
  if (text.length > SELECTION_MAX) return undefined;
  return { range: { start: selection.start.line + 1, end: selection.end.line + 1 }, text };
}

function diagnostic(uri: vscode.Uri, problem: vscode.Diagnostic): Diagnostic {
  return {
    path: uri.fsPath,
    message: problem.message,
    range: { start: problem.range.start.line + 1, end: problem.range.end.line + 1 },
    severity: SEVERITIES[problem.severity] ?? "hint",
    ...(problem.source !== undefined && { source: problem.source }),
  };
}
