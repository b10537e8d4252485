// Hunks in the editor itself: coloured lines, lenses to accept or reject each, and going from one to the next.
// Not here: what there is to review (`reviewables`), what a verdict does (`verdicts`).
import * as vscode from "vscode";
import type { Verdict } from "../model/decisions.ts";
import { parsePatch } from "../model/patch.ts";
import { linesOf, linesOn, locate } from "../model/place.ts";
import type { Lines } from "../model/place.ts";
import type { ChangeApplied, Envelope, FileChange, Hunk, RequestItem, RequestResolved } from "../protocol/types.ts";
import type { Client } from "./client.ts";
import { SCHEME } from "./contents.ts";
import type { Contents } from "./contents.ts";
import { pathIn } from "./paths.ts";
import { reviewables, sideOf, sides } from "./reviewables.ts";
import type { Reviewable } from "./reviewables.ts";
import type { Sessions } from "./sessions.ts";
import { own } from "./settings.ts";
import type { Verdicts } from "./verdicts.ts";

/** A hunk that waits for a verdict, where it lies in a document. */
interface Mark {
  review: Reviewable;
  file: FileChange;
  hunk: Hunk;
  lines: Lines;
  /** The lines that would come, where they are not there yet. */
  coming: string[];
}

/** How many applied changes stay marked; older ones are taken as kept. */
const FRESH_MAX = 100;

