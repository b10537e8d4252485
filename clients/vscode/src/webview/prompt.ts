// The prompt: keys, history, completion of files and commands. Not here: what becomes of a message.
import type { CompletionItem } from "../protocol/types.ts";
import { button, make } from "./dom.ts";
import type { FromPage, PageSettings } from "./messages.ts";

export class Prompt {
  readonly element: HTMLElement;
  readonly area: HTMLTextAreaElement;
  private readonly list: HTMLElement;
  private readonly stop: HTMLButtonElement;
  private readonly tell: (message: FromPage) => void;
  private readonly keep: (draft: string) => void;
  private settings: PageSettings = { enterSends: true, whileRunning: "queue" };
  private running = false;
  private items: CompletionItem[] = [];
  private chosen = 0;
  private sent: string[] = [];
  private recalled = -1;

  /** `keep` is given what is typed and not sent: the page is unloaded whenever it is hidden. */
  constructor(tell: (message: FromPage) => void, draft: string, keep: (draft: string) => void) {
    this.tell = tell;
    this.keep = keep;
    this.area = make("textarea", { label: "Prompt" });
    this.area.rows = 3;
    this.area.placeholder = "Ask, or describe a change. @ names files, / runs your commands.";
    this.area.setAttribute("aria-autocomplete", "list");
    this.list = make("ul", { class: "completions", role: "listbox", label: "Completions", hidden: true });
    this.stop = button("Stop", () => tell({ type: "interrupt" }), { class: "secondary", title: "Interrupt the turn (Escape)" });
    const plan = button("Plan", () => this.send("plan"), { class: "secondary", title: "Plan it: nothing is written before you apply the plan" });
    const send = button("Send", () => this.send(), { class: "primary" });
    this.element = make("div", { class: "prompt" }, this.list, this.area, make("div", { class: "row" }, make("span", { class: "space" }), this.stop, plan, send));
    this.stop.hidden = true;
    this.area.value = draft;
    this.area.addEventListener("keydown", (event) => this.key(event));
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("blur", () => this.close());
  }

  configure(settings: PageSettings): void {
    this.settings = settings;
  }

  runs(running: boolean): void {
    this.running = running;
    this.stop.hidden = !running;
  }

  /** Puts text at the cursor. */
  compose(text: string): void {
    const { selectionStart, selectionEnd, value } = this.area;
    const space = selectionStart > 0 && !/\s$/.test(value.slice(0, selectionStart)) ? " " : "";
    this.area.setRangeText(space + text, selectionStart, selectionEnd, "end");
    this.fit();
    this.area.focus();
  }

  complete(at: number, items: CompletionItem[]): void {
    // The answer to what was typed before is no help.
    if (at !== bytes(this.area.value.slice(0, this.area.selectionStart))) return;
    // What is written out already needs no list: Enter sends it.
    const encoded = new TextEncoder().encode(this.area.value);
    const written = (item: CompletionItem): boolean => new TextDecoder().decode(encoded.slice(item.range.start, item.range.end)) === item.insert;
    this.items = items[0] && written(items[0]) ? [] : items;
    this.chosen = 0;
    this.show();
  }

  private send(how: "auto" | "steer" | "queue" | "plan" = this.running ? this.settings.whileRunning : "auto"): void {
    const text = this.area.value.trim();
    if (text === "") return this.area.focus();
    this.tell({ type: "send", text, how });
    this.sent.push(text);
    this.recalled = -1;
    this.area.value = "";
    this.fit();
    this.close();
  }

  private key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (!this.list.hidden && this.choose(event.key)) return event.preventDefault();
    const sends = this.settings.enterSends ? !event.shiftKey && !event.altKey : event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && sends) {
      event.preventDefault();
      // With Control a message goes the other way while a turn runs.
      const other = this.settings.whileRunning === "steer" ? "queue" : "steer";
      return this.running && this.settings.enterSends && (event.ctrlKey || event.metaKey) ? this.send(other) : this.send();
    }
    if (event.key === "Escape" && this.running) this.tell({ type: "interrupt" });
    if (event.key === "ArrowUp" && this.area.selectionStart === 0 && this.sent.length > 0) this.recall(1, event);
    if (event.key === "ArrowDown" && this.recalled >= 0 && this.area.selectionStart === this.area.value.length) this.recall(-1, event);
  }

  private recall(step: number, event: KeyboardEvent): void {
    event.preventDefault();
    this.recalled = Math.max(-1, Math.min(this.sent.length - 1, this.recalled + step));
    this.area.value = this.recalled < 0 ? "" : this.sent[this.sent.length - 1 - this.recalled]!;
    this.area.setSelectionRange(0, 0);
    this.fit();
  }

  private typed(): void {
    this.fit();
    const before = this.area.value.slice(0, this.area.selectionStart);
    if (/(^|[\s([{<"'`])@("[^"\n]*|\S*)$/.test(before) || /^\/\S*$/.test(before)) this.tell({ type: "complete", text: this.area.value, at: bytes(before) });
    else this.close();
  }

  /** Takes a key of the list of completions; returns whether it did. */
  private choose(key: string): boolean {
    if (key === "ArrowDown" || key === "ArrowUp") {
      this.chosen = (this.chosen + (key === "ArrowDown" ? 1 : -1) + this.items.length) % this.items.length;
      this.show();
      return true;
    }
    if (key === "Escape") {
      this.close();
      return true;
    }
    if (key !== "Enter" && key !== "Tab") return false;
    this.take(this.items[this.chosen]!);
    return true;
  }

  private take(item: CompletionItem): void {
    const encoded = new TextEncoder().encode(this.area.value);
    const text = (from: number, to?: number): string => new TextDecoder().decode(encoded.slice(from, to));
    const [before, after] = [text(0, item.range.start), text(item.range.end)];
    const end = item.kind === "folder" ? "" : " ";
    this.area.value = before + item.insert + end + after.replace(/^ /, end === "" ? " " : "");
    const cursor = (before + item.insert + end).length;
    this.area.setSelectionRange(cursor, cursor);
    this.close();
    // What is in a folder comes next.
    if (item.kind === "folder") this.typed();
  }

  private show(): void {
    this.list.hidden = this.items.length === 0;
    this.list.replaceChildren(...this.items.slice(0, 12).map((item, at) => {
      const row = make("li", { role: "option", class: at === this.chosen ? "chosen" : "" }, make("span", {}, item.label), make("span", { class: "detail" }, item.detail ?? ""));
      row.id = `completion-${at}`;
      row.setAttribute("aria-selected", String(at === this.chosen));
      // Before the prompt loses the focus.
      row.addEventListener("mousedown", (event) => {
        event.preventDefault();
        this.take(item);
      });
      return row;
    }));
    if (this.items.length > 0) this.area.setAttribute("aria-activedescendant", `completion-${this.chosen}`);
    if (this.chosen >= 12) this.chosen = 0;
  }

  private close(): void {
    this.items = [];
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }

  /** Fits the height to what is typed, and keeps it. */
  private fit(): void {
    this.keep(this.area.value);
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight + 2, 240)}px`;
  }
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
