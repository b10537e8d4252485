// What a person set in the editor. Not here: the agent's own configuration.
import * as vscode from "vscode";

export interface Own {
  path: string;
  profile: string;
  model: string;
  enterSends: boolean;
  whileRunning: "steer" | "queue";
  shareContext: boolean;
  reviewChanges: boolean;
}

/** Reads one setting. */
export function own<K extends keyof Own>(name: K): Own[K] {
  return vscode.workspace.getConfiguration("tenon").get(name) as Own[K];
}
