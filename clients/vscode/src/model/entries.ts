// What a session's view is made of, as plain data that can be sent to a webview. Not here: how events become it (`picture`).
import type { By, CallStatus, Cursor, FileChange, MessageRole, PlanStep, QueuedMessage, RequestItem, Selected, SessionItem, Settings, ToolKind, TrustState, Usage } from "../protocol/types.ts";

/** One thing in the transcript, in the order in which it began. */
export type Entry = MessageEntry | CallEntry | ChangeEntry | JobEntry | NoteEntry;

interface Base {
  /** The item's own id: a message's, a call's, a change's, a job's; a note has one that this client made. */
  id: string;
  /** The seq of the event that began it: where it stands. */
  seq: number;
  turn?: string | undefined;
  /** Whether the conversation was taken back to before it: it stays in the log, and the model does not see it. */
  withdrawn?: boolean;
}

/** Where all of a text is that is shown in part: a content by its reference, or the event in the log. */
export interface Whole {
  ref?: string;
  seq: number;
  bytes?: number;
  /** Whether it is Markdown. */
  markdown?: boolean;
}

/** Text that grows by deltas. `bytes` is how much of it is there, in UTF-8. */
interface Growing {
  text: string;
  bytes: number;
  growing: boolean;
}

export interface MessageEntry extends Base, Growing {
  is: "message";
  role: MessageRole;
  by?: By | undefined;
  /** What else it holds, one line each: files, selections. */
  attached: string[];
  /** Images, as addresses of the form `data:`. */
  images: string[];
  /** All of it, where `text` is its beginning. */
  whole?: Whole | undefined;
}

export interface CallEntry extends Base, Growing {
  is: "call";
  name: string;
  kind: ToolKind;
  title: string;
  status: "proposed" | "running" | CallStatus;
  /** The whole output, where `text` was cut. */
  whole?: Whole | undefined;
  exit?: number | undefined;
}

export interface ChangeEntry extends Base {
  is: "change";
  files: FileChange[];
  /** Whether the disk has it, or it waits in a plan. */
  staged: boolean;
  planId?: string | undefined;
  /** Whether it took back what other changes did. */
  back?: boolean;
  /** What it could not cover, one line each. */
  uncovered: string[];
}

export interface JobEntry extends Base, Growing {
  is: "job";
  command: string;
  status: "running" | CallStatus;
}

export interface NoteEntry extends Base {
  is: "note";
  level: "info" | "warning" | "error";
  text: string;
}

/** A plan with what is staged for it, or the todo list of a turn, for which nothing is. */
export interface Plan {
  planId: string;
  rev: number;
  tree: PlanStep[];
  changeId?: string | undefined;
  /** Whether something of its change waits to be applied. */
  ready: boolean;
  /** The hunks that are applied. */
  applied: Selected[];
}

/** All but the transcript. */
export interface Head {
  session: SessionItem;
  settings: Settings;
  trust: TrustState;
  tests: string[];
  turnId?: string | undefined;
  requests: RequestItem[];
  queue: QueuedMessage[];
  plan?: Plan | undefined;
  /** The steps that the model works through outside of plan turns. */
  todo?: Plan | undefined;
  /** The plan that the running turn makes. */
  making?: string | undefined;
  usage: Usage;
  /** Where earlier entries are. */
  before?: Cursor | undefined;
  /** Why the model is not answering right now, and when it is tried again. */
  retry?: string | undefined;
}

/** A session as it is drawn. */
export interface Picture {
  head: Head;
  entries: Entry[];
}

/** What an event or a delta changed. */
export interface Changed {
  head: boolean;
  /** Ids of entries that are new or different. */
  entries: string[];
  /** Ids of entries that went. */
  removed: string[];
}
