// Markdown as models write it, as a tree of the few elements that are drawn. Not here: the page (`dom`).
// A text is read line by line and never fails; HTML is text, an image is a link, and a link is only followed to the web or a file.

/** An element of the tree. Attributes are of this file's making alone; what the model wrote is text. */
export interface Element {
  tag: "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "li" | "blockquote" | "pre" | "code" | "strong" | "em" | "s" | "a" | "br" | "hr" | "table" | "thead" | "tbody" | "tr" | "th" | "td";
  children: Node[];
  /** Where a link leads: an address of the web or a mail. */
  href?: string;
  /** The file that a link opens, as it was written. */
  file?: string;
  /** The language of a block of code. */
  language?: string;
  /** The number a list begins with. */
  start?: number;
  /** Whether the item of a list is a task, and done. */
  task?: "open" | "done";
}

export type Node = string | Element;

/** How deep quotes and lists are followed; deeper ones are text. */
const DEPTH_MAX = 8;

/** How long a text may be that is looked at for emphasis; a longer one is shown as it stands. */
const INLINE_MAX = 20_000;

/** Reads a text that may still grow: a block of code without its end goes up to the end. */
export function parse(text: string): Element[] {
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

function blocks(lines: string[], depth: number): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at]!;
    if (line.trim() === "") at++;
    else {
      const [element, next] = block(lines, at, depth);
      found.push(element);
      at = next;
    }
  }
  return found;
}

/** Reads the block that begins at a line; returns it and the line behind it. */
function block(lines: string[], at: number, depth: number): [Element, number] {
  const line = lines[at]!;
  const fence = /^( {0,3})(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/.exec(line);
  if (fence) return fenced(lines, at, fence[1]!.length, fence[2]!, fence[3]!);
  const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line);
  if (heading) return [{ tag: `h${heading[1]!.length}` as Element["tag"], children: inline(heading[2]!) }, at + 1];
  if (/^ {0,3}([-*_])(?:\s*\1){2,}\s*$/.test(line)) return [{ tag: "hr", children: [] }, at + 1];
  if (depth < DEPTH_MAX && /^ {0,3}>/.test(line)) return quote(lines, at, depth);
  if (depth < DEPTH_MAX && item(line)) return list(lines, at, depth);
  if (line.includes("|") && /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[at + 1] ?? "") && (lines[at + 1] ?? "").includes("-")) return table(lines, at);
  return paragraph(lines, at, depth);
}

function fenced(lines: string[], at: number, indent: number, mark: string, language: string): [Element, number] {
  const body: string[] = [];
  let next = at + 1;
  const end = new RegExp(`^ {0,3}${mark[0]}{${mark.length},}\\s*$`);
  while (next < lines.length && !end.test(lines[next]!)) body.push(lines[next++]!.replace(new RegExp(`^ {0,${indent}}`), ""));
  return [{ tag: "pre", ...(language && { language }), children: [{ tag: "code", children: [body.join("\n")] }] }, next + 1];
}

function quote(lines: string[], at: number, depth: number): [Element, number] {
  const inner: string[] = [];
  let next = at;
  while (next < lines.length && /^ {0,3}>/.test(lines[next]!)) inner.push(lines[next++]!.replace(/^ {0,3}> ?/, ""));
  return [{ tag: "blockquote", children: blocks(inner, depth + 1) }, next];
}

/** How a line begins an item: its indent, its mark, and the text behind it. */
function item(line: string): { indent: number; ordered: boolean; number: number; width: number; text: string } | undefined {
  const match = /^(\s*)([-*+]|(\d{1,9})[.)])(\s+)(.*)$/.exec(line) ?? /^(\s*)([-*+]|(\d{1,9})[.)])()()$/.exec(line);
  if (!match) return undefined;
  const [, indent, mark, number, space, text] = match;
  return { indent: indent!.length, ordered: number !== undefined, number: Number(number ?? 0), width: indent!.length + mark!.length + Math.max(1, Math.min(4, space!.length)), text: text! };
}

function list(lines: string[], at: number, depth: number): [Element, number] {
  const first = item(lines[at]!)!;
  const children: Element[] = [];
  let next = at;
  while (next < lines.length) {
    const begun = item(lines[next]!);
    if (!begun || begun.ordered !== first.ordered || begun.indent > first.indent + 3 || begun.indent < first.indent) break;
    const inner = [begun.text];
    next++;
    while (next < lines.length && belongs(lines, next, begun, first.indent)) inner.push(lines[next++]!.replace(new RegExp(`^\\s{0,${begun.width}}`), ""));
    while (inner.length > 1 && inner.at(-1)!.trim() === "") inner.pop();
    children.push(listItem(inner, depth));
  }
  const tag = first.ordered ? "ol" : "ul";
  return [{ tag, ...(first.ordered && first.number !== 1 && { start: first.number }), children }, next];
}

