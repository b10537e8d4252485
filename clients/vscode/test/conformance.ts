// A client that runs one turn with the extension's own protocol layer: what `tenon conformance --client` tests.
// Not here: the extension. $TENON is the program that plays the agent.
import { Agent } from "../src/protocol/agent.ts";
import { told } from "../src/protocol/failure.ts";
import { attach } from "../src/protocol/launch.ts";
import { HELLO } from "../src/protocol/hello.ts";
import type { Envelope, MessageEnded, OpenResult, RequestItem, TurnEnded } from "../src/protocol/types.ts";

const program = process.env["TENON"] ?? "tenon";
const agent = new Agent(async () => attach(program, undefined, (line) => console.error(line)), HELLO, (standing) => {
  console.error(`connection: ${standing.is}`);
});

function finish(code: number, why = ""): void {
  if (why !== "") console.error(why);
  agent.close();
  process.exitCode = code;
  // A pipe to an agent that does not close would keep the process.
  setTimeout(() => process.exit(code), 200).unref();
}

async function answer(request: RequestItem): Promise<void> {
  const option = request.options.find((option) => option.id === "allow") ?? request.options.at(-1);
  if (option !== undefined) await agent.call("agent/answer", { requestId: request.requestId, decision: option.id }).catch((failure: unknown) => console.error(told(failure)));
}

function event(event: Envelope): void {
  if (event.type === "message.ended") {
    const message = event.data as MessageEnded;
    if (message.role !== "assistant" || message.superseded) return;
    console.log(message.content.map((part) => (part.type === "text" ? part.text : "")).join(""));
  } else if (event.type === "request.opened") {
    void answer(event.data as RequestItem);
  } else if (event.type === "turn.ended") {
    const ended = event.data as TurnEnded;
    finish(ended.stop === "done" ? 0 : 1, event.text);
  }
}

try {
  const opened: OpenResult = await agent.call("agent/open", { workspace: process.cwd(), settings: { trust: "session" } });
  agent.observe(opened.session.id, opened.cursor, { event, fresh: () => {}, ended: (why) => finish(1, why) });
  await agent.call("agent/prompt", { sessionId: opened.session.id, input: [{ type: "text", text: "go" }] });
} catch (failure) {
  finish(1, told(failure));
}
