// The workspace's folder, and paths relative to it as the protocol has them. Not here: what is in files.
import * as vscode from "vscode";
import { isAbsolute, join, relative, sep } from "node:path";

/** Returns the folder that new sessions belong to: that of the editor in front, else the first one. */
export function folder(): vscode.WorkspaceFolder | undefined {
  const shown = vscode.window.activeTextEditor?.document.uri;
  return (shown && shown.scheme === "file" && vscode.workspace.getWorkspaceFolder(shown)) || vscode.workspace.workspaceFolders?.find((each) => each.uri.scheme === "file");
}

/** Returns the place of a file of a session's workspace, by its path as events have it. */
export function uriIn(workspace: string, path: string): vscode.Uri {
  return vscode.Uri.file(isAbsolute(path) ? path : join(vscode.Uri.parse(workspace).fsPath, path));
}

/** Returns the path relative to the workspace; absolute where the file lies outside. */
export function pathIn(workspace: string, uri: vscode.Uri): string {
  const path = relative(vscode.Uri.parse(workspace).fsPath, uri.fsPath);
  return path.startsWith("..") || isAbsolute(path) ? uri.fsPath : path.split(sep).join("/");
}
