// The agent of this window: which program, how its state is told to the rest, and what a person can do when it fails.
// Not here: sessions (`sessions`).
import * as vscode from "vscode";
import { statSync } from "node:fs";
import { Agent } from "../protocol/agent.ts";
import type { Standing } from "../protocol/agent.ts";
import { Refused, Unreachable, told } from "../protocol/failure.ts";
import { HELLO } from "../protocol/hello.ts";
import { attach, checkProgram, findProgram } from "../protocol/launch.ts";
import type { Streams } from "../protocol/launch.ts";
import { own } from "./settings.ts";
import { folder } from "./paths.ts";

/** The walkthrough, whose first step says how the program is installed. */
const WALKTHROUGH = "tenon.tenon#start";

export class Client implements vscode.Disposable {
  readonly agent: Agent;
  readonly output: vscode.LogOutputChannel;
  private readonly emitter = new vscode.EventEmitter<Standing>();
  /** Told each change of the connection. */
  readonly onDidChange = this.emitter.event;
  /** The programs that were looked at, with the time of their file: one is asked once. */
  private readonly checked = new Map<string, number>();
  private complained = "";

  constructor() {
    this.output = vscode.window.createOutputChannel("tenon", { log: true });
    this.agent = new Agent(() => this.start(), HELLO, (standing) => this.stands(standing));
  }

  /** Does something with the agent and shows what went wrong; `undefined` where it did. */
  async shown<T>(what: string, does: () => Promise<T>): Promise<T | undefined> {
    try {
      return await does();
    } catch (failure) {
      this.fails(what, failure);
      return undefined;
    }
  }

  /** Shows a failure, with what can be done about it. */
  fails(what: string, failure: unknown): void {
    const text = told(failure);
    this.output.error(`${what}: ${text}`);
    if (failure instanceof Unreachable) return void this.complain(failure);
    const actions = failure instanceof Refused && (failure.kind === "authRequired" || failure.kind === "authFailed") ? ["Store a Key…"] : [];
    void vscode.window.showErrorMessage(`tenon: ${text}`, ...actions).then((chosen) => {
      if (chosen) void vscode.commands.executeCommand("tenon.logIn");
    });
  }

  /** Forgets what was found out about programs, and connects. */
  async reconnect(): Promise<void> {
    this.checked.clear();
    this.complained = "";
    const connection = await this.shown("connect", () => this.agent.connected());
    if (connection === undefined) return;
    const { version, pid } = connection.hello.instance;
    void vscode.window.showInformationMessage(`tenon ${version} is connected (process ${pid}).`);
  }

  dispose(): void {
    this.agent.close();
    this.emitter.dispose();
    this.output.dispose();
  }

  private async start(): Promise<Streams> {
    const program = findProgram(own("path"));
    const modified = statSync(program).mtimeMs;
    if (this.checked.get(program) !== modified) {
      const version = await checkProgram(program);
      this.checked.set(program, modified);
      this.output.info(`${program} is tenon ${version}`);
    }
    return attach(program, folder()?.uri.fsPath, (line) => this.output.info(line));
  }

  private stands(standing: Standing): void {
    this.output.info(`connection: ${standing.is}${"why" in standing ? `: ${standing.why}` : ""}`);
    void vscode.commands.executeCommand("setContext", "tenon.connected", standing.is === "on");
    if (standing.is === "on") this.complained = "";
    this.emitter.fire(standing);
  }

  /** Says once what a person has to do. */
  private async complain(failure: Unreachable): Promise<void> {
    if (this.complained === failure.message) return;
    this.complained = failure.message;
    const actions = failure.remedy === "retry" ? ["Try Again"] : ["How to Install", "Open Settings", "Try Again"];
    const chosen = await vscode.window.showErrorMessage(`tenon: ${told(failure)}`, ...actions);
    if (chosen === "How to Install") await vscode.commands.executeCommand("workbench.action.openWalkthrough", WALKTHROUGH, false);
    if (chosen === "Open Settings") await vscode.commands.executeCommand("workbench.action.openSettings", "tenon.path");
    if (chosen === "Try Again") await this.reconnect();
  }
}