/** Returns whether a line goes on with an item: it is indented, or an empty line before such a one. */
function belongs(lines: string[], at: number, begun: { width: number }, indent: number): boolean {
  const line = lines[at]!;
  if (line.trim() === "") {
    const after = lines.slice(at).find((line) => line.trim() !== "");
    return after !== undefined && (/^\s*/.exec(after)![0].length >= Math.min(begun.width, indent + 2) || (item(after)?.indent === indent));
  }
  const own = /^\s*/.exec(line)![0].length;
  if (own >= Math.min(begun.width, indent + 2)) return true;
  // A lazy line goes on with the paragraph above it.
  return item(line) === undefined && lines[at - 1]!.trim() !== "" && !/^ {0,3}(#{1,6}\s|>|```|~~~)/.test(line);
}

function listItem(lines: string[], depth: number): Element {
  const task = /^\[([ xX])\]\s+(.*)$/.exec(lines[0]!);
  const inner = task ? [task[2]!, ...lines.slice(1)] : lines;
  const children = blocks(inner, depth + 1);
  // One paragraph, or one above a nested list, stands without the distance of a paragraph.
  const [only, ...rest] = children;
  const tight = only?.tag === "p" && rest.every((child) => child.tag === "ul" || child.tag === "ol");
  return { tag: "li", ...(task && { task: task[1] === " " ? "open" as const : "done" as const }), children: tight ? [...only.children, ...rest] : children };
}

function table(lines: string[], at: number): [Element, number] {
  const row = (line: string, tag: "th" | "td"): Element => ({ tag: "tr", children: cells(line).map((cell) => ({ tag, children: inline(cell) })) });
  let next = at + 2;
  const body: Element[] = [];
  while (next < lines.length && lines[next]!.includes("|") && lines[next]!.trim() !== "") body.push(row(lines[next++]!, "td"));
  return [{ tag: "table", children: [{ tag: "thead", children: [row(lines[at]!, "th")] }, { tag: "tbody", children: body }] }, next];
}

function cells(line: string): string[] {
  return line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, "|"));
}

function paragraph(lines: string[], at: number, depth: number): [Element, number] {
  const inner = [lines[at]!];
  let next = at + 1;
  while (next < lines.length && lines[next]!.trim() !== "" && !interrupts(lines[next]!, depth)) inner.push(lines[next++]!);
  return [{ tag: "p", children: inline(inner.join("\n")) }, next];
}

function interrupts(line: string, depth: number): boolean {
  if (/^ {0,3}(#{1,6}\s|```|~~~)/.test(line)) return true;
  if (depth >= DEPTH_MAX) return false;
  const begun = item(line);
  return /^ {0,3}>/.test(line) || (begun !== undefined && begun.text !== "" && (!begun.ordered || begun.number === 1));
}

/** What a piece of text may hold, the longest first: what it is, and how it begins and ends. */
const INLINE: [RegExp, (match: RegExpExecArray) => Node][] = [
  [/^\\([\\`*_{}[\]()#+.!|~<>-])/, (match) => match[1]!],
  [/^(`+)(?!`)([\s\S]*?[^`])\1(?!`)/, (match) => code(match[2]!)],
  [/^!?\[((?:[^[\]\\]|\\.|\[[^\]]*\])*)\]\(\s*<?([^\s()<>]*(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+"[^"]*")?\s*\)/, (match) => link(match[1]! || match[2]!, match[2]!, match[0])],
  [/^<((?:https?:\/\/|mailto:)[^\s<>]+)>/, (match) => link(match[1]!, match[1]!, match[0])],
  [/^https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}]/, (match) => link(match[0], match[0], match[0])],
  [/^(\*\*|__)(?=\S)([\s\S]*?\S)\1(?!\*)/, (match) => ({ tag: "strong", children: inline(match[2]!) })],
  [/^~~(?=\S)([\s\S]*?\S)~~/, (match) => ({ tag: "s", children: inline(match[1]!) })],
  [/^\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)/, (match) => ({ tag: "em", children: inline(match[1]!) })],
  [/^_(?=[^\s_])([\s\S]*?[^\s_])_(?![A-Za-z0-9_])/, (match) => ({ tag: "em", children: inline(match[1]!) })],
  [/^(?: {2,}|\\)\n/, () => ({ tag: "br", children: [] })],
];

/** Letters at which one of the above may begin. */
const BEGINS = /[\\`![<h*_~ ]/;

function inline(text: string): Node[] {
  if (text.length > INLINE_MAX) return [text];
  const found: Node[] = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const letter = text[at]!;
    const inWord = at > 0 && /[A-Za-z0-9]/.test(text[at - 1]!);
    // An underscore or an address within a word is part of it.
    const node = BEGINS.test(letter) && !(inWord && (letter === "_" || letter === "h")) ? begun(text.slice(at)) : undefined;
    if (node === undefined) {
      plain += letter;
      at++;
      continue;
    }
    at += node[1];
    if (typeof node[0] === "string") {
      plain += node[0];
      continue;
    }
    if (plain !== "") found.push(plain);
    plain = "";
    found.push(node[0]);
  }
  if (plain !== "") found.push(plain);
  return found;
}

function begun(rest: string): [Node, number] | undefined {
  for (const [pattern, make] of INLINE) {
    const match = pattern.exec(rest);
    if (match) return [make(match), match[0].length];
  }
  return undefined;
}

function code(text: string): Element {
  const inner = text.replace(/\n/g, " ");
  const element: Element = { tag: "code", children: [/^ .*\S.* $/.test(inner) ? inner.slice(1, -1) : inner] };
  const file = fileOf(inner);
  return file === undefined ? element : { tag: "a", file, children: [element] };
}

function link(label: string, target: string, whole: string): Node {
  if (/^(https?:\/\/|mailto:)/i.test(target)) return { tag: "a", href: target, children: target === label ? [label] : inline(label) };
  const file = fileOf(target.replace(/^file:\/\//, "").replace(/#L(\d+).*$/, ":$1"));
  return file === undefined ? whole : { tag: "a", file, children: inline(label) };
}

/** Returns a text that names a file of the workspace, with the line behind a colon if there is one. */
function fileOf(text: string): string | undefined {
  return /^(?![a-z][a-z0-9+.-]*:\/)[\w.@~/-]*(?:\/[\w.@-]+|[\w-]+\.[A-Za-z]\w{0,9})(?::\d+(?:[:-]\d+)?)?$/i.test(text) && !/^\d+(\.\d+)*$/.test(text) && !/^[/.\s-]+$/.test(text) ? text : undefined;
}
