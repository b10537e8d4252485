// The agent, as the editor uses it: connects when it is wanted, comes back after every loss, and goes on where it was.
// Not here: one connection (`connection`), what events mean (`model/picture`).
import { randomUUID } from "node:crypto";
import { Connection } from "./connection.ts";
import { Lost, Refused, Unreachable, told } from "./failure.ts";
import type { Ending, Streams } from "./launch.ts";
import { Subscription } from "./subscription.ts";
import type { Observer } from "./subscription.ts";
import type { AgentEvent, AgentHello, ClientHello, ContextParams, Methods } from "./types.ts";

/** How it stands with the connection. */
export type Standing =
  | { is: "off" }
  | { is: "connecting" }
  | { is: "on"; hello: AgentHello }
  /** It comes back by itself. */
  | { is: "lost"; why: string }
  /** Somebody stopped the agent: it is started again when it is wanted. */
  | { is: "stopped"; why: string }
  /** A person has to do something. */
  | { is: "failed"; why: string; remedy: Unreachable["remedy"] };

/** The pauses between two tries, in milliseconds; the last one stays. */
const PAUSES_MS = [50, 200, 500, 1000, 2000, 5000];

/** How long a request waits for an agent that leaves, in milliseconds. */
const DRAIN_MS_MAX = 60_000;

/** How long the end of a lost connection is waited for, in milliseconds: its exit code says what to do. */
const END_MS_MAX = 5000;

/** The exit code of `tenon attach` where somebody stopped the agent. */
const STOPPED = 1;

/** Requests that may be sent twice: they read, or the agent knows them again by a key, an id or their effect. */
const REPEATABLE = new Set<keyof Methods>(["agent/list", "agent/log", "agent/diff", "agent/fetch", "agent/complete", "agent/observe", "agent/answer"]);

/** How a log is observed. */
export interface Wish {
  /** Only events of these types; all of them without. */
  types?: string[];
  /** Whether it waits for a connection that is made for something else. */
  idle?: boolean;
}

export class Agent {
  private readonly start: () => Promise<Streams>;
  private readonly hello: ClientHello;
  private readonly changed: (standing: Standing) => void;
  private readonly subscriptions = new Set<Subscription>();
  private connection: Connection | undefined;
  private connecting: Promise<Connection> | undefined;
  private now: Standing = { is: "off" };
  private closed = false;
  private wake: (() => void) | undefined;

  /** `start` opens streams to the agent; `changed` is told each change of the standing. */
  constructor(start: () => Promise<Streams>, hello: ClientHello, changed: (standing: Standing) => void) {
    this.start = start;
    this.hello = hello;
    this.changed = changed;
  }

  get standing(): Standing {
    return this.now;
  }

  /** Sends a request, connecting first where there is no connection. One that may be sent twice survives the loss of it. */
  async call<M extends keyof Methods>(method: M, params: Methods[M]["params"]): Promise<Methods[M]["result"]> {
    const keyed = withKey(method, params);
    const leavesBy = Date.now() + DRAIN_MS_MAX;
    for (;;) {
      const connection = await this.connected();
      try {
        return await connection.call(method, keyed);
      } catch (failure) {
        if (failure instanceof Lost && isRepeatable(method, keyed) && !(await this.isOver(connection, method))) continue;
        if (!(failure instanceof Refused) || failure.kind !== "draining" || Date.now() > leavesBy) throw failure;
        const pause = Number(failure.data["retryAfterMs"]) || 500;
        await Promise.race([connection.ended, elapsed(failure.data["handOver"] === true ? DRAIN_MS_MAX : pause)]);
      }
    }
  }

  /** Tells what the person looks at, if there is a connection: who connects later tells all of it again. */
  context(params: ContextParams): void {
    this.connection?.context(params);
  }

  /** Observes a log behind a cursor, over as many connections as it takes. */
  observe(sessionId: string, after: string, observer: Observer, wish: Wish = {}): Subscription {
    const subscription = new Subscription(sessionId, after, observer, (ended) => this.forget(ended), wish.types);
    this.subscriptions.add(subscription);
    // A connection that is being made takes it along.
    if (this.connection !== undefined) void this.subscribe(this.connection, subscription);
    else if (!wish.idle) void this.connected().catch(() => {});
    return subscription;
  }

  /** Returns a connection, making one where there is none; joins a try that is under way. Throws where it takes a person. */
  connected(): Promise<Connection> {
    if (this.connection !== undefined) return Promise.resolve(this.connection);
    this.wake?.();
    this.connecting ??= this.connect().finally(() => (this.connecting = undefined));
    return this.connecting;
  }

