// Files that the agent wants to write while they have unsaved changes here: shown at the file's first line and as a question.
// Not here: telling which files are not saved (`looking`).
import * as vscode from "vscode";
import type { RequestItem } from "../protocol/types.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { labelOf } from "../model/options.ts";
import { uriIn } from "./paths.ts";
import type { Sessions } from "./sessions.ts";
import { isUnsaved, reload, save } from "./unsaved.ts";

export class Conflicts implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly sessions: Sessions;
  private readonly elsewhere: Elsewhere;
  private readonly emitter = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.emitter.event;
  private readonly subscriptions: vscode.Disposable[];

  constructor(sessions: Sessions, elsewhere: Elsewhere) {
    this.sessions = sessions;
    this.elsewhere = elsewhere;
    this.subscriptions = [
      this.emitter,
      elsewhere.onDidChange(() => this.emitter.fire()),
      sessions.onDidUpdate((update) => {
        if (update.is === "opened" || (update.is === "changed" && update.changed.head)) this.emitter.fire();
      }),
      vscode.languages.registerCodeLensProvider({ scheme: "file" }, this),
    ];
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const top = new vscode.Range(0, 0, 0, 0);
    return this.of(document.uri).flatMap((request) => [
      new vscode.CodeLens(top, { title: "$(warning) tenon wants to write to this file, which has unsaved changes", command: "tenon.focus" }),
      ...request.options.map((option) => new vscode.CodeLens(top, { title: labelOf(request, option), command: "tenon.answerWith", arguments: [request.requestId, option.id] })),
    ]);
  }

  /**
   * Does what has to be done before the answer: `save` saves, `discard` loads the file again, so that the agent does not read
   * once more what was given up. Returns whether the answer may be sent.
   */
  async prepare(request: RequestItem, decision: string): Promise<boolean> {
    for (const uri of decision === "discard" ? this.uris(request) : []) await reload(uri);
    if (decision !== "save") return true;
    for (const uri of this.uris(request)) {
      if (!isUnsaved(uri) || (await save(uri))) continue;
      void vscode.window.showWarningMessage(`tenon: ${uri.fsPath} could not be saved; the agent still waits.`);
      return false;
    }
    return true;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private of(uri: vscode.Uri): RequestItem[] {
    const requests = [...(this.sessions.picture?.head.requests ?? []), ...this.elsewhere.conflicts];
    return requests.filter((request) => request.kind === "conflict" && this.uris(request).some((each) => each.fsPath === uri.fsPath));
  }

  private uris({ subject }: RequestItem): vscode.Uri[] {
    if (subject.type !== "conflict") return [];
    const roots = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.toString());
    const own = this.sessions.picture?.head.session.workspace;
    // A session of another workspace folder of this window may be the one that asks.
    return subject.conflicts.flatMap(({ path }) => [...new Set([...(own === undefined ? [] : [own]), ...roots])].map((root) => uriIn(root, path)));
  }
}
