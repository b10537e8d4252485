// One connection to the agent: framing, handshake, requests and notifications. Not here: coming back after it ended (`agent`).
import { createMessageConnection, ParameterStructures, ResponseError, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node.js";
import type { MessageConnection } from "vscode-jsonrpc/node.js";
import { Lost, Refused, Unreachable } from "./failure.ts";
import type { Ending, Streams } from "./launch.ts";
import type { AgentEvent, AgentHello, ClientHello, ContextParams, Methods } from "./types.ts";

/** The version of the protocol that this client speaks. */
const PROTOCOL = 1;

/** A connection that has shaken hands. */
export class Connection {
  readonly hello: AgentHello;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ending>;
  private readonly streams: Streams;
  private readonly rpc: MessageConnection;
  private gone: Ending | undefined;

  private constructor(streams: Streams, rpc: MessageConnection, hello: AgentHello) {
    this.streams = streams;
    this.rpc = rpc;
    this.hello = hello;
    this.ended = streams.ended.then((ending) => {
      this.gone = ending;
      rpc.dispose();
      return ending;
    });
  }

  /** Shakes hands over streams that are open. Throws `Unreachable` where both sides have no version in common, else `Lost`. */
  static async open(streams: Streams, hello: ClientHello, heard: (event: AgentEvent) => void): Promise<Connection> {
    const rpc = createMessageConnection(new StreamMessageReader(streams.input), new StreamMessageWriter(streams.output));
    rpc.onNotification("agent/event", heard);
    // What is wrong with the streams is told by their end.
    rpc.onError(() => {});
    rpc.onUnhandledNotification(() => {});
    rpc.listen();
    const capabilities = { experimental: { agent: hello } };
    const asked = rpc.sendRequest<{ capabilities?: { experimental?: { agent?: AgentHello } } }>("initialize", { processId: null, rootUri: null, capabilities });
    try {
      const answer = await raced(asked, streams.ended);
      const agent = answer.capabilities?.experimental?.agent;
      if (agent === undefined) throw new Unreachable("the program answers, but is no agent that this extension can use", "update");
      const connection = new Connection(streams, rpc, agent);
      void rpc.sendNotification("initialized", {}).catch(() => {});
      return connection;
    } catch (failure) {
      rpc.dispose();
      streams.end();
      throw incompatible(failure);
    }
  }

  /** Sends a request. Throws `Refused` with the agent's error, or `Lost`. */
  async call<M extends keyof Methods>(method: M, params: Methods[M]["params"]): Promise<Methods[M]["result"]> {
    if (this.gone !== undefined) throw new Lost(this.gone.why || "the connection ended");
    const asked = Array.isArray(params)
      ? this.rpc.sendRequest<Methods[M]["result"]>(method, ParameterStructures.byPosition, ...params)
      : this.rpc.sendRequest<Methods[M]["result"]>(method, ParameterStructures.byName, params);
    return raced(asked, this.streams.ended);
  }

  /** Tells what the person looks at; is nothing where the connection has ended. */
  context(params: ContextParams): void {
    if (this.gone === undefined) void this.rpc.sendNotification("agent/context", params).catch(() => {});
  }

  /** Ends the connection, never the work. */
  end(): void {
    void this.rpc.sendNotification("exit").catch(() => {});
    this.streams.end();
  }
}

/** Waits for an answer or the end of the streams, whichever comes first. */
async function raced<T>(asked: Promise<T>, ended: Promise<Ending>): Promise<T> {
  let lost: Lost | undefined;
  const end = ended.then((ending) => {
    lost = new Lost(ending.why || "the connection ended");
    throw lost;
  });
  try {
    return await Promise.race([asked, end]);
  } catch (failure) {
    if (failure === lost) asked.catch(() => {});
    if (failure instanceof ResponseError) {
      // The library's own codes for a connection that is gone are no answers of the agent.
      if (failure.code <= -32096 && failure.code >= -32099) throw new Lost(failure.message);
      throw new Refused(failure.code, failure.message, failure.data);
    }
    if (failure instanceof Refused || failure instanceof Lost || failure instanceof Unreachable) throw failure;
    throw new Lost(failure instanceof Error ? failure.message : String(failure));
  } finally {
    end.catch(() => {});
  }
}

/** Says which side is to be updated where the handshake was refused. */
function incompatible(failure: unknown): unknown {
  if (!(failure instanceof Refused) || failure.kind !== "unsupportedProtocol") return failure;
  const supported = failure.data["supported"];
  const newest = Array.isArray(supported) ? Math.max(...supported.map(Number)) : 0;
  return newest > PROTOCOL
    ? new Unreachable(`the agent speaks version ${newest} of the protocol: update this extension`, "retry")
    : new Unreachable("the agent is too old for this extension: update tenon, then run “tenon stop”", "update");
}