  /** Ends the connection for good. */
  close(): void {
    this.closed = true;
    this.subscriptions.clear();
    this.wake?.();
    this.connection?.end();
  }

  /** Returns whether a lost connection is not to be replaced: a message is a wish for an agent that was stopped, reading is none. */
  private async isOver(connection: Connection, method: keyof Methods): Promise<boolean> {
    await Promise.race([connection.ended, elapsed(END_MS_MAX)]);
    return this.closed || (this.now.is === "stopped" && method !== "agent/prompt" && method !== "agent/plan");
  }

  private async connect(): Promise<Connection> {
    for (let tries = 0; ; tries++) {
      if (this.closed) throw new Lost("the extension was closed");
      if (this.now.is !== "lost") this.stand({ is: "connecting" });
      try {
        const connection = await Connection.open(await this.start(), this.hello, (event) => this.heard(event));
        this.taken(connection);
        return connection;
      } catch (failure) {
        if (!(failure instanceof Lost) || tries >= PAUSES_MS.length) {
          const remedy = failure instanceof Unreachable ? failure.remedy : "retry";
          this.stand({ is: "failed", why: told(failure), remedy });
          throw failure;
        }
        await this.pause(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]!);
      }
    }
  }

  private taken(connection: Connection): void {
    this.connection = connection;
    void connection.ended.then((ending) => this.lost(connection, ending));
    for (const subscription of this.subscriptions) void this.subscribe(connection, subscription);
    this.stand({ is: "on", hello: connection.hello });
  }

  private lost(connection: Connection, ending: Ending): void {
    if (this.connection === connection) this.connection = undefined;
    for (const subscription of this.subscriptions) subscription.id = undefined;
    if (this.closed) return this.stand({ is: "off" });
    const why = ending.why || "the connection to the agent was lost";
    if (ending.code === STOPPED) return this.stand({ is: "stopped", why });
    this.stand({ is: "lost", why });
    if (this.subscriptions.size > 0) void this.connected().catch(() => {});
  }

  /** Puts a subscription on a connection, behind its cursor; a place that the log lost is replaced by a fresh picture. */
  private async subscribe(connection: Connection, subscription: Subscription): Promise<void> {
    const { sessionId } = subscription;
    try {
      for (;;) {
        try {
          const id = await connection.call("agent/observe", { sessionId, after: subscription.after, ...(subscription.types && { types: subscription.types }) });
          if (!this.subscriptions.has(subscription)) return void connection.call("agent/unobserve", [id]).catch(() => {});
          subscription.id = id;
          break;
        } catch (failure) {
          if (!(failure instanceof Refused) || failure.kind !== "cursorExpired") throw failure;
          if (sessionId === "all") subscription.restart("now");
          else {
            const opened = await connection.call("agent/open", { sessionId });
            subscription.restart(opened.cursor, opened);
          }
        }
      }
      // An agent that was started anew has the keys and the PATH of those alone who opened the session with it.
      if (subscription.comesBack && sessionId !== "all") await connection.call("agent/open", { sessionId });
      subscription.comesBack = true;
    } catch (failure) {
      // A connection that was lost takes its subscriptions to the next one.
      if (failure instanceof Refused) subscription.ends(told(failure));
    }
  }

  private heard({ subscription: id, result }: AgentEvent): void {
    for (const subscription of this.subscriptions) {
      if (subscription.id !== id) continue;
      if (subscription.take(result) === "again" && this.connection !== undefined) void this.subscribe(this.connection, subscription);
      return;
    }
  }

  private forget(subscription: Subscription): void {
    this.subscriptions.delete(subscription);
    const { id } = subscription;
    if (id !== undefined) void this.connection?.call("agent/unobserve", [id]).catch(() => {});
  }

  private stand(standing: Standing): void {
    this.now = standing;
    this.changed(standing);
  }

  private async pause(ms: number): Promise<void> {
    await Promise.race([elapsed(ms), new Promise<void>((resolve) => (this.wake = resolve))]);
    this.wake = undefined;
  }
}

function isRepeatable(method: keyof Methods, params: unknown): boolean {
  const { key, patch, sessionId } = params as { key?: string; patch?: unknown; sessionId?: string };
  if (method === "agent/open") return sessionId !== undefined;
  if (method === "agent/configure") return patch === undefined;
  return key !== undefined || REPEATABLE.has(method);
}

/** Gives messages a key, by which the agent knows a repetition. */
function withKey<M extends keyof Methods>(method: M, params: Methods[M]["params"]): Methods[M]["params"] {
  return method === "agent/prompt" || method === "agent/plan" ? { key: randomUUID(), ...(params as object) } as Methods[M]["params"] : params;
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    // Nothing waits for a pause alone.
    setTimeout(resolve, ms).unref();
  });
}