export class Review implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly client: Client;
  private readonly sessions: Sessions;
  private readonly contents: Contents;
  private readonly verdicts: Verdicts;
  /** Changes that were applied while this window looked on and nobody looked at: the others were seen before. */
  private readonly fresh = new Set<string>();
  /** Calls whose edits a person was shown, by the question about them, and those that were allowed. */
  private readonly asked = new Map<string, string>();
  private readonly allowed = new Set<string>();
  private readonly emitter = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.emitter.event;
  private readonly added = decoration("diffEditor.insertedLineBackground", "editorOverviewRuler.addedForeground", "tenon.addedBorder");
  private readonly removed = decoration("diffEditor.removedLineBackground", "editorOverviewRuler.deletedForeground", "tenon.removedBorder");
  private readonly subscriptions: vscode.Disposable[];

  constructor(client: Client, sessions: Sessions, contents: Contents, verdicts: Verdicts) {
    this.client = client;
    this.sessions = sessions;
    this.contents = contents;
    this.verdicts = verdicts;
    const refresh = (): void => void this.refresh();
    this.subscriptions = [
      this.emitter,
      this.added,
      this.removed,
      sessions.onDidUpdate((update) => {
        if (update.is === "opened") this.fresh.clear();
        if (update.is === "changed" && update.event) this.happened(update.event);
        if (update.is === "opened" || (update.is === "changed" && (update.changed.head || update.event?.type.startsWith("change.")))) refresh();
      }),
      vscode.window.onDidChangeVisibleTextEditors(refresh),
      vscode.window.onDidChangeActiveTextEditor(refresh),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.shown(document) && refresh()),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("tenon") && refresh()),
      vscode.languages.registerCodeLensProvider([{ scheme: "file" }, { scheme: SCHEME }], this),
    ];
  }

  /** What a plan has staged and is open. */
  get staged(): Reviewable | undefined {
    return this.all().find(({ is }) => is === "staged");
  }

  /** Colours the hunks of every visible editor anew. */
  async refresh(): Promise<void> {
    this.emitter.fire();
    for (const editor of vscode.window.visibleTextEditors) {
      const marks = await this.marks(editor.document);
      const of = (is: (review: Reviewable) => boolean): vscode.DecorationOptions[] => marks.filter(({ review }) => is(review)).map((mark) => ({ range: range(mark.lines), hoverMessage: hover(mark), renderOptions: ghost(mark) }));
      const isFile = editor.document.uri.scheme === "file";
      // The editor of differences has its own colours.
      editor.setDecorations(this.added, isFile ? of(({ is }) => is === "applied") : []);
      editor.setDecorations(this.removed, isFile ? of(({ is }) => is !== "applied") : []);
      if (editor === vscode.window.activeTextEditor) void vscode.commands.executeCommand("setContext", "tenon.reviewing", marks.length > 0);
    }
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    return (await this.marks(document)).flatMap((mark) => lenses(mark));
  }

  /** Decides about a hunk that a lens names. */
  async decide(subject: string, path: string, hunk: number, verdict: Verdict): Promise<void> {
    const review = this.all().find((each) => each.subject === subject);
    const file = review?.files.find((each) => each.path === path);
    if (review === undefined || file === undefined) return void vscode.window.showInformationMessage("tenon: this was decided already.");
    await this.client.shown("review", () => this.verdicts.decide(review, file, verdict, [hunk]));
    await this.refresh();
  }

  /** Decides about the hunk at the cursor, and goes on to the next one. */
  async decideHere(verdict: Verdict): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (editor === undefined) return;
    const line = editor.selection.active.line;
    const marks = await this.marks(editor.document);
    const here = marks.find(({ lines }) => line >= lines.from && line < Math.max(lines.to, lines.from + 1)) ?? marks.find(({ lines }) => Math.abs(lines.from - line) <= 1);
    if (here === undefined) return void vscode.window.showInformationMessage("tenon: no hunk is open at the cursor. “Next Hunk to Review” goes to one.");
    await this.decide(here.review.subject, here.file.path, here.hunk.n, verdict);
    if (marks.length > 1) await this.next();
  }

  /** Goes to the next open hunk: in this file behind the cursor, else in the next file that has one. */
  async next(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const line = editor?.selection.active.line ?? -1;
    const marks = editor ? await this.marks(editor.document) : [];
    const further = marks.find(({ lines }) => lines.from > line);
    if (editor && further) return reveal(editor, further.lines);
    const shown = editor && pathIn(this.workspace(), editor.document.uri);
    const others = this.all().flatMap((review) => review.files.filter((file) => this.verdicts.decisions.open(review.subject, file).length > 0).map((file) => ({ review, file })));
    const other = others.find(({ file }) => file.path !== shown);
    if (other !== undefined) {
      await this.show(other.review, other.file);
      const opened = vscode.window.activeTextEditor;
      const first = opened && (await this.marks(opened.document))[0];
      if (opened && first) reveal(opened, first.lines);
    } else if (editor && marks[0]) reveal(editor, marks[0].lines);
    else void vscode.window.showInformationMessage("tenon: nothing is left to review.");
  }

  /** Shows what a change or a question would do to its files, or to one of them. */
  async open(subject: string, path?: string): Promise<void> {
    const review = this.all(() => true).find((each) => each.subject === subject);
    if (review === undefined) return void vscode.window.showInformationMessage("tenon: this is no longer open.");
    for (const file of review.files.filter((file) => path === undefined || file.path === path).slice(0, 20)) await this.show(review, file);
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** What a person has approved line by line is not put to them again. */
  private happened({ type, data }: Envelope): void {
    if (type === "request.opened") {
      const { requestId, callId, subject } = data as RequestItem;
      if (callId !== undefined && subject.type === "edit") this.asked.set(requestId, callId);
    } else if (type === "request.resolved") {
      const { requestId, decision } = data as RequestResolved;
      const callId = this.asked.get(requestId);
      if (callId !== undefined && decision === "allow") this.allowed.add(callId);
      this.asked.delete(requestId);
    } else if (type === "change.applied") {
      const { changeId, callId } = data as ChangeApplied;
      // Without a call it is what a person applied of a plan, or took back.
      if (callId !== undefined && !this.allowed.delete(callId)) this.fresh.add(changeId);
      for (const oldest of this.fresh) if (this.fresh.size > FRESH_MAX) this.fresh.delete(oldest);
    }
  }

  private all(isFresh = (id: string): boolean => own("reviewChanges") && this.fresh.has(id)): Reviewable[] {
    const picture = this.sessions.picture;
    return picture === undefined ? [] : reviewables(picture, isFresh);
  }

  private workspace(): string {
    return this.sessions.picture?.head.session.workspace ?? "file:///";
  }

  private shown(document: vscode.TextDocument): boolean {
    return vscode.window.visibleTextEditors.some((editor) => editor.document === document);
  }

  private async show(review: Reviewable, file: FileChange): Promise<void> {
    const { left, right } = await sides(this.contents, this.workspace(), review, file);
    const what = { asked: "asked", staged: "planned", applied: "changed" }[review.is];
    await vscode.commands.executeCommand("vscode.diff", left, right, `${file.path} (${what})`, { preview: true });
    await this.refresh();
  }

  /** Returns the open hunks of a document, in order of their lines. */
  private async marks(document: vscode.TextDocument): Promise<Mark[]> {
    const path = document.uri.scheme === "file" ? pathIn(this.workspace(), document.uri) : document.uri.path.slice(1);
    const query = new URLSearchParams(document.uri.query);
    const marks: Mark[] = [];
    for (const review of this.all()) {
      if (document.uri.scheme === SCHEME && (query.get("change") !== review.subject || query.get("side") !== "after")) continue;
      const file = review.files.find((each) => each.path === path);
      if (file === undefined) continue;
      const open = new Set(this.verdicts.decisions.open(review.subject, file));
      const place = await this.placing(document, review, file);
      const after = await this.coming(review, file);
      for (const hunk of file.hunks.filter(({ n }) => open.has(n))) {
        const lines = place(hunk);
        if (lines !== undefined) marks.push({ review, file, hunk, lines, coming: after(hunk) });
      }
    }
    return marks.sort((left, right) => left.lines.from - right.lines.from);
  }

  /** Returns what tells the lines that a hunk would bring; none of one that is made already. */
  private async coming(review: Reviewable, file: FileChange): Promise<(hunk: Hunk) => string[]> {
    if (review.is === "applied") return () => [];
    if (review.is === "asked") {
      const hunks = parsePatch(review.patch ?? "").find((each) => each.path === file.path)?.hunks ?? [];
      return ({ n }) => (hunks.find((each) => each.n === n)?.lines ?? []).filter((line) => line.is === "+").map((line) => line.text);
    }
    const after = linesOf(await this.contents.side(file.after).catch(() => ""));
    return (hunk) => {
      const { from, to } = linesOn(hunk, "after");
      return after.slice(from, to);
    };
  }

  /** Returns what finds a hunk in a document: by number where the text is the change's own, else by what its lines say. */
  private async placing(document: vscode.TextDocument, review: Reviewable, file: FileChange): Promise<(hunk: Hunk) => Lines | undefined> {
    if (document.uri.scheme === SCHEME) return (hunk) => linesOn(hunk, "after");
    const side = sideOf(review);
    const digest = side === "after" ? file.after : file.before;
    // What is asked about was made on the file as it is.
    if (review.is === "asked") return (hunk) => linesOn(hunk, side);
    try {
      const whole = linesOf(await this.contents.side(digest));
      const text = linesOf(document.getText());
      return (hunk) => locate(text, whole, hunk, side);
    } catch (failure) {
      this.client.output.warn(`review of ${file.path}: ${String(failure)}`);
      return () => undefined;
    }
  }
}

