// What can go wrong between this client and the agent. Not here: failures of a provider, which are events of a turn.
import type { ErrorData } from "./types.ts";

/** The agent refused a request. Decide by `kind`; the message is for people. */
export class Refused extends Error {
  readonly code: number;
  readonly data: ErrorData & Record<string, unknown>;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "Refused";
    this.code = code;
    this.data = { kind: "failed", ...(data as object | undefined) };
  }

  get kind(): string {
    return this.data.kind;
  }

  /** The message with what to do next, as one text for a notification. */
  get advice(): string {
    const hints = this.data.hints ?? [];
    return [sentence(this.message), ...hints.map(sentence)].join(" ");
  }
}

/** The connection ended before the answer came: whether the request was taken is not known. */
export class Lost extends Error {
  constructor(why: string) {
    super(why);
    this.name = "Lost";
  }
}

/** There is no agent to talk to, and trying again by itself would not help: a person has to do something. */
export class Unreachable extends Error {
  /** Which of the remedies to offer. */
  readonly remedy: "install" | "update" | "retry";

  constructor(message: string, remedy: "install" | "update" | "retry") {
    super(message);
    this.name = "Unreachable";
    this.remedy = remedy;
  }
}

/** Text of a failure for a person. */
export function told(failure: unknown): string {
  if (failure instanceof Refused) return failure.advice;
  return failure instanceof Error ? sentence(failure.message) : String(failure);
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
