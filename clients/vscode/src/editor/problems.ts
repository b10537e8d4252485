// The light bulb at a problem: asking the agent to fix it. Not here: telling it of problems (`looking`).
import * as vscode from "vscode";

export class Problems implements vscode.CodeActionProvider {
  static readonly metadata: vscode.CodeActionProviderMetadata = { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix] };

  provideCodeActions(document: vscode.TextDocument, _range: vscode.Range, context: vscode.CodeActionContext): vscode.CodeAction[] {
    if (context.diagnostics.length === 0) return [];
    const action = new vscode.CodeAction("Fix with tenon", vscode.CodeActionKind.QuickFix);
    action.diagnostics = [...context.diagnostics];
    action.command = { command: "tenon.fixProblems", title: action.title, arguments: [document.uri, context.diagnostics] };
    return [action];
  }
}

/** The message that asks to fix problems of a file. */
export function fixing(path: string, problems: readonly vscode.Diagnostic[]): string {
  const lines = problems.slice(0, 20).map(({ message, range, source }) => `- line ${range.start.line + 1}: ${message}${source ? ` (${source})` : ""}`);
  return `Fix ${problems.length === 1 ? "this problem" : "these problems"} in ${path}:\n${lines.join("\n")}`;
}
