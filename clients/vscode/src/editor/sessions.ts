// The session that this window shows: opening, observing and folding it. Not here: how it is drawn (`chat`, `plans`, `review`).
import * as vscode from "vscode";
import { delta, fold, open, prepend, BESIDE_SNAPSHOT } from "../model/picture.ts";
import { textOf } from "../model/content.ts";
import type { Changed, Entry, Picture } from "../model/entries.ts";
import { Refused, told } from "../protocol/failure.ts";
import type { Subscription } from "../protocol/subscription.ts";
import type { Content, Delta, Envelope, OpenParams, OpenResult, SessionItem } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import { folder } from "./paths.ts";
import { own } from "./settings.ts";

/** Where the session of a workspace is remembered. */
const REMEMBERED = "tenon.session";

/** How many events beside those of a snapshot are read to fill it. */
const BESIDE_MAX = 1000;

export type Update =
  /** Another session, or the same one from anew. */
  | { is: "opened" }
  | { is: "changed"; changed: Changed; event?: Envelope }
  | { is: "delta"; delta: Delta }
  | { is: "earlier"; entries: Entry[] };

export class Sessions implements vscode.Disposable {
  picture: Picture | undefined;
  private readonly client: Client;
  private readonly memory: vscode.Memento;
  private subscription: Subscription | undefined;
  private opening: Promise<unknown> | undefined;
  private readonly emitter = new vscode.EventEmitter<Update>();
  readonly onDidUpdate = this.emitter.event;

  constructor(client: Client, memory: vscode.Memento) {
    this.client = client;
    this.memory = memory;
  }

  /** The id of the session that is shown. */
  get id(): string | undefined {
    return this.picture?.head.session.id;
  }

  /** Returns the picture of the session that is shown, opening the one of last time, the workspace's newest, or a new one. */
  async ensure(): Promise<Picture> {
    const open = (): Picture | undefined => (this.picture?.head.session.state === "closed" ? undefined : this.picture);
    // An archived session takes no messages: what is sent begins a new one.
    return open() ?? this.alone(async () => open() ?? (this.picture === undefined ? await this.earlierOne() : undefined) ?? this.begin());
  }

  /**
   * Shows the session of last time, or, where a person looks, the workspace's newest, wherever it was begun; makes none.
   * Whoever observes a session counts as somebody who can answer: nobody's session is observed unasked.
   */
  async resume(which: "own" | "any"): Promise<void> {
    if (this.picture === undefined && folder() !== undefined) await this.alone(async () => this.picture ?? (which === "own" ? this.remembered() : this.earlierOne()));
  }

  /** Makes a new session. */
  create(): Promise<Picture> {
    return this.alone(() => this.begin());
  }

  /** Shows a session. */
  show(sessionId: string): Promise<Picture> {
    return this.alone(() => this.take({ sessionId }));
  }

  /** Makes a session that goes on from the present one, and shows it. */
  fork(): Promise<Picture> {
    const sessionId = this.id;
    if (sessionId === undefined) return this.create();
    return this.alone(() => this.take({ from: { sessionId } }));
  }

  /** Shows no session: the next message makes one. */
  async leave(): Promise<void> {
    this.subscription?.end();
    this.subscription = undefined;
    this.picture = undefined;
    await this.memory.update(REMEMBERED, undefined);
    this.emitter.fire({ is: "opened" });
  }

  /** Reads a page from before what is shown. */
  async earlier(): Promise<void> {
    const picture = this.picture;
    const before = picture?.head.before;
    if (picture === undefined || before === undefined) return;
    const page = await this.client.agent.call("agent/log", { sessionId: picture.head.session.id, before, limit: 400 });
    const { came, named } = prepend(picture, page.events as Envelope[], page.next);
    this.emitter.fire({ is: "earlier", entries: came });
    this.changed({ head: true, entries: named, removed: [] });
  }

  /** Reads all of the text of an event that was shortened in a snapshot. */
  async whole(seq: number): Promise<string> {
    const head = this.picture?.head.session;
    if (head === undefined) return "";
    const page = await this.client.agent.call("agent/log", { sessionId: head.id, before: `${head.head.split(".")[0]}.${seq + 1}`, limit: 1 });
    const { data } = page.events[0] as unknown as { data: { content?: Content[] } };
    return textOf(data.content ?? []);
  }

  /** Lists the sessions of the workspace, newest first. */
  async list(): Promise<SessionItem[]> {
    const workspace = folder()?.uri.toString();
    const page = await this.client.agent.call("agent/list", { kind: "session", limit: 200, ...(workspace !== undefined && { filter: { workspace } }) });
    return page.items as SessionItem[];
  }

