// Contents by reference, and as documents that cannot be edited: both sides of a change. Not here: which change (`review`).
import * as vscode from "vscode";
import type { Client } from "./client.ts";

/** The scheme of the documents. */
export const SCHEME = "tenon";

/** How many contents are kept: what a reference names never changes. */
const KEPT_MAX = 64;

/** The largest content that is read: beyond it an editor shows no text. */
const BYTES_MAX = 32 * 1024 * 1024;

export class Contents implements vscode.TextDocumentContentProvider {
  private readonly client: Client;
  private readonly kept = new Map<string, string>();
  /** Texts that no reference names: what a patch makes of a file. */
  private readonly made = new Map<string, string>();

  constructor(client: Client) {
    this.client = client;
  }

  /** Reads a content of any size by its reference. */
  async fetch(ref: string): Promise<string> {
    const known = this.kept.get(ref);
    if (known !== undefined) return known;
    let text = "";
    for (let start: number | undefined = 0; start !== undefined && start < BYTES_MAX; ) {
      const page: { text?: string; bytes: number; next?: number } = await this.client.agent.call("agent/fetch", { ref, range: { start } });
      if (page.text === undefined) return `(${page.bytes} bytes that are no text)\n`;
      text += page.text;
      start = page.next;
    }
    this.kept.set(ref, text);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT_MAX) break;
      this.kept.delete(oldest);
    }
    return text;
  }

  /** Reads a side of a file of a change by its digest; what is absent is empty. */
  async side(digest: string | undefined): Promise<string> {
    return digest === undefined ? "" : this.fetch(`b3:${digest}`);
  }

  /** The address of a content as a document that is named like the file. */
  uri(path: string, digest: string | undefined, change: string, side: "before" | "after"): vscode.Uri {
    return vscode.Uri.from({ scheme: SCHEME, path: `/${path}`, query: new URLSearchParams({ digest: digest ?? "", change, side }).toString() });
  }

  /** The address of a text that this client made. */
  put(path: string, text: string, change: string, side: "before" | "after"): vscode.Uri {
    const uri = this.uri(path, undefined, change, side);
    this.made.set(uri.toString(), text);
    return uri;
  }

  provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const made = this.made.get(uri.toString());
    if (made !== undefined) return Promise.resolve(made);
    return this.side(new URLSearchParams(uri.query).get("digest") || undefined);
  }
}
