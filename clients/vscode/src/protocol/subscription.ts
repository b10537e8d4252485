// The place of one reader in one log, kept over connections. Not here: asking for it (`agent`).
import type { Delta, Envelope, OpenResult } from "./types.ts";

/** What a reader of a log is told. */
export interface Observer {
  /** The next event; each once, in order. */
  event(event: Envelope): void;
  /** Some text of an item that grows; may be missing. */
  delta?(delta: Delta): void;
  /** The log lost the place: this picture stands in its stead. Without one the reader asks again for what it needs. */
  fresh(opened?: OpenResult): void;
  /** Nothing more comes. */
  ended(why: string): void;
}

export class Subscription {
  readonly sessionId: string;
  /** Only events of these types, where there are any. */
  readonly types: string[] | undefined;
  /** Its name on the present connection. */
  id: string | undefined;
  /** Whether it was observed before, on an earlier connection. */
  comesBack = false;
  private place: string;
  private readonly observer: Observer;
  private readonly forget: (subscription: Subscription) => void;

  constructor(sessionId: string, after: string, observer: Observer, forget: (subscription: Subscription) => void, types?: string[]) {
    this.types = types;
    this.sessionId = sessionId;
    this.place = after;
    this.observer = observer;
    this.forget = forget;
  }

  /** The cursor of the last event that was told. */
  get after(): string {
    return this.place;
  }

  /** Takes a delivery; `again` where the agent ended the subscription and it is to be observed once more. */
  take(result: Envelope | Delta): "taken" | "again" {
    if ("d" in result) {
      this.observer.delta?.(result);
      return "taken";
    }
    if (result.type === "observe.closed") return this.closed(result.data as { reason: string; cursor?: string });
    if (result.type === "observe.cursor") this.place = (result.data as { cursor: string }).cursor;
    if (result.seq === undefined || result.epoch === undefined) return "taken";
    if (!this.isNew(result.epoch, result.seq)) return "taken";
    this.place = `${result.epoch}.${result.seq}`;
    this.observer.event(result);
    return "taken";
  }

  /** Goes on at another place. */
  restart(after: string, opened?: OpenResult): void {
    this.place = after;
    this.observer.fresh(opened);
  }

  /** Ends it from this side. */
  end(): void {
    this.forget(this);
    this.id = undefined;
  }

  /** Ends it because the agent did. */
  ends(why: string): void {
    this.id = undefined;
    this.forget(this);
    this.observer.ended(why);
  }

  private closed(data: { reason: string; cursor?: string }): "taken" | "again" {
    this.id = undefined;
    if (data.reason === "deleted") {
      this.ends("the session was deleted");
      return "taken";
    }
    if (data.cursor !== undefined) this.place = data.cursor;
    return "again";
  }

  private isNew(epoch: number, seq: number): boolean {
    const [lastEpoch, lastSeq] = this.place.split(".").map(Number);
    return epoch !== lastEpoch || lastSeq === undefined || seq > lastSeq;
  }
}
