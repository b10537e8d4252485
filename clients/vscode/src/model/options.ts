// What the choices of a question are called here. Not here: what they do.
import type { RequestItem, RequestOption } from "../protocol/types.ts";

/** In an editor a file that is not saved is saved by the answer itself. */
const OF_CONFLICT: Record<string, string> = { save: "Save, and go on", discard: "Discard my changes", wait: "Wait until I save", deny: "Do not write" };

/** Returns what a person reads on the button of an option. */
export function labelOf({ kind }: RequestItem, option: RequestOption): string {
  return (kind === "conflict" && OF_CONFLICT[option.id]) || option.label;
}
