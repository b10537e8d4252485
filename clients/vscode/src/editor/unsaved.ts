// Which files this window holds with changes that are not saved, in whatever editor. Not here: telling the agent (`looking`).
import * as vscode from "vscode";

/** Returns the files with unsaved changes: texts, and what notebooks and other editors hold. */
export function unsaved(): { uri: vscode.Uri; text?: string }[] {
  const texts = vscode.workspace.textDocuments.filter((document) => document.isDirty && document.uri.scheme === "file");
  const found = new Map<string, { uri: vscode.Uri; text?: string }>(texts.map((document) => [document.uri.fsPath, { uri: document.uri, text: document.getText() }]));
  for (const tab of vscode.window.tabGroups.all.flatMap((group) => group.tabs)) {
    const uri = tab.isDirty ? uriOf(tab) : undefined;
    if (uri?.scheme === "file" && !found.has(uri.fsPath)) found.set(uri.fsPath, { uri });
  }
  return [...found.values()];
}

export function isUnsaved(uri: vscode.Uri): boolean {
  return unsaved().some((each) => each.uri.fsPath === uri.fsPath);
}

/** Saves a file; returns whether it is saved now. */
export async function save(uri: vscode.Uri): Promise<boolean> {
  const document = vscode.workspace.textDocuments.find((each) => each.uri.fsPath === uri.fsPath);
  if (document !== undefined) return !document.isDirty || document.save();
  await inFront(uri, "workbench.action.files.save");
  return !isUnsaved(uri);
}

/** Loads a file again as it is on disk. */
export async function reload(uri: vscode.Uri): Promise<void> {
  if (isUnsaved(uri)) await inFront(uri, "workbench.action.files.revert");
}

async function inFront(uri: vscode.Uri, command: string): Promise<void> {
  await vscode.commands.executeCommand("vscode.open", uri);
  await vscode.commands.executeCommand(command);
}

function uriOf({ input }: vscode.Tab): vscode.Uri | undefined {
  if (input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom || input instanceof vscode.TabInputNotebook) return input.uri;
  return input instanceof vscode.TabInputTextDiff || input instanceof vscode.TabInputNotebookDiff ? input.modified : undefined;
}
