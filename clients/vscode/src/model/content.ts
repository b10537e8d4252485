// What a message or an output holds, as text and as things beside it; growing by deltas. Not here: how it is drawn.
import type { Content } from "../protocol/types.ts";
import type { Whole } from "./entries.ts";

/** Returns the texts of a content, one after the other. */
export function textOf(content: Content[]): string {
  return content.map((part) => (part.type === "text" ? part.text : part.type === "ref" ? (part.whole ? `${part.title ?? ""}…` : `[${part.title ?? part.mime}, ${part.bytes} bytes]`) : "")).filter((text) => text !== "").join("\n");
}

/** Returns where all of a content is that is shown by its beginning: of a text over 1 MiB, or of an item that a snapshot shortened. */
export function wholeOf(content: Content[], seq: number, cut: boolean | undefined): Whole | undefined {
  const ref = content.find((part) => part.type === "ref" && part.whole);
  if (ref?.type === "ref") return { seq, ref: ref.ref, bytes: ref.bytes };
  return cut ? { seq } : undefined;
}

/** Returns a line for each file and selection. */
export function attachments(content: Content[]): string[] {
  return content.flatMap((part) => {
    if (part.type !== "file" && part.type !== "selection") return [];
    const lines = part.range === undefined ? "" : part.range.start === part.range.end ? `:${part.range.start}` : `:${part.range.start}-${part.range.end}`;
    return [`${part.path}${lines}`];
  });
}

/** Returns the images that came with their data. */
export function images(content: Content[]): string[] {
  return content.flatMap((part) => (part.type === "image" && part.data !== undefined && /^image\/(png|jpeg|gif|webp)$/.test(part.mime) ? [`data:${part.mime};base64,${part.data}`] : []));
}

/** Returns the length of a text in bytes of UTF-8. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Puts a delta to a text; what is there already is passed over, and what is missing shows as an ellipsis. */
export function grow(item: { text: string; bytes: number }, from: number, piece: string): boolean {
  const length = bytesOf(piece);
  if (from + length <= item.bytes) return false;
  if (from > item.bytes) item.text += "…";
  const overlap = Math.max(0, item.bytes - from);
  item.text += overlap === 0 ? piece : new TextDecoder().decode(new TextEncoder().encode(piece).slice(overlap));
  item.bytes = from + length;
  return true;
}
