// Files that a message mentions: `@path`, or `@"path"`, by the same rules as the agent's. Not here: whether there is such a file.

const OPENING = /[\s([{<"'`]/;
const CLOSING = /[.,;:!?)\]}>"'`]+$/;

/** Returns the paths that a text mentions, in order and each once. */
export function mentions(text: string): string[] {
  const found: string[] = [];
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    if (at > 0 && !OPENING.test(text[at - 1]!)) continue;
    const path = text[at + 1] === '"' ? quoted(text.slice(at + 2)) : /^\S*/.exec(text.slice(at + 1))![0].replace(CLOSING, "");
    if (path && !found.includes(path)) found.push(path);
  }
  return found;
}

/** Writes a mention of a path, in quotes where it needs them. */
export function mention(path: string): string {
  if (!/\s/.test(path) && !path.startsWith('"') && !CLOSING.test(path)) return `@${path}`;
  return `@"${path.replace(/[\\"]/g, "\\$&")}"`;
}

function quoted(rest: string): string | undefined {
  const match = /^((?:\\["\\]|[^"\n])*)"/.exec(rest);
  return match?.[1]!.replace(/\\(["\\])/g, "$1");
}
