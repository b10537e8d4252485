// Puts the parts together when the editor starts the extension. Nothing is spawned before it is wanted.
import * as vscode from "vscode";
import type { ChangeApplied } from "../protocol/types.ts";
import { Chat, CHAT } from "./chat.ts";
import { Client } from "./client.ts";
import { register } from "./commands.ts";
import { Conflicts } from "./conflicts.ts";
import { Contents, SCHEME } from "./contents.ts";
import { Elsewhere } from "./elsewhere.ts";
import { Looking } from "./looking.ts";
import { uriIn } from "./paths.ts";
import { Problems } from "./problems.ts";
import { Requests } from "./requests.ts";
import { Revert } from "./revert.ts";
import { Review } from "./review.ts";
import { Running } from "./running.ts";
import { Sender } from "./send.ts";
import { Sessions } from "./sessions.ts";
import { Status } from "./status.ts";
import { ChangesTree, PlanTree } from "./trees.ts";
import { Verdicts } from "./verdicts.ts";

export function activate(context: vscode.ExtensionContext): void {
  const client = new Client();
  const sessions = new Sessions(client, context.workspaceState);
  const looking = new Looking(client);
  const contents = new Contents(client);
  const sender = new Sender(client, sessions, looking);
  const elsewhere = new Elsewhere(client, sessions);
  const conflicts = new Conflicts(sessions, elsewhere);
  const chat = new Chat(context.extensionUri, client, sessions, sender, contents);
  const requests = new Requests(client, sessions, conflicts, elsewhere, () => chat.visible);
  chat.requests = requests;
  const verdicts = new Verdicts(client, sessions, requests);
  const review = new Review(client, sessions, contents, verdicts);
  const revert = new Revert(client, sessions);
  context.subscriptions.push(
    client,
    sessions,
    looking,
    elsewhere,
    conflicts,
    chat,
    requests,
    review,
    new Status(client, sessions),
    vscode.window.registerWebviewViewProvider(CHAT, chat),
    vscode.window.registerTreeDataProvider("tenon.plan", new PlanTree(sessions)),
    vscode.window.registerTreeDataProvider("tenon.changes", new ChangesTree(sessions)),
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, contents),
    vscode.languages.registerCodeActionsProvider({ scheme: "file" }, new Problems(), Problems.metadata),
    sessions.onDidUpdate((update) => {
      if (update.is === "changed" && update.event?.type === "change.applied") void lookAt(looking, sessions, update.event.data as ChangeApplied);
    }),
    ...register({ client, sessions, sender, chat, requests, contents, review, verdicts, revert }),
  );
  // An agent that runs already may be at work in this workspace.
  const running = new Running(() => {
    const { is } = client.agent.standing;
    if (is === "off" || is === "stopped") void client.agent.connected().then(() => sessions.resume("own")).catch(() => {});
  });
  context.subscriptions.push(running, client.onDidChange(({ is }) => is === "on" && running.connected()));
}

/** Has language servers look at what the agent wrote. */
async function lookAt(looking: Looking, sessions: Sessions, { files }: ChangeApplied): Promise<void> {
  const workspace = sessions.picture?.head.session.workspace;
  if (workspace !== undefined) await looking.look(files.filter((file) => file.op !== "delete").map((file) => uriIn(workspace, file.path)));
}
