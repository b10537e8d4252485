// One connection to the agent: framing, handshake, requests and notifications. Not here: coming back after it ended (`agent`).
import { createMessageConnection, ParameterStructures, ResponseError, StreamMessageReader, StreamMessageWriter } from "vscode-jsonrpc/node.js";
import type { DataCallback, Disposable, MessageConnection } from "vscode-jsonrpc/node.js";
import { Lost, Refused, Unreachable } from "./failure.ts";
import type { Ending, Streams } from "./launch.ts";
import type { AgentEvent, AgentHello, ClientHello, ContextParams, Methods } from "./types.ts";

/** The version of the protocol that this client speaks. */
const PROTOCOL = 1;

/** What stands behind the last message of a connection: nobody sends it. */
const END = "$/end";

/** How many turns of the event loop without a message mean that none is left. The library takes one or two for each. */
const TURNS_IDLE = 10;

/** Reads messages. The library takes them apart and hands them on one by one, later than it reads them: when the end is heard, so
 * was all before it. */
class Reader extends StreamMessageReader {
  private take: DataCallback | undefined;
  private read = 0;

  override listen(take: DataCallback): Disposable {
    this.take = take;
    return super.listen((message) => {
      this.read++;
      take(message);
    });
  }

  /** Puts the end behind what was read. */
  async end(): Promise<void> {
    for (let idle = 0; idle < TURNS_IDLE; idle++) {
      const { read } = this;
      await turn();
      if (this.read !== read) idle = 0;
    }
    this.take?.({ jsonrpc: "2.0", method: END } as Parameters<DataCallback>[0]);
  }
}

/** A connection that has shaken hands. */
export class Connection {
  readonly hello: AgentHello;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ending>;
  private readonly streams: Streams;
  private readonly rpc: MessageConnection;
  private gone: Ending | undefined;
  /** Resolves when all that came over it was heard. */
  private readonly over: Promise<Ending>;

  private constructor(streams: Streams, reader: Reader, rpc: MessageConnection, hello: AgentHello) {
    this.streams = streams;
    this.rpc = rpc;
    this.hello = hello;
    const heard = new Promise<void>((resolve) => rpc.onNotification(END, () => resolve()));
    this.over = streams.ended.then(async (ending) => {
      this.gone = ending;
      await reader.end();
      await heard;
      return ending;
    });
    this.ended = this.over.then(async (ending) => {
      // Whoever waits for an answer is told why there is none, before the library says that it gave up.
      await turn();
      rpc.dispose();
      return ending;
    });
  }

  /** Shakes hands over streams that are open. Throws `Unreachable` where both sides have no version in common, else `Lost`. */
  static async open(streams: Streams, hello: ClientHello, heard: (event: AgentEvent) => void): Promise<Connection> {
    const reader = new Reader(streams.input);
    const rpc = createMessageConnection(reader, new StreamMessageWriter(streams.output));
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
      const connection = new Connection(streams, reader, rpc, agent);
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
    return raced(asked, this.over);
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

/** Lets everything happen that is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
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
