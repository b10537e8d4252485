// Coming back after a loss, staying away after a stop, and what is sent twice: against an agent in memory.
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createMessageConnection, ResponseError, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node.js";
import type { MessageConnection } from "vscode-jsonrpc/node.js";
import { Agent } from "../src/protocol/agent.ts";
import type { Standing } from "../src/protocol/agent.ts";
import { Lost, Refused, Unreachable } from "../src/protocol/failure.ts";
import { HELLO } from "../src/protocol/hello.ts";
import type { Ending, Streams } from "../src/protocol/launch.ts";
import type { Envelope } from "../src/protocol/types.ts";

/** One connection as the agent sees it. */
interface Side {
  rpc: MessageConnection;
  end(ending: Ending): void;
  /** Ends it when all that was sent has been read. */
  close(ending: Ending): void;
}

/** Lets everything else happen until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

/** A client, and the sides of its connections in order; `serve` says what each answers beyond the handshake. */
function played(serve: (side: Side, number: number) => void): { agent: Agent; sides: Side[]; standings: Standing["is"][] } {
  const sides: Side[] = [];
  const standings: Standing["is"][] = [];
  const start = async (): Promise<Streams> => {
    const [up, down] = [new PassThrough(), new PassThrough()];
    let end!: (ending: Ending) => void;
    const ended = new Promise<Ending>((resolve) => (end = resolve));
    const rpc = createMessageConnection(new StreamMessageReader(up), new StreamMessageWriter(down));
    const close = (ending: Ending): void => void down.on("end", () => end(ending)).end();
    const side: Side = { rpc, end, close };
    rpc.onRequest("initialize", () => ({ capabilities: { experimental: { agent: { protocol: 1, can: {}, experimental: [], instance: {}, limits: {}, schema: "" } } } }));
    sides.push(side);
    serve(side, sides.length);
    rpc.listen();
    return { input: down, output: up, ended, end: () => end({ code: 0, why: "" }) };
  };
  return { agent: new Agent(start, HELLO, (standing) => standings.push(standing.is)), sides, standings };
}

const LOST: Ending = { code: 75, why: "the agent died" };

test("a request that may be sent twice survives the loss of its connection, another one does not", async () => {
  const { agent, sides } = played((side, number) => {
    side.rpc.onRequest("agent/list", () => (number === 1 ? new Promise(() => side.end(LOST)) : { items: [number], rev: 1 }));
    side.rpc.onRequest("agent/interrupt", () => new Promise(() => side.end(LOST)));
  });
  assert.deepEqual((await agent.call("agent/list", { kind: "session" })).items, [2]);
  await assert.rejects(agent.call("agent/interrupt", { sessionId: "s" }), Lost);
  assert.equal(sides.length, 2, "nothing observes: it connects when it is wanted");
  agent.close();
});

test("a message keeps its key over connections, so that it is taken once", async () => {
  const keys: unknown[] = [];
  const { agent } = played((side, number) => {
    side.rpc.onRequest("agent/prompt", ({ key }: { key: string }) => {
      keys.push(key);
      return number === 1 ? new Promise(() => side.end(LOST)) : { messageId: "m", outcome: "duplicate", seq: 3 };
    });
  });
  await agent.call("agent/prompt", { sessionId: "s", input: [] });
  assert.equal(keys.length, 2);
  assert.ok(typeof keys[0] === "string" && keys[0] === keys[1]);
  agent.close();
});

test("what was read before the end is heard before it, and is not asked for again", async () => {
  const afters: unknown[] = [];
  const { agent } = played((side, number) => {
    side.rpc.onRequest("agent/observe", async ({ after }: { after: string }) => {
      afters.push(after);
      if (number > 1) return "1";
      setImmediate(async () => {
        const events = Array.from({ length: 20 }, (_, at) => ({ type: "turn.started", at: "", session: "s", epoch: 1, seq: at + 2, data: {} }));
        await Promise.all(events.map((result) => side.rpc.sendNotification("agent/event", { subscription: "1", result })));
        side.close(LOST);
      });
      return "1";
    });
    side.rpc.onRequest("agent/open", () => ({}));
  });
  const heard: unknown[] = [];
  agent.observe("s", "1.1", { event: (event) => heard.push(event.seq), fresh: () => {}, ended: () => {} });
  await until(() => afters.length === 2);
  assert.deepEqual([afters, heard.length], [["1.1", "1.21"], 20]);
  agent.close();
});

