// Noticing that an agent runs that this window did not start: it must know what is not saved here before it writes.
// Not here: starting one, which waits until a person wants it (`client`).
import * as vscode from "vscode";
import { existsSync, statSync, watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export class Running implements vscode.Disposable {
  private readonly folder = join(stateFolder(), "run");
  private readonly found: () => void;
  private readonly subscriptions: vscode.Disposable[];
  private watcher: FSWatcher | undefined;
  /** The socket of the agent that this window knew last: one that was stopped is not to be started again by its remains. */
  private known: string | undefined;

  /** `found` is called where there is an agent, perhaps more than once. */
  constructor(found: () => void) {
    this.found = found;
    this.subscriptions = [
      vscode.window.onDidChangeWindowState(() => this.look()),
      vscode.workspace.onDidChangeTextDocument(({ document }) => document.isDirty && this.watcher === undefined && this.look()),
    ];
    this.look();
  }

  /** Looks for the agent's socket, and from then on at its folder. */
  look(): void {
    if (this.watcher === undefined && existsSync(this.folder)) {
      // Where the system cannot watch, the window's focus has to do.
      try {
        this.watcher = watch(this.folder, () => this.look()).on("error", () => this.forget());
      } catch {
        this.watcher = undefined;
      }
    }
    const socket = this.socket();
    if (socket !== undefined && socket !== this.known) this.found();
  }

  /** Says that this window is connected to the agent that runs. */
  connected(): void {
    this.known = this.socket();
  }

  dispose(): void {
    this.forget();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** What tells this socket from the one before it. */
  private socket(): string | undefined {
    const found = statSync(join(this.folder, "agent.sock"), { throwIfNoEntry: false });
    return found && `${found.ino} ${found.birthtimeMs}`;
  }

  private forget(): void {
    this.watcher?.close();
    this.watcher = undefined;
  }
}

function stateFolder(): string {
  const { TENON_STATE_DIR, XDG_STATE_HOME } = process.env;
  return TENON_STATE_DIR || join(XDG_STATE_HOME || join(homedir(), ".local/state"), "tenon");
}
