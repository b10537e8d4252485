// What the palette, menus and keys call. Not here: doing it; a command is a few lines that ask and hand on.
import * as vscode from "vscode";
import type { ModelItem, PlanStep, ProfileItem, ProviderItem, SessionItem } from "../protocol/types.ts";
import type { Verdict } from "../model/decisions.ts";
import type { Chat } from "./chat.ts";
import type { Client } from "./client.ts";
import type { Contents } from "./contents.ts";
import { mention } from "../model/mentions.ts";
import { folder, pathIn } from "./paths.ts";
import { fixing } from "./problems.ts";
import type { Requests } from "./requests.ts";
import type { Revert } from "./revert.ts";
import type { Review } from "./review.ts";
import { selected } from "./send.ts";
import type { Sender } from "./send.ts";
import type { Sessions } from "./sessions.ts";
import type { Verdicts } from "./verdicts.ts";

/** What commands hand on to. */
export interface Parts {
  client: Client;
  sessions: Sessions;
  sender: Sender;
  chat: Chat;
  requests: Requests;
  contents: Contents;
  review: Review;
  verdicts: Verdicts;
  revert: Revert;
}

type Command = (...given: never[]) => unknown;

/** Registers every command of the manifest, and those that only lenses and links call. */
export function register(parts: Parts): vscode.Disposable[] {
  const table: Record<string, Command> = { ...asking(parts), ...sessions(parts), ...reviewing(parts), ...settings(parts) };
  return Object.entries(table).map(([name, does]) => vscode.commands.registerCommand(`tenon.${name}`, (...given: never[]) => parts.client.shown(name, async () => does(...given))));
}

function asking({ chat, sender, sessions, client }: Parts): Record<string, Command> {
  return {
    focus: () => chat.focus(),
    askSelection: async () => {
      const part = selected(vscode.window.activeTextEditor, folder()?.uri);
      if (part === undefined) return void vscode.window.showInformationMessage("tenon: select some lines of a file of the workspace first.");
      const text = await vscode.window.showInputBox({ title: "Ask about the selection", placeHolder: "What do you want to know, or to have changed?" });
      if (!text) return;
      await chat.focus();
      await sender.send(text, "auto", [part]);
    },
    mentionSelection: async () => {
      const part = selected(vscode.window.activeTextEditor, folder()?.uri);
      if (part?.type !== "selection") return;
      await chat.compose(`${mention(part.path)} (lines ${part.range.start}-${part.range.end}) `);
    },
    fixProblems: async (uri?: vscode.Uri, problems?: vscode.Diagnostic[]) => {
      const at = uri ?? vscode.window.activeTextEditor?.document.uri;
      const root = folder()?.uri.toString();
      if (at === undefined || root === undefined) return;
      const found = problems ?? vscode.languages.getDiagnostics(at);
      if (found.length === 0) return void vscode.window.showInformationMessage("tenon: this file has no problems.");
      await chat.focus();
      const path = pathIn(root, at);
      await sender.send(fixing(path, found), "auto", [{ type: "file", path }]);
    },
    planGoal: async () => {
      const goal = await vscode.window.showInputBox({ title: "What is to be reached?", placeHolder: "Nothing is written before you apply the plan" });
      if (!goal) return;
      await chat.focus();
      await sender.send(goal, "plan");
    },
    interrupt: async () => {
      const sessionId = sessions.id;
      if (sessionId !== undefined) await client.agent.call("agent/interrupt", { sessionId });
    },
  };
}

function sessions({ chat, sessions, client }: Parts): Record<string, Command> {
  return {
    newSession: async () => {
      await sessions.create();
      await chat.focus();
    },
    pickSession: async () => {
      const items = (await sessions.list()).map((session) => ({ label: session.title || "untitled", ...described(session), session }));
      if (items.length === 0) return void vscode.window.showInformationMessage("tenon: this workspace has no sessions yet.");
      const chosen = await vscode.window.showQuickPick(items, { title: "Sessions of this workspace", matchOnDescription: true, matchOnDetail: true });
      if (chosen === undefined) return;
      await sessions.show(chosen.session.id);
      await chat.focus();
    },
    forkSession: () => sessions.fork(),
    archiveSession: async () => {
      const sessionId = sessions.id;
      if (sessionId === undefined) return;
      await client.agent.call("agent/close", { sessionId, how: "archive" });
      await sessions.leave();
    },
    reconnect: () => client.reconnect(),
    showOutput: () => client.output.show(),
  };
}

function described(session: SessionItem): { description: string; detail: string } {
  const when = new Date(session.updatedAt).toLocaleString();
  const waits = session.unanswered > 0 ? `, ${session.unanswered} waiting for you` : "";
  return { description: `${session.state}${waits}`, detail: `${when} · ${session.model} · ${session.changedFiles} ${session.changedFiles === 1 ? "file" : "files"} changed` };
}

