// A Neovim with the project's own client, headless, beside the workbench: both show one session. Not here: what is done in it.
import { execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { until } from "./workbench.mjs";

const CLIENT = join(import.meta.dirname, "../../../nvim");

export class Neovim {
  #program;
  #socket;
  #process;

  /** Starts it in the workspace of a workbench, with that program of the agent, and shows the newest session. */
  static async start(program, bench, tenon) {
    const neovim = new Neovim();
    neovim.#program = program;
    neovim.#socket = join(bench.root, "nvim.sock");
    const config = `let g:tenon = {'cmd': '${tenon}'}`;
    const script = join(import.meta.dirname, "neovim.lua");
    const given = ["--headless", "--clean", "-n", "--listen", neovim.#socket, "--cmd", `set rtp^=${CLIENT}`, "--cmd", config, "-c", `luafile ${script}`];
    neovim.#process = spawn(program, given, { cwd: bench.work, env: bench.env, stdio: "ignore" });
    await until("Neovim has begun", () => neovim.call("Walk.ready").then(() => true, () => false));
    return neovim;
  }

  /** Calls a function of `neovim.lua` with texts, and returns what it says. */
  async call(name, ...texts) {
    const given = texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(", ");
    const { stdout } = await promisify(execFile)(this.#program, ["--server", this.#socket, "--remote-expr", `v:lua.${name}(${given})`]);
    return stdout.trim();
  }

  /** Waits until a function says something, and returns that. */
  async says(name, ...texts) {
    let said = "";
    await until(`${name}(${texts.join(", ")}) in Neovim`, async () => (said = await this.call(name, ...texts)) !== "");
    return said;
  }

  stop() {
    this.#process.kill("SIGKILL");
  }
}
