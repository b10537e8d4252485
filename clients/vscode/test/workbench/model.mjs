// A model server that the test plays: it speaks `openai-chat` over real HTTP, and every answer is the test's own, piece by piece.
// Not here: what the answers are (`walk.mjs`).
import { createServer } from "node:http";

export class Model {
  #waiting = [];
  #takers = [];
  #server;

  /** Starts it on a free port of this machine. */
  static async start() {
    const model = new Model();
    model.#server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece) => (body += piece));
      request.on("end", () => {
        if (!request.url.endsWith("/chat/completions")) return response.writeHead(404).end("{}");
        const answer = new Answer(JSON.parse(body), response);
        const taker = model.#takers.shift();
        if (taker) taker(answer);
        else model.#waiting.push(answer);
      });
    });
    await new Promise((listening) => model.#server.listen(0, "127.0.0.1", listening));
    model.url = `http://127.0.0.1:${model.#server.address().port}/v1`;
    return model;
  }

  /** Takes the next request: the test answers it when it likes. Fails where none comes within a minute. */
  async next() {
    const waiting = this.#waiting.shift();
    if (waiting) return waiting;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the model was not asked")), 60_000);
      this.#takers.push((answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  /** Answers the next request with a text. */
  async says(text) {
    const answer = await this.next();
    answer.text(text);
    answer.done();
  }

  /** Answers the next request with a call of a tool. */
  async calls(name, args) {
    const answer = await this.next();
    answer.call(name, args);
    answer.done("tool_calls");
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** One answer of the model, as server-sent events. */
class Answer {
  #response;
  #calls = 0;

  constructor(request, response) {
    this.request = request;
    this.#response = response;
    response.writeHead(200, { "content-type": "text/event-stream" });
  }

  /** All that was sent to the model in its last message, as text. */
  get asked() {
    return JSON.stringify(this.request.messages.at(-1));
  }

  text(piece) {
    this.#delta({ content: piece });
  }

  call(name, args) {
    const index = this.#calls++;
    this.#delta({ tool_calls: [{ index, id: `call-${Date.now()}-${index}`, type: "function", function: { name, arguments: JSON.stringify(args) } }] });
  }

  done(reason = "stop") {
    this.#send({ choices: [{ index: 0, delta: {}, finish_reason: reason }], usage: { prompt_tokens: 10, completion_tokens: 5 } });
    this.#response.end("data: [DONE]\n\n");
  }

  #delta(delta) {
    this.#send({ choices: [{ index: 0, delta, finish_reason: null }] });
  }

  #send(chunk) {
    this.#response.write(`data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", model: "any", ...chunk })}\n\n`);
  }
}