function reviewing({ requests, review, verdicts, revert, sessions, client }: Parts): Record<string, Command> {
  return {
    answer: () => requests.pick(),
    answerWith: (requestId: string, decision: string) => requests.answer(requestId, decision),
    reviewRequest: (requestId: string, path?: string) => review.open(requestId, path),
    openChange: (change: string | { change: { id: string } }, path?: string) => review.open(idOf(change), path),
    hunk: (subject: string, path: string, hunk: number, verdict: Verdict) => review.decide(subject, path, hunk, verdict),
    nextHunk: () => review.next(),
    acceptHunk: () => review.decideHere("accepted"),
    rejectHunk: () => review.decideHere("rejected"),
    applyPlan: () => verdicts.applyAll(review.staged),
    testPlan: () => verdicts.applyAll(review.staged, { run: "tests" }),
    applyStep: ({ step }: { step: PlanStep }) => verdicts.apply({ steps: [step.id] }),
    dropPlan: () => verdicts.apply({ drop: true }),
    revertTurn: () => revert.lastTurn(),
    revertTo: () => revert.choose(),
    revertChange: (change: string | { change: { id: string } }) => revert.to({ change: idOf(change) }, "files", "this change"),
    showDiff: async () => {
      const { head } = await sessions.ensure();
      const { patch } = await client.agent.call("agent/diff", { sessionId: head.session.id, form: "patch" });
      if (!patch) return void vscode.window.showInformationMessage("tenon: this session left no changes.");
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: patch, language: "diff" }), { preview: true });
    },
  };
}

/** A change's id, from a link or from an item of the tree. */
function idOf(change: string | { change: { id: string } }): string {
  return typeof change === "string" ? change : change.change.id;
}

function settings({ client, sessions }: Parts): Record<string, Command> {
  return {
    status: async () => {
      const items = [
        { label: "$(comment-discussion) Ask", command: "tenon.focus" },
        { label: "$(bell) Answer open request…", command: "tenon.answer" },
        { label: "$(history) Open session…", command: "tenon.pickSession" },
        { label: "$(shield) Choose profile…", command: "tenon.selectProfile" },
        { label: "$(hubot) Choose model…", command: "tenon.selectModel" },
        { label: "$(key) Store a provider's key…", command: "tenon.logIn" },
        { label: "$(plug) Connect again", command: "tenon.reconnect" },
        { label: "$(output) Show output", command: "tenon.showOutput" },
      ];
      const chosen = await vscode.window.showQuickPick(items, { title: "tenon" });
      if (chosen) await vscode.commands.executeCommand(chosen.command);
    },
    selectProfile: async () => {
      const page = await client.agent.call("agent/list", { kind: "profile" });
      const items = (page.items as ProfileItem[]).map((profile) => ({ label: profile.id, description: `read ${profile.read} · write ${profile.write} · commands ${profile.shell} · network ${profile.network}` }));
      const chosen = await vscode.window.showQuickPick(items, { title: "What is allowed without a question?" });
      if (chosen) await configure({ profile: chosen.label });
    },
    selectModel: async () => {
      const page = await client.agent.call("agent/list", { kind: "model", limit: 1000 });
      const items = (page.items as ModelItem[]).map((model) => ({ label: model.id, description: model.ready ? "" : "needs a key" }));
      const other = { label: "Another model…", description: "Any provider/model the server knows" };
      const chosen = await vscode.window.showQuickPick([...items, other], { title: "Model of this session" });
      const model = chosen === other ? await vscode.window.showInputBox({ title: "Model", placeHolder: "provider/model" }) : chosen?.label;
      if (model) await configure({ model });
    },
    logIn: async (provider?: string) => {
      if (typeof provider === "string") return logIn(client, provider);
      const page = await client.agent.call("agent/list", { kind: "provider" });
      const items = (page.items as ProviderItem[]).filter((provider) => provider.key?.place !== "notNeeded").map((provider) => ({ label: provider.id, description: provider.ready ? "has a key" : "needs a key" }));
      const chosen = await vscode.window.showQuickPick(items, { title: "Whose key?" });
      if (chosen) await logIn(client, chosen.label);
    },
  };

  async function configure(patch: Record<string, string>): Promise<void> {
    const { head } = await sessions.ensure();
    const { warnings } = await client.agent.call("agent/configure", { scope: "session", sessionId: head.session.id, patch });
    for (const warning of warnings ?? []) void vscode.window.showWarningMessage(`tenon: ${warning}`);
  }
}

/** Asks for a key, which goes to the agent and nowhere else. */
async function logIn(client: Client, provider: string): Promise<void> {
  const { url, flowId } = await client.agent.call("agent/auth", { provider, op: "start" });
  const key = await vscode.window.showInputBox({ title: `Key of ${provider}`, password: true, ignoreFocusOut: true, prompt: url ? `Keys are made at ${url}` : "It is stored by the agent, and tried first" });
  if (!key) {
    if (flowId !== undefined) await client.agent.call("agent/auth", { provider, op: "cancel", flowId });
    return;
  }
  const { checked, warnings } = await client.agent.call("agent/auth", { provider, op: "submit", key, ...(flowId !== undefined && { flowId }) });
  const tried = checked === false ? "could not be tried and is stored" : "is stored";
  void vscode.window.showInformationMessage(`tenon: the key of ${provider} ${tried}. ${(warnings ?? []).join(" ")}`.trim());
}
