// What the extension and the page say to each other. Not here: who says it.
import type { CompletionItem, Delta } from "../protocol/types.ts";
import type { Entry, Head, Whole } from "../model/entries.ts";

/** How the page shows the connection, one line and a way to mend it. */
export interface Banner {
  text: string;
  level: "info" | "error";
  action?: { label: string; command: string };
}

/** From the extension to the page. */
export type ToPage =
  /** All of it: the page was made, or another session was opened. Without a head there is no session yet. */
  | { type: "all"; head?: Head; entries: Entry[]; settings: PageSettings; banner?: Banner }
  | { type: "head"; head: Head }
  /** Entries that are new or different, and those that went; `first`: they stand before the others. */
  | { type: "entries"; entries: Entry[]; removed: string[]; first?: boolean }
  | { type: "delta"; delta: Delta }
  | { type: "banner"; banner?: Banner }
  /** Puts text into the prompt, at its cursor, and the cursor behind it. */
  | { type: "compose"; text: string }
  | { type: "focus" }
  /** An answer did not arrive: its question can be answered again. */
  | { type: "unanswered"; requestId: string }
  | { type: "completions"; at: number; items: CompletionItem[] }
  /** A message could not be sent: it goes back into the prompt. */
  | { type: "refused"; text: string };

export interface PageSettings {
  enterSends: boolean;
  /** The default for messages that are sent while a turn runs. */
  whileRunning: "steer" | "queue";
}

/** From the page to the extension. */
export type FromPage =
  | { type: "ready" }
  | { type: "send"; text: string; how: "auto" | "steer" | "queue" | "plan" }
  | { type: "interrupt" }
  | { type: "answer"; requestId: string; decision: string; note?: string }
  | { type: "review"; requestId: string }
  | { type: "logIn"; provider: string }
  | { type: "pending"; messageId: string; op: "withdraw" | "promote" }
  | { type: "openFile"; file: string }
  | { type: "openChange"; changeId: string; path?: string }
  | { type: "revertChange"; changeId: string }
  | { type: "whole"; whole: Whole }
  | { type: "earlier" }
  | { type: "complete"; text: string; at: number }
  | { type: "copy"; text: string }
  | { type: "insert"; text: string }
  | { type: "command"; command: string };
