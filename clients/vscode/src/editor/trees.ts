// The two trees beside the chat: the steps of the plan, and what the session changed. Not here: applying or taking back.
import * as vscode from "vscode";
import type { ChangeEntry, Plan } from "../model/entries.ts";
import type { FileChange, PlanStep, StepStatus } from "../protocol/types.ts";
import { uriIn } from "./paths.ts";
import type { Sessions } from "./sessions.ts";

const ICONS: Record<StepStatus, string> = { pending: "circle-large-outline", active: "sync", done: "pass", dropped: "circle-slash" };

type PlanNode = { step: PlanStep } | { file: string };

export class PlanTree implements vscode.TreeDataProvider<PlanNode> {
  private readonly sessions: Sessions;
  private readonly emitter = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.emitter.event;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
    sessions.onDidUpdate((update) => {
      if (update.is !== "opened" && !(update.is === "changed" && update.changed.head)) return;
      this.emitter.fire();
      void vscode.commands.executeCommand("setContext", "tenon.planReady", this.sessions.picture?.head.plan?.ready === true);
    });
  }

  getChildren(node?: PlanNode): PlanNode[] {
    if (node === undefined) return (this.shown()?.tree ?? []).map((step) => ({ step }));
    return "step" in node ? (node.step.files ?? []).map((file) => ({ file })) : [];
  }

  getTreeItem(node: PlanNode): vscode.TreeItem {
    const picture = this.sessions.picture;
    if ("file" in node) {
      const uri = picture && uriIn(picture.head.session.workspace, node.file);
      const item = new vscode.TreeItem(node.file);
      const staged = picture?.entries.findLast((entry): entry is ChangeEntry => entry.is === "change" && entry.id === picture.head.plan?.changeId && entry.files.some((file) => file.path === node.file));
      const open = { command: "vscode.open", title: "Open", arguments: [uri] };
      item.iconPath = vscode.ThemeIcon.File;
      item.command = staged && picture?.head.plan?.ready ? { command: "tenon.openChange", title: "Show", arguments: [staged.id, node.file] } : open;
      return item;
    }
    const { step } = node;
    const item = new vscode.TreeItem(step.title, step.files?.length ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None);
    item.id = step.id;
    item.iconPath = new vscode.ThemeIcon(ICONS[step.status] ?? "question");
    item.description = step.status === "pending" ? "" : step.status;
    item.accessibilityInformation = { label: `${step.title}, ${step.status}` };
    if (picture?.head.plan?.ready && step.status !== "done") item.contextValue = "step";
    return item;
  }

  /** A plan that can be applied or is being made goes before the steps of a turn. */
  private shown(): Plan | undefined {
    const head = this.sessions.picture?.head;
    return head?.plan?.ready || head?.making !== undefined ? head.plan : (head?.todo ?? head?.plan);
  }
}

type ChangeNode = { change: ChangeEntry; file?: FileChange };

export class ChangesTree implements vscode.TreeDataProvider<ChangeNode> {
  private readonly sessions: Sessions;
  private readonly emitter = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.emitter.event;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
    sessions.onDidUpdate((update) => {
      if (update.is === "opened" || (update.is === "changed" && update.event?.type.startsWith("change."))) this.emitter.fire();
    });
  }

  getChildren(node?: ChangeNode): ChangeNode[] {
    if (node?.file) return [];
    if (node) return node.change.files.map((file) => ({ change: node.change, file }));
    const changes = (this.sessions.picture?.entries ?? []).filter((entry): entry is ChangeEntry => entry.is === "change" && !entry.staged);
    return changes.reverse().map((change) => ({ change }));
  }

  getTreeItem({ change, file }: ChangeNode): vscode.TreeItem {
    if (file) {
      const item = new vscode.TreeItem(file.path);
      item.description = { add: "new", modify: "", delete: "deleted", move: `from ${file.from}` }[file.op] ?? file.op;
      item.iconPath = vscode.ThemeIcon.File;
      item.command = { command: "tenon.openChange", title: "Show", arguments: [change.id, file.path] };
      return item;
    }
    const [first, ...rest] = change.files;
    const item = new vscode.TreeItem(first ? `${first.path}${rest.length > 0 ? ` and ${rest.length} more` : ""}` : "nothing", vscode.TreeItemCollapsibleState.Collapsed);
    item.id = change.id;
    item.iconPath = new vscode.ThemeIcon("diff");
    item.contextValue = "change";
    return item;
  }
}