  dispose(): void {
    this.subscription?.end();
    this.emitter.dispose();
  }

  /** One opening at a time: a second one waits for the first. */
  private async alone<T>(does: () => Promise<T>): Promise<T> {
    while (this.opening !== undefined) await this.opening.catch(() => {});
    const opening = does().finally(() => (this.opening = undefined));
    this.opening = opening;
    return opening;
  }

  private async earlierOne(): Promise<Picture | undefined> {
    const remembered = await this.remembered();
    if (remembered !== undefined) return remembered;
    const newest = (await this.list()).filter((session) => session.state !== "closed").sort((left, right) => right.updatedAt.localeCompare(left.updatedAt))[0];
    return newest && this.take({ sessionId: newest.id });
  }

  private async remembered(): Promise<Picture | undefined> {
    const sessionId = this.memory.get<string>(REMEMBERED);
    if (sessionId === undefined) return undefined;
    try {
      const picture = await this.take({ sessionId });
      return picture.head.session.state === "closed" ? undefined : picture;
    } catch (failure) {
      if (!(failure instanceof Refused)) throw failure;
      this.client.output.info(`the session of last time: ${told(failure)}`);
      await this.memory.update(REMEMBERED, undefined);
      return undefined;
    }
  }

  private begin(): Promise<Picture> {
    const at = folder();
    if (at === undefined) throw new Refused(1110, "open a folder first: a session belongs to one");
    const settings = { ...(own("model") && { model: own("model") }), ...(own("profile") && { profile: own("profile") }) };
    return this.take({ workspace: at.uri.toString(), settings });
  }

  private async take(params: OpenParams): Promise<Picture> {
    const opened = await this.client.agent.call("agent/open", params);
    const picture = open(opened, await this.beside(opened));
    this.subscription?.end();
    this.picture = picture;
    const sessionId = opened.session.id;
    this.subscription = this.client.agent.observe(sessionId, opened.cursor, {
      event: (event) => this.event(event),
      delta: (piece) => this.grown(piece),
      fresh: (opened) => opened && this.anew(opened),
      ended: (why) => void this.gone(sessionId, why),
    });
    await this.memory.update(REMEMBERED, sessionId);
    this.emitter.fire({ is: "opened" });
    return picture;
  }

  /** Reads the events that a snapshot does not have; without them the picture is poorer, and right. */
  private async beside({ session, cursor }: OpenResult): Promise<Envelope[]> {
    try {
      const page = await this.client.agent.call("agent/log", { sessionId: session.id, before: behind(cursor), types: BESIDE_SNAPSHOT, limit: BESIDE_MAX });
      return page.events as Envelope[];
    } catch (failure) {
      this.client.output.warn(`reading the log: ${told(failure)}`);
      return [];
    }
  }

  /** The log lost the place: the snapshot counts at once, and is filled from the log behind it. */
  private anew(opened: OpenResult): void {
    this.picture = open(opened);
    this.emitter.fire({ is: "opened" });
    void this.show(opened.session.id).catch((failure: unknown) => this.client.output.warn(`reading the session: ${told(failure)}`));
  }

  private async gone(sessionId: string, why: string): Promise<void> {
    if (this.id !== sessionId) return;
    void vscode.window.showWarningMessage(`tenon: ${why}.`);
    await this.leave();
  }

  private event(event: Envelope): void {
    if (this.picture === undefined) return;
    const { trust } = this.picture.head;
    this.changed(fold(this.picture, event), event);
    // Which profile is in force hangs on the trust, and only a snapshot tells it.
    if (this.picture.head.trust !== trust) void this.settings(this.picture).catch(() => {});
  }

  private async settings(picture: Picture): Promise<void> {
    const { snapshot } = await this.client.agent.call("agent/open", { sessionId: picture.head.session.id });
    Object.assign(picture.head, { settings: snapshot.settings, trust: snapshot.trust });
    if (this.picture === picture) this.changed({ head: true, entries: [], removed: [] });
  }

  private grown(piece: Delta): void {
    if (this.picture !== undefined && delta(this.picture, piece).entries.length > 0) this.emitter.fire({ is: "delta", delta: piece });
  }

  private changed(changed: Changed, event?: Envelope): void {
    this.emitter.fire({ is: "changed", changed, ...(event && { event }) });
  }
}

/** The place behind a cursor: a page before it has the event at the cursor too. */
function behind(cursor: string): string {
  const [epoch, seq] = cursor.split(".");
  return `${epoch}.${Number(seq) + 1}`;
}