function lenses({ review, file, hunk, lines }: Mark): vscode.CodeLens[] {
  const at = range({ from: lines.from, to: lines.from });
  const given = (verdict: Verdict): unknown[] => [review.subject, file.path, hunk.n, verdict];
  const [accept, reject] = review.is === "applied" ? ["$(check) Keep", "$(discard) Undo"] : ["$(check) Accept", "$(close) Reject"];
  const named = `hunk ${hunk.n} of ${file.hunks.length}: −${hunk.oldLines} +${hunk.newLines}`;
  return [
    new vscode.CodeLens(at, { title: accept, tooltip: `Accept ${named}`, command: "tenon.hunk", arguments: given("accepted") }),
    new vscode.CodeLens(at, { title: reject, tooltip: `Reject ${named}`, command: "tenon.hunk", arguments: given("rejected") }),
    new vscode.CodeLens(at, { title: `tenon ${named}`, tooltip: "Show both sides", command: review.is === "asked" ? "tenon.reviewRequest" : "tenon.openChange", arguments: [review.subject, file.path] }),
  ];
}

function hover({ review, hunk }: Mark): string {
  return review.is === "applied" ? `tenon wrote these lines in place of ${hunk.oldLines}.` : `tenon would put ${hunk.newLines} lines in place of these.`;
}

/** Shows beside the lines that would go what would come in their stead: the first line of it. */
function ghost({ coming: [first, ...rest] }: Mark): vscode.DecorationInstanceRenderOptions {
  if (first === undefined) return {};
  const more = rest.length === 0 ? "" : ` … and ${rest.length} more`;
  return { after: { contentText: `  ⟶  ${first.trim().slice(0, 120)}${more}`, color: new vscode.ThemeColor("tenon.comingForeground"), fontStyle: "italic" } };
}

function range({ from, to }: Lines): vscode.Range {
  return new vscode.Range(from, 0, Math.max(from, to - 1), Number.MAX_SAFE_INTEGER);
}

function reveal(editor: vscode.TextEditor, lines: Lines): void {
  const at = new vscode.Position(lines.from, 0);
  editor.selection = new vscode.Selection(at, at);
  editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

function decoration(background: string, ruler: string, border: string): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor(background),
    overviewRulerColor: new vscode.ThemeColor(ruler),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
    // Only the themes of high contrast have a colour for it.
    borderStyle: "dashed",
    borderWidth: "1px",
    borderColor: new vscode.ThemeColor(border),
  });
}