test("an agent that was stopped is not started again before it is wanted", async () => {
  const { agent, sides, standings } = played((side, number) => {
    side.rpc.onRequest("agent/observe", () => "1");
    side.rpc.onRequest("agent/open", () => ({}));
    side.rpc.onRequest("agent/list", () => ({ items: [number], rev: 1 }));
  });
  agent.observe("s", "1.1", { event: () => {}, fresh: () => {}, ended: () => {} });
  await agent.call("agent/list", { kind: "session" });
  sides[0]!.end({ code: 1, why: "the agent was stopped" });
  await until(() => agent.standing.is !== "on");
  assert.equal(agent.standing.is, "stopped");
  assert.equal(sides.length, 1);
  assert.deepEqual((await agent.call("agent/list", { kind: "session" })).items, [2]);
  assert.deepEqual(standings, ["connecting", "on", "stopped", "connecting", "on"]);
  agent.close();
});

test("what was under way when the agent was stopped does not start it again", async () => {
  const { agent, sides } = played((side) => {
    side.rpc.onRequest("agent/list", () => new Promise(() => side.end({ code: 1, why: "the agent was stopped" })));
  });
  await assert.rejects(agent.call("agent/list", { kind: "session" }), Lost);
  assert.deepEqual([agent.standing.is, sides.length], ["stopped", 1]);
  agent.close();
});

test("a reader goes on behind its last event, and is told none twice", async () => {
  const asked: unknown[] = [];
  const told: (number | undefined)[] = [];
  const event = (seq: number): { subscription: string; result: Envelope } => ({ subscription: "7", result: { type: "notice", seq, epoch: 1, text: "" } });
  let done!: () => void;
  const finished = new Promise<void>((resolve) => (done = resolve));
  const { agent, sides } = played((side, number) => {
    side.rpc.onRequest("agent/open", () => ({}));
    side.rpc.onRequest("agent/observe", ({ after }: { after: string }) => {
      asked.push(after);
      setImmediate(() => {
        for (const seq of number === 1 ? [2, 3] : [3, 4]) void side.rpc.sendNotification("agent/event", event(seq));
      });
      return "7";
    });
  });
  const take = ({ seq }: Envelope): void => {
    told.push(seq);
    if (told.length === 2) sides[0]?.end(LOST);
    if (told.length === 3) done();
  };
  agent.observe("s", "1.1", { event: take, fresh: () => {}, ended: () => {} });
  await finished;
  assert.deepEqual([asked, told], [["1.1", "1.3"], [2, 3, 4]]);
  agent.close();
});

test("what takes a person is told and not tried for ever", async () => {
  let tries = 0;
  const standings: Standing[] = [];
  const agent = new Agent(async () => {
    tries++;
    throw new Unreachable("the program tenon is not on the PATH", "install");
  }, HELLO, (standing) => standings.push(standing));
  await assert.rejects(agent.call("agent/list", { kind: "session" }), Unreachable);
  assert.equal(tries, 1);
  assert.deepEqual(standings.at(-1), { is: "failed", why: "The program tenon is not on the PATH.", remedy: "install" });
});

test("an agent of another version says which side to update", async () => {
  for (const [supported, remedy] of [[[2], "retry"], [[0], "update"]] as const) {
    const { agent } = played((side) => {
      side.rpc.onRequest("initialize", () => new ResponseError(1005, "no common version", { kind: "unsupportedProtocol", supported }));
    });
    await assert.rejects(agent.connected(), (failure: unknown) => failure instanceof Unreachable && failure.remedy === remedy);
  }
});

test("a refusal carries its kind and its advice", async () => {
  const { agent } = played((side) => {
    side.rpc.onRequest("agent/open", () => new ResponseError(1401, "no key for any", { kind: "authRequired", hints: ["store one"] }));
  });
  await assert.rejects(agent.call("agent/open", { workspace: "/w" }), (failure: unknown) => failure instanceof Refused && failure.kind === "authRequired" && failure.advice === "No key for any. Store one.");
  agent.close();
});
