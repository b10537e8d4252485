// How this client introduces itself. Not here: the handshake (`connection`).
import { randomUUID } from "node:crypto";
import type { ClientHello } from "./types.ts";

/** What this client speaks and can draw. Its id is new with each start: it is no identity. */
export const HELLO: ClientHello = {
  protocol: [1],
  client: { id: `vscode-${randomUUID().slice(0, 8)}`, kind: "vscode", version: "0.1.0" },
  role: "controller",
  render: { approval: {}, question: { form: {} }, diff: { forms: ["patch", "files"] }, plan: { tree: {} }, markdown: {}, image: {} },
  events: { delta: { maxPerSecond: 30 } },
};
