// The status bar's item: connection, profile, sandbox level, and whether something waits. Not here: what it leads to (`commands`).
import * as vscode from "vscode";
import type { SandboxLevel } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import type { Sessions } from "./sessions.ts";

export class Status implements vscode.Disposable {
  private readonly client: Client;
  private readonly sessions: Sessions;
  private readonly item: vscode.StatusBarItem;
  private readonly subscriptions: vscode.Disposable[];

  constructor(client: Client, sessions: Sessions) {
    this.client = client;
    this.sessions = sessions;
    this.item = vscode.window.createStatusBarItem("tenon", vscode.StatusBarAlignment.Left, 5);
    this.item.name = "tenon";
    this.item.command = "tenon.status";
    this.subscriptions = [
      this.item,
      client.onDidChange(() => this.show()),
      sessions.onDidUpdate((update) => {
        if (update.is === "opened" || (update.is === "changed" && update.changed.head)) this.show();
      }),
    ];
    this.show();
    this.item.show();
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private show(): void {
    const { standing } = this.client.agent;
    const head = this.sessions.picture?.head;
    const running = head?.session.state === "running";
    void vscode.commands.executeCommand("setContext", "tenon.running", running || head?.session.state === "waiting");
    const waits = head?.requests.length ?? 0;
    const failed = standing.is === "failed";
    this.item.backgroundColor = failed ? new vscode.ThemeColor("statusBarItem.errorBackground") : waits > 0 ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
    const icon = failed ? "$(error)" : waits > 0 ? "$(bell-dot)" : running ? "$(sync~spin)" : standing.is === "lost" || standing.is === "connecting" ? "$(sync~spin)" : "$(comment-discussion)";
    const parts = [head && head.settings.profile, standing.is === "on" && levelText(standing.hello.can.shell?.sandbox.level), waits > 0 && `${waits} waiting`, standing.is === "lost" && "connecting", standing.is === "stopped" && "stopped"];
    this.item.text = `${icon} tenon${parts.filter(Boolean).map((part) => ` · ${part}`).join("")}`;
    this.item.tooltip = this.tooltip();
  }

  private tooltip(): vscode.MarkdownString {
    const { standing } = this.client.agent;
    const head = this.sessions.picture?.head;
    const lines: string[] = [];
    if (standing.is === "on") {
      const { instance, can } = standing.hello;
      lines.push(`tenon ${instance.version}, process ${instance.pid}`);
      const sandbox = can.shell?.sandbox;
      if (sandbox) lines.push(`Sandbox of commands: ${levelText(sandbox.level)}${sandbox.missing.length > 0 ? ` (${sandbox.missing.join("; ")})` : ""}`);
    } else lines.push("why" in standing ? standing.why : { off: "Not connected: it starts with your first message", connecting: "Connecting…" }[standing.is]);
    if (head) {
      lines.push(`Session: ${head.session.title || "untitled"}`, `Model: ${head.settings.model ?? "none"}`, `Profile: ${head.settings.profile ?? "none"}`);
      if (head.trust !== "trusted" && head.settings.trust !== "session") lines.push("The workspace is not trusted: files are only read");
    }
    return new vscode.MarkdownString(lines.map((line) => line.replace(/[\\`*_{}[\]<>#|]/g, "\\$&")).join("  \n"));
  }
}

/** Names a level of the sandbox; a level is a number, or not known yet. */
export function levelText(level: SandboxLevel | undefined): string {
  return level === undefined ? "no commands" : level === "probing" ? "sandbox …" : `sandbox ${level}`;
}
