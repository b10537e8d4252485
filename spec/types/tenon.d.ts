// Types of tenon's protocol, version 1. Generated from spec/schema by `cargo xtask codegen`: change the Rust types instead.
//
// A peer may send members and words that are not listed here: ignore the first, keep the second and show the event's `text`.

/** What to do to the daemon. */
export type AdminOp =
  /** Take no more work, let turns finish, then leave. */
  | "drain"
  /** Interrupt turns and leave. */
  | "stop"
  /** Let a newer agent take over: turns stand still at their next safe point and go on there. It is undone when the connection that asked for it ends first. */
  | "handOver"
  /** Check the hash chains. */
  | "verify"
  /** Delete old sessions, and contents that no session needs any more. */
  | "prune"
  /** Write a session's log and the contents it names to a file. */
  | "export"
  /** Trust a workspace. */
  | "trust"
  /** Take back a workspace's trust, or a grant. */
  | "revoke";

/** Housekeeping of the daemon. */
export interface AdminParams {
  /** What to do. */
  op: AdminOp;
  /** For `prune`: whether the copies of caches that commands wrote to go too, but for those that a command uses now. */
  caches?: boolean;
  /** For `prune`: whether only to tell what would go. */
  dryRun?: boolean;
  /** The grant, for `revoke`. */
  grant?: GrantId;
  /** For `prune`: all but this many of each workspace, the newest. */
  keep?: number;
  /** For `prune`: sessions that nothing happened in for so many seconds. */
  olderThanS?: number;
  /** For `export`: the new file, an absolute path. */
  path?: string;
  /** Only this session's log, for `verify`; the session, for `export`. */
  sessionId?: SessionId;
  /** The workspace, for `trust` and `revoke`. */
  workspace?: string;
}

/** What came of it. */
export interface AdminResult {
  /** For `trust`: what is trusted, one line each. */
  enables?: Array<string>;
  /** For `export`: what was written. */
  exported?: Exported;
  /** For `drain`, `stop` and `handOver`: the process that leaves. */
  pid?: number;
  /** For `prune`: what went, or would go. */
  pruned?: Pruned;
  /** For `drain`, `stop` and `handOver`: turns that still run. */
  running?: number;
  /** For `trust` and `revoke`: the `all` log's place. */
  seq?: number;
  /** For `verify`: what was checked. */
  verified?: Verified;
}

/** What became of a message. */
export type Admission =
  /** It started a turn. */
  | "started"
  /** It will join the running turn. */
  | "steered"
  /** It waits. */
  | "queued"
  /** The key was seen before: this is the first result again. */
  | "duplicate";

export type After = string;

/** The agent is another one than the last that ran on this state directory: of another version or build, or it can do other things. */
export interface AgentChanged {
  /** What it can do now. */
  can: Can;
  /** The running process. */
  instance: Instance;
}

/** The daemon takes no new work. */
export interface AgentDraining {
  /** Turns that still run. */
  running: number;
  /** Whether a newer agent takes over: then clients connect again, and turns go on. */
  handOver?: boolean;
}

/** What the agent puts into `result.capabilities.experimental.agent`. */
export interface AgentHello {
  /** What it can do now. */
  can: Can;
  /** Experimental items that are on. */
  experimental: Array<string>;
  /** The running process. */
  instance: Instance;
  /** Limits. */
  limits: Limits;
  /** The version chosen: the highest both know. */
  protocol: number;
  /** The digest of the schema this build speaks. */
  schema: string;
}

/** What let one part of a call happen. */
export interface Allowance {
  /** What let it happen. */
  by: AllowedBy;
  /** The part: `command`, `edit`, `network`, or what a command needs, as rules name it (`write:PATH`, `net:HOST`). */
  what: string;
  /** Where the rule stands. */
  from?: string;
  /** The grant; one of the session alone has none. */
  grantId?: GrantId;
  /** The profile, the rule, or the pattern of the grant. */
  name?: string;
  /** The request that a person answered. */
  requestId?: RequestId;
}

/** What let a call, or something it needs, happen. */
export type AllowedBy =
  /** The profile. */
  | "profile"
  /** A configured rule. */
  | "rule"
  /** A grant, for good or for the session. */
  | "grant"
  /** A person who was asked. */
  | "request";

/** Answers a request. The first committed answer wins, the others get 1206. */
export interface AnswerParams {
  /** `allow`, `deny`, `answer`, or the id of one of its options; anything else is refused and decides nothing. */
  decision: string;
  /** The request. */
  requestId: RequestId;
  /** The answer of a question. */
  form?: Json;
  /** A reason, for the model and the log. */
  note?: string;
  /** The pattern of an `always`, as it was shown. */
  pattern?: string;
  /** How far it reaches; `once` if absent. */
  scope?: Scope;
  /** For an edit that is allowed once: only these hunks of it. What is not chosen is not written. */
  select?: Array<Selected>;
}

/** Writes what is staged: a plan, some of its steps, files or hunks; or drops it. */
export interface ApplyParams {
  /** The session. */
  sessionId: SessionId;
  /** The staged change; either this or `planId`. */
  changeId?: ChangeId;
  /** Whether it is thrown away in place of being applied. */
  drop?: boolean;
  /** Whether only what would happen is answered, and nothing written. */
  dryRun?: boolean;
  /** Whether what has no conflict is applied where something else has. */
  partial?: boolean;
  /** The plan; either this or `changeId`. */
  planId?: PlanId;
  /** What to do about files that moved on. */
  resolve?: ApplyResolve;
  /** Only if the plan has this revision. */
  rev?: number;
  /** What has to succeed first. */
  run?: ApplyRun;
  /** Only these files and hunks. */
  select?: Array<Selected>;
  /** Only these steps of the plan, by id. */
  steps?: Array<string>;
}

/** How files that moved on are dealt with. */
export type ApplyResolve = "merge";

/** What was applied. */
export interface ApplyResult {
  /** The files that were written. */
  applied: Array<FileChange>;
  /** What was left because something stands in its way. */
  conflicts: Array<Conflict>;
  /** The last event it committed. */
  seq: number;
  /** The change; absent where nothing was written. */
  changeId?: ChangeId;
  /** The place just before it; absent where nothing was written. */
  checkpointId?: CheckpointId;
  /** What the tests said, where they had to pass. */
  tests?: TestReport;
}

/** What runs on the staged files before they are applied. */
export type ApplyRun = "tests";

/** A try is over. */
export interface AttemptEnded {
  /** How. */
  outcome: AttemptOutcome;
  /** What went wrong. */
  error?: ProviderFailure;
  /** The model's own reason for stopping. */
  finish?: string;
  /** When the next try starts: RFC 3339. */
  retryAt?: string;
  /** What it used. */
  usage?: Usage;
}

/** How a try ended. */
export type AttemptOutcome =
  /** The answer is whole. */
  | "ok"
  /** It failed; another may follow at `retryAt`. */
  | "failed"
  /** It was interrupted. */
  | "interrupted";

/** The request of a try is about to be sent. */
export interface AttemptStarted {
  /** Tries of this step so far, from 1. */
  n: number;
  /** The step, from 1. */
  step: number;
}

/** A stored key of a provider came, changed or went. */
export interface AuthChanged {
  /** The provider. */
  provider: string;
  /** How its login stands: `loggedIn` or `loggedOut`. */
  state: AuthState;
}

/** What to do. */
export type AuthOp =
  /** Begin a login: the provider is checked, and the person is told where to get a key. */
  | "start"
  /** Bring the key: it is tried where the provider has something cheap to ask, and stored. */
  | "submit"
  /** Give a login up. */
  | "cancel"
  /** Forget the stored key. */
  | "logout";

/** Logs in to a provider with a key, or out. */
export interface AuthParams {
  /** What to do. */
  op: AuthOp;
  /** The provider's name. */
  provider: string;
  /** The login, as `start` named it: for `cancel`; for `submit` it may be left out. */
  flowId?: string;
  /** The key, for `submit`. */
  key?: SubmittedKey;
}

/** A provider needs a key: a turn waits for it, or failed because of it. */
export interface AuthRequired {
  /** What to do about it, one clause. */
  how: string;
  /** The provider. */
  provider: string;
  /** The session whose turn needs it. */
  sessionId?: SessionId;
}

/** How the login stands now. Never holds a key. */
export interface AuthResult {
  /** The provider's name. */
  provider: string;
  /** How it stands. */
  state: AuthState;
  /** For `submit`: whether the provider took the key when it was tried. `false`: it could not be tried. */
  checked?: boolean;
  /** A code to show to the person; a login with a key has none. */
  code?: string;
  /** The login that began, for `submit` and `cancel`. */
  flowId?: string;
  /** Where the provider's key comes from now, for this client. */
  key?: KeyOrigin;
  /** The place of the `all` log behind the change, where this request told it. */
  seq?: number;
  /** Where a person gets a key. */
  url?: string;
  /** What the person should know, one sentence each. */
  warnings?: Array<string>;
}

/** How a login stands. */
export type AuthState =
  /** It waits for the key. */
  | "pending"
  /** A key is stored. */
  | "loggedIn"
  /** It was given up; nothing changed. */
  | "cancelled"
  /** No key is stored. */
  | "loggedOut";

/** Support for logging in to providers. */
export interface AuthSupport {
  /** Which ways: `key`. */
  methods: Array<string>;
}

/** What was kept of a file that a revert wrote over. */
export interface Backup {
  /** Relative to the workspace. */
  path: string;
  /** Where its bytes are. */
  ref: string;
}

/** Who did something. */
export interface By {
  /** The client's own id. */
  id: string;
  /** What it is. */
  kind: string;
}

/** Bytes of the text: from the first up to, and without, the second. */
export interface ByteRange {
  /** The byte behind the last. */
  end: number;
  /** The first byte. */
  start: number;
}

/** One tool call. */
export type CallId = string;

/** How a call ended. */
export type CallStatus =
  /** It did what it should. */
  | "ok"
  /** It failed, and the model was told why. */
  | "failed"
  /** A rule or a person refused it. */
  | "denied"
  /** It was interrupted. */
  | "interrupted"
  /** It started and its outcome was never recorded; it is not repeated. */
  | "unknown";

/** What the agent can do now. Absent: not at all. */
export interface Can {
  /** Applying plans: `hunks`. */
  apply?: Json;
  /** Approvals of a part of an edit: `hunks`. */
  approve?: Json;
  /** Logging in to providers. */
  auth?: AuthSupport;
  /** Files: `read`, `write`, `search`. */
  files?: Json;
  /** Jobs. */
  jobs?: Json;
  /** Planning: edits that are staged. */
  plan?: Json;
  /** Queueing. */
  queue?: QueueSupport;
  /** Commands. */
  shell?: ShellSupport;
  /** Steering. */
  steer?: Json;
}

/** How it is found out what a command changed. */
export interface CaptureInfo {
  /** How. */
  mode: CaptureMode;
  /** Why not exactly. */
  reason?: string;
}

/** How it is found out what a command changed. */
export type CaptureMode =
  /** Exactly: what it writes is caught and brought over when it ends. */
  | "exact"
  /** By comparing the workspace before and after it. */
  | "compared";

/** Files were changed. The contents before and after are blobs named by their digests. */
export interface ChangeApplied {
  /** The change. */
  changeId: ChangeId;
  /** The place just before it. */
  checkpointId: CheckpointId;
  /** The files. */
  files: Array<FileChange>;
  /** What it could not cover. */
  uncovered: Array<Uncovered>;
  /** The call that made it. */
  callId?: CallId;
  /** Files that a command changed and somebody else too while it ran: what is on the disk stayed. */
  conflicts?: Array<Conflict>;
  /** Folders that had to be made for it, outermost first: an undo removes those that are empty then. */
  folders?: Array<string>;
  /** The job that ran meanwhile, which ends with the next event. The change belongs to no turn, also where one runs. */
  jobId?: JobId;
  /** The plan that was applied. Its hunks keep the numbers they were staged with. */
  planId?: PlanId;
}

/** A set of file edits, applied and reverted as one. */
export type ChangeId = string;

/** Edits are staged: contents before and after are kept, the disk is as it was. */
export interface ChangeStaged {
  /** The change. */
  changeId: ChangeId;
  /** The files. */
  files: Array<FileChange>;
  /** What it could not cover. */
  uncovered: Array<Uncovered>;
  /** The call that staged it. Without one it is all that is staged for the plan, and takes the place of what was. */
  callId?: CallId;
  /** The plan it belongs to. */
  planId?: PlanId;
  /** The step of the plan that the call named. */
  step?: string;
}

/** Files are about to be changed: recorded before the first is touched, so that a change that was cut is finished or taken back. */
export interface ChangeStarted {
  /** The change. */
  changeId: ChangeId;
  /** The place just before it. */
  checkpointId: CheckpointId;
  /** The files. */
  files: Array<FileChange>;
  /** The call that makes it. */
  callId?: CallId;
  /** The plan that is applied. Its hunks keep the numbers they were staged with. */
  planId?: PlanId;
}

/** A place in the history of a workspace's files. */
export type CheckpointId = string;

/** What the client puts into `capabilities.experimental.agent`. */
export interface ClientHello {
  /** The protocol versions it speaks. */
  protocol: Array<number>;
  /** Who it is. */
  client?: ClientInfo;
  /** Which events it wants specially. */
  events?: EventWishes;
  /** Experimental items it wants, as `name@version`. */
  experimental?: Array<string>;
  /** What it can draw; a client without it is quiet. */
  render?: Record<string, unknown>;
  /** What it may do; `controller` if absent. */
  role?: Role;
}

/** Who connects. No identity: it helps resuming and reading the log. */
export interface ClientInfo {
  /** Its own stable id. */
  id: string;
  /** What it is, such as `cli`. */
  kind: string;
  /** Its version. */
  version?: string;
}

/** How to part with a session. */
export type CloseHow =
  /** Only this connection's subscriptions to it end. */
  | "detach"
  /** It takes no more work; its log stays. */
  | "archive"
  /** Its log goes. */
  | "delete";

/** Parts with a session. */
export interface CloseParams {
  /** How. */
  how: CloseHow;
  /** The session. */
  sessionId: SessionId;
}

/** A command came. */
export interface CommandAdded {
  /** Its item. */
  item: CommandItem;
  /** The workspace in whose list it is, a `file://` URI; absent for the list without a workspace. */
  workspace?: string;
}

/** A command is another now. */
export interface CommandChanged {
  /** Its item. */
  item: CommandItem;
  /** The workspace in whose list it is, a `file://` URI; absent for the list without a workspace. */
  workspace?: string;
}

/** A command: a text that is sent to the model in place of a message that begins with `/` and its name. */
export interface CommandItem {
  /** Its file: relative to the workspace, absolute for the person's own. */
  file: string;
  /** Where it comes from. */
  from: CommandOrigin;
  /** Its name, without the slash. */
  id: string;
  /** What it is for, one line. */
  description?: string;
  /** What its arguments are, one line. */
  hint?: string;
}

/** Where a command or a skill comes from. */
export type CommandOrigin =
  /** A folder of the workspace. */
  | "workspace"
  /** The person's own configuration. */
  | "user";

/** A command went. */
export interface CommandRemoved {
  /** Which. */
  id: string;
  /** The workspace in whose list it was, a `file://` URI; absent for the list without a workspace. */
  workspace?: string;
}

/** The conversation was shortened: from here on the model is shown the summary in place of what came before `upTo`. */
export interface CompactionEnded {
  /** The last event that the summary stands for. */
  upTo: number;
  /** Why it failed; then nothing changed. */
  error?: string;
  /** Where the summary is. */
  ref?: string;
  /** Tokens of the conversation now, as far as is known. */
  tokens?: number;
}

/** The conversation is about to be shortened for the model; the log keeps all of it. */
export interface CompactionStarted {
  /** Tokens of the conversation, as far as is known. */
  tokens: number;
}

/** Asks what may stand at a place in a message that is being written: files and folders behind `@`, commands and skills behind a `/` at its beginning. */
export interface CompleteParams {
  /** The place of the cursor: a byte offset into the text, between two characters. */
  at: number;
  /** The message so far. */
  text: string;
  /** The session whose workspace is meant. */
  sessionId?: SessionId;
  /** The workspace where there is no session yet: absolute path or `file://` URI. Without either only the person's own commands and skills are known. */
  workspace?: string;
}

/** What may stand there, best first. */
export interface CompleteResult {
  /** The items, 50 at most. */
  items: Array<CompletionItem>;
  /** Whether there is more: ask again when more is typed, rather than narrow these. */
  more?: boolean;
}

/** Something that may stand there. */
export interface CompletionItem {
  /** What to put in place of the range. A path that needs quotes has them. */
  insert: string;
  /** What it stands for. */
  kind: CompletionKind;
  /** What to show. */
  label: string;
  /** The bytes of the text that it replaces. */
  range: ByteRange;
  /** More about it, one line. */
  detail?: string;
}

/** What an item stands for. */
export type CompletionKind =
  /** A file of the workspace. */
  | "file"
  /** A folder of the workspace. */
  | "folder"
  /** A command. */
  | "command"
  /** A skill. */
  | "skill";

/** A configuration was taken. */
export interface ConfigChanged {
  /** The file. */
  file: string;
}

/** What one layer says of one key. */
export interface ConfigEntry {
  /** Whether it counts: no later layer goes before it. The rules of all layers count together. */
  counts: boolean;
  /** The key, dotted. */
  key: string;
  /** The layer. */
  layer: ConfigLayer;
  /** What it says; a secret is `[redacted]`. */
  value: Json;
  /** The file it stands in. */
  file?: string;
  /** The line of that file, from 1. */
  line?: number;
  /** The environment variable it comes from. */
  variable?: string;
}

/** Where an effective value comes from. */
export type ConfigLayer =
  /** Nobody set it. */
  | "builtIn"
  /** The person's own file. */
  | "user"
  /** The workspace's file. */
  | "workspace"
  /** A `TENON_*` variable of the client. */
  | "environment"
  /** The session's settings. */
  | "session"
  /** The administrator's policy: it only narrows, and goes before all others. */
  | "policy";

/** A configuration was not taken; the last good one stays in force. */
export interface ConfigRejected {
  /** What is wrong. */
  error: string;
  /** The file. */
  file: string;
  /** The line, from 1. */
  line?: number;
}

/** Which layer is read or changed. */
export type ConfigScope =
  /** The person's own file. */
  | "user"
  /** The file of a workspace, `.tenon/config.toml`; it may only narrow. */
  | "workspace"
  /** A session's settings: `model`, `profile`, `limits.steps`, `limits.cost_usd`, `limits.turn_timeout_s`. */
  | "session";

/** Reads a layer of the configuration, or changes it. */
export interface ConfigureParams {
  /** Which layer. */
  scope: ConfigScope;
  /** A key or a table, dotted, or empty for everything: the result then has `layers`. */
  explain?: string;
  /** Only if the layer is at this revision; else 1502. */
  ifRev?: string;
  /** What to change, as nested tables of keys: merged into the layer, `null` removes. Without it nothing is changed. */
  patch?: Json;
  /** The session, for `session`; for `workspace` it names its workspace. */
  sessionId?: SessionId;
  /** The workspace, for `workspace` without a session: `file://` URI or absolute path. */
  workspace?: string;
}

/** A layer, and what all layers come to. Secrets are `[redacted]`. */
export interface ConfigureResult {
  /** What all layers up to this one come to, with the client's `TENON_*` variables. */
  effective: Json;
  /** For each effective key, dotted: the layer its value comes from. */
  from: Record<string, ConfigLayer>;
  /** The layer's revision; opaque, equal for equal content. */
  rev: string;
  /** What the layer itself says, as nested tables. */
  value: Json;
  /** The layer's file; absent for a session. */
  file?: string;
  /** For `explain`: what each layer says, by key, each from the lowest layer up. Without the last one that counts, the one before it would. */
  layers?: Array<ConfigEntry>;
  /** What the file says that was not taken: a value that does not fit. The last good one is in force and shown. */
  rejected?: ConfigRejected;
  /** After a change: the end of the log it stands in, the session's or `all`. */
  seq?: number;
  /** What else its author should know, one sentence each: unknown keys, keys that a workspace may not set. */
  warnings?: Array<string>;
}

/** A file that stands in the way of a change. */
export interface Conflict {
  /** How it stands in the way. */
  kind: ConflictKind;
  /** Whether both sides can be kept by themselves: then `merge` is allowed. */
  mergeable: boolean;
  /** Relative to the workspace. */
  path: string;
  /** One line for people. */
  text: string;
  /** The whole file both sides began with, by reference. */
  base?: string;
  /** Later changes of the session that changed the same lines: what goes back with them is in nobody's way. */
  changes?: Array<ChangeId>;
  /** The hunk that is in the way; the whole file if absent. */
  hunk?: number;
  /** The whole file as it would be written, by reference. */
  ours?: string;
  /** Whether bytes of the path are not UTF-8 and stand as `%XX`. */
  pathEncoded?: boolean;
  /** The whole file as it is on disk, by reference. */
  theirs?: string;
}

/** How a file stands in the way. */
export type ConflictKind =
  /** Somebody edited it since. */
  | "edited"
  /** It is gone. */
  | "deleted"
  /** Something else is there now. */
  | "created"
  /** It is another kind of thing now. */
  | "type"
  /** Somebody has it open with changes that are not saved. */
  | "dirty"
  /** It was changed while a command ran that writes to the workspace itself: whether by that or by somebody else nobody can tell. */
  | "uncertain";

/** One piece of content. Text is whole up to 1 MiB; beyond that stands a `ref` that is `whole`. */
export type Content =
  /** Plain text or Markdown. */
  | { type: "text"; text: string; }
  /** An image: `data` (base64) or `ref`. */
  | { type: "image"; mime: string; data?: string; ref?: string; }
  /** A file of the workspace, read when the message is delivered. */
  | { type: "file"; path: string; range?: LineRange; }
  /** Text a person selected, as it stood in the editor. */
  | { type: "selection"; path: string; range: LineRange; text: string; }
  /** Large content by reference. */
  | { type: "ref"; bytes: number; mime: string; ref: string; title?: string; whole?: boolean; };

/** What the person looks at. A member that is given replaces what was said before; an empty one takes it back; one that is absent stays. Kept in memory for this connection alone. */
export interface ContextParams {
  /** Problems the editor shows; the first 50 are used. */
  diagnostics?: Array<Diagnostic>;
  /** Files with changes that are not saved: all of them, each time. The agent writes to none of them without asking. */
  dirty?: Array<DirtyFile>;
  /** What is selected in it. */
  selection?: SelectedText;
  /** The session it is meant for; for all that this connection sends messages to if absent. */
  sessionId?: SessionId;
  /** The file in front: `file://` URI, absolute path, or relative to the workspace. Takes back the selection. */
  uri?: string;
  /** Other files that are visible; the first 20 are used. */
  visible?: Array<string>;
}

/** A part of what precedes the conversation. */
export interface ContextPart {
  /** BLAKE3 of its bytes. */
  digest: string;
  /** `system`, `instructions`, `tools`. */
  kind: string;
  /** Where its bytes are. */
  ref: string;
  /** Where it came from, such as `AGENTS.md`. */
  source?: string;
}

/** What precedes the conversation in every request from here on: with the log it gives each request byte for byte. */
export interface ContextSet {
  /** Counts the settings of a session, from 1. */
  generation: number;
  /** `provider/model`. */
  model: string;
  /** The parts, in order. */
  parts: Array<ContextPart>;
  /** The HTTP format. */
  wire: string;
}

/** What a message took along of what its sender looked at. Paths are relative to the workspace. */
export interface ContextUsed {
  /** Problems that were shown. */
  diagnostics?: Array<Diagnostic>;
  /** Files with changes that were not saved. */
  dirty?: Array<string>;
  /** The file in front. */
  path?: string;
  /** What was selected in it. */
  selection?: SelectedText;
  /** Other files that were visible. */
  visible?: Array<string>;
}

export type Cursor = string;

/** How a message wants to be delivered. */
export type Delivery =
  /** Starts a turn when idle, else queues. */
  | "auto"
  /** Starts a turn, or fails with 1106. */
  | "start"
  /** Joins the running turn at its next safe point. */
  | "steer"
  /** Waits for a turn of its own. */
  | "queue";

/** Some text of an item that is still growing. It has no seq, may be dropped, and is superseded by the durable event that closes the item. */
export interface Delta {
  /** The item: a message, a call or a job. */
  d: string;
  /** The byte offset of `t` in the item's whole text or output. */
  from: number;
  /** The text; of a job the bytes, in base64. */
  t: string;
  /** Of a command that runs: the files that it has changed so far, at most 100, in place of those of an earlier delta. */
  files?: Array<Provisional>;
  /** How many more there are. */
  more?: number;
}

/** How often deltas may come. */
export interface DeltaWish {
  /** Messages a second; 30 if absent. */
  maxPerSecond?: number;
}

/** What refused a call. */
export type DeniedBy =
  /** A configured rule, or an administrator's policy. */
  | "rule"
  /** The profile. */
  | "profile"
  /** The workspace is not trusted. */
  | "untrusted"
  /** It would have been asked about, and nobody could be. */
  | "nobody"
  /** A person. */
  | "person";

/** A problem that an editor shows. */
export interface Diagnostic {
  /** What is wrong. */
  message: string;
  /** The file: `file://` URI, absolute path, or relative to the workspace. */
  path: string;
  /** Where. */
  range?: LineRange;
  /** How bad it is. */
  severity?: Severity;
  /** Who says so, such as a compiler. */
  source?: string;
}

/** A file that differs. */
export interface DiffFile {
  /** Lines that came. */
  added: number;
  /** What happened between the two places. */
  op: FileOp;
  /** Relative to the workspace. */
  path: string;
  /** Lines that went. */
  removed: number;
  /** BLAKE3 of the content at the second place; absent where there is none. */
  after?: string;
  /** The permission bits at the second place, where they differ. */
  afterMode?: number;
  /** BLAKE3 of the content at the first place; absent where there is none. */
  before?: string;
  /** The permission bits at the first place, where they differ. */
  beforeMode?: number;
  /** Whether there are no lines to compare. */
  binary?: boolean;
  /** Its hunks; absent in the form `stat`. */
  hunks?: Array<Hunk>;
  /** Whether bytes of the path are not UTF-8 and stand as `%XX`. */
  pathEncoded?: boolean;
  /** Why the file could not be compared. */
  problem?: string;
  /** Whether somebody else may have done some of it, while a command ran. */
  uncertain?: boolean;
}

/** How much a difference says. */
export type DiffForm =
  /** The files with their hunks, and a patch that `git apply` takes. */
  | "patch"
  /** The files with their hunks. */
  | "files"
  /** The files with counts of lines. */
  | "stat";

/** Compares two places in the history of the files that a session changed. */
export interface DiffParams {
  /** The session. */
  sessionId: SessionId;
  /** How much to say; `patch` if absent. */
  form?: DiffForm;
  /** Where to begin: `start`, `head`, `disk`, or the id of a checkpoint, change or turn, which stands for the place before it; `start` if absent. */
  from?: string;
  /** Only these files, and everything beneath these folders. */
  paths?: Array<string>;
  /** Where to end: as `from`, but a change or turn stands for the place after it; `disk` if absent. */
  to?: string;
}

/** What differs: files in order of their paths. Only files that the session changed are looked at. */
export interface DiffResult {
  /** The files. */
  files: Array<DiffFile>;
  /** The patch, at most 1 MiB; each hunk's number ends its `@@` line. */
  patch?: string;
}

/** A file with changes that are not saved. */
export interface DirtyFile {
  /** The file: `file://` URI, absolute path, or relative to the workspace. */
  path: string;
  /** Its text as the editor has it, whole: the model reads this in place of the disk. */
  text?: string;
}

/** What a call may do to the world; decides what happens to one that never settled. */
export type EffectClass =
  /** Only reads: may run again. */
  | "pure"
  /** Writes files of the workspace: settled by digest. */
  | "file"
  /** Runs a command: never again by itself. */
  | "command"
  /** Speaks to the network: never again by itself. */
  | "network";

/** An event as a reader takes it: any type, known or not. Events of a subscription itself (`observe.*`) have neither seq nor epoch. */
export interface Envelope {
  /** Its type. */
  type: string;
  /** When it was committed. */
  at?: string;
  /** Its data. */
  data?: Json;
  /** The log's epoch. */
  epoch?: number;
  /** Whether it was read from the log rather than as it happened. */
  replay?: boolean;
  /** Its place in the log. */
  seq?: number;
  /** The log. */
  session?: string;
  /** One line for people. */
  text?: string;
  /** The turn it belongs to. */
  turn?: TurnId;
}

/** The parameters of `$/environment`: variables of the caller. */
export interface EnvironmentParams {
  /** Names and values. */
  variables: Record<string, string>;
}

/** What stands in an error's `data`: the stable kind, advice, and the fields of that kind. */
export interface ErrorData {
  /** The stable kind. */
  kind: string;
  /** What to do next, one sentence each. */
  hints?: Array<string>;
  /** Whether to try again. Advice of a later version is none. */
  retry?: Retry;
}

/** The type and data of an event. */
export type EventBody =
  /** The log begins. */
  | { type: "session.created"; data: SessionCreated; }
  /** Title or settings changed. */
  | { type: "session.changed"; data: SessionChanged; }
  /** The session rests, runs or waits. */
  | { type: "session.state"; data: SessionStateChanged; }
  /** Files or conversation went back. */
  | { type: "session.reverted"; data: SessionReverted; }
  /** The session was archived. */
  | { type: "session.closed"; data: SessionClosed; }
  /** What precedes the conversation in the prompt. */
  | { type: "context.set"; data: ContextSet; }
  /** The conversation is about to be shortened. */
  | { type: "compaction.started"; data: CompactionStarted; }
  /** The conversation was shortened. */
  | { type: "compaction.ended"; data: CompactionEnded; }
  /** Usage so far. */
  | { type: "usage.changed"; data: UsageChanged; }
  /** A message was taken in. */
  | { type: "prompt.admitted"; data: PromptAdmitted; }
  /** A waiting message was withdrawn, replaced or moved. */
  | { type: "prompt.changed"; data: PromptChanged; }
  /** A message reached its turn. */
  | { type: "prompt.delivered"; data: PromptDelivered; }
  /** A turn began. */
  | { type: "turn.started"; data: TurnStarted; }
  /** A turn ended. */
  | { type: "turn.ended"; data: TurnEnded; }
  /** A try of a step's provider request is dispatched. */
  | { type: "attempt.started"; data: AttemptStarted; }
  /** That try is over. */
  | { type: "attempt.ended"; data: AttemptEnded; }
  /** A message begins; deltas follow. */
  | { type: "message.started"; data: MessageStarted; }
  /** A message is whole. */
  | { type: "message.ended"; data: MessageEnded; }
  /** The model wants a call. */
  | { type: "tool.proposed"; data: ToolProposed; }
  /** A call was allowed and starts. */
  | { type: "tool.started"; data: ToolStarted; }
  /** A call is settled. */
  | { type: "tool.ended"; data: ToolEnded; }
  /** A person's command runs; deltas follow. */
  | { type: "job.started"; data: JobStarted; }
  /** A job came to the foreground. */
  | { type: "job.changed"; data: JobChanged; }
  /** A job ended. */
  | { type: "job.ended"; data: JobEnded; }
  /** The steps of the plan or todo list changed. */
  | { type: "plan.changed"; data: PlanChanged; }
  /** A plan is whole, its change staged. */
  | { type: "plan.ready"; data: PlanReady; }
  /** Edits are staged. */
  | { type: "change.staged"; data: ChangeStaged; }
  /** Files are about to be changed. */
  | { type: "change.started"; data: ChangeStarted; }
  /** Files of the workspace were changed. */
  | { type: "change.applied"; data: ChangeApplied; }
  /** A person is asked. */
  | { type: "request.opened"; data: RequestItem; }
  /** A request was answered. */
  | { type: "request.resolved"; data: RequestResolved; }
  /** A session appeared. */
  | { type: "session.added"; data: SessionListed; }
  /** A session is gone. */
  | { type: "session.removed"; data: SessionRemoved; }
  /** A request waits. */
  | { type: "request.added"; data: RequestAdded; }
  /** A request waits no more. */
  | { type: "request.removed"; data: RequestRemoved; }
  /** A grant was made. */
  | { type: "grant.added"; data: GrantAdded; }
  /** A grant was taken back. */
  | { type: "grant.removed"; data: GrantRemoved; }
  /** A workspace is trusted. */
  | { type: "workspace.added"; data: WorkspaceAdded; }
  /** A workspace's trust was taken back. */
  | { type: "workspace.removed"; data: WorkspaceRemoved; }
  /** A configuration was not taken; the last good one stays. */
  | { type: "config.rejected"; data: ConfigRejected; }
  /** A configuration was taken. */
  | { type: "config.changed"; data: ConfigChanged; }
  /** A model that can be named came. */
  | { type: "model.added"; data: ModelAdded; }
  /** A model that can be named is another now. */
  | { type: "model.changed"; data: ModelChanged; }
  /** A model that can be named went. */
  | { type: "model.removed"; data: ModelRemoved; }
  /** A server of models came. */
  | { type: "provider.added"; data: ProviderAdded; }
  /** A server of models is another now. */
  | { type: "provider.changed"; data: ProviderChanged; }
  /** A server of models went. */
  | { type: "provider.removed"; data: ProviderRemoved; }
  /** A policy that can be named came. */
  | { type: "profile.added"; data: ProfileAdded; }
  /** A policy that can be named is another now. */
  | { type: "profile.changed"; data: ProfileChanged; }
  /** A policy that can be named went. */
  | { type: "profile.removed"; data: ProfileRemoved; }
  /** A command that a message may begin with came. */
  | { type: "command.added"; data: CommandAdded; }
  /** A command that a message may begin with is another now. */
  | { type: "command.changed"; data: CommandChanged; }
  /** A command that a message may begin with went. */
  | { type: "command.removed"; data: CommandRemoved; }
  /** A skill that a message may begin with came. */
  | { type: "skill.added"; data: SkillAdded; }
  /** A skill that a message may begin with is another now. */
  | { type: "skill.changed"; data: SkillChanged; }
  /** A skill that a message may begin with went. */
  | { type: "skill.removed"; data: SkillRemoved; }
  /** A provider needs a key. */
  | { type: "auth.required"; data: AuthRequired; }
  /** A stored key came, changed or went. */
  | { type: "auth.changed"; data: AuthChanged; }
  /** The agent is another one than before. */
  | { type: "agent.changed"; data: AgentChanged; }
  /** The daemon takes no new work. */
  | { type: "agent.draining"; data: AgentDraining; }
  /** Something a person should know. */
  | { type: "notice"; data: Notice; };

/** Which events a client wants specially. */
export interface EventWishes {
  /** Deltas, at most so many messages a second. */
  delta?: DeltaWish;
}

/** What an export holds. */
export interface Exported {
  /** Contents that they name. */
  blobs: number;
  /** Events of the log. */
  events: number;
  /** The file. */
  path: string;
}

/** Reads a content by its reference, in pages. */
export interface FetchParams {
  /** A `ref` of some event, result or content. */
  ref: string;
  /** Only these bytes; the beginning if absent. */
  range?: FetchRange;
}

/** Bytes of a content, counted from 0. */
export interface FetchRange {
  /** The first byte. */
  start: number;
  /** The byte behind the last one; the end of the content if absent. */
  end?: number;
}

/** A page of a content, at most 512 KiB: `text` if the whole content is UTF-8, else `base64`. */
export interface FetchResult {
  /** How many bytes the whole content has. */
  bytes: number;
  /** What the content is: `text/plain`, an image's type, or `application/octet-stream`. */
  mime: string;
  /** The place of the page's first byte. A text begins with a whole character: with the one that the place asked for lies in. */
  start: number;
  /** The page, in base64. */
  base64?: string;
  /** Where the next page starts, if the content, or the range asked for, goes on. */
  next?: number;
  /** The page, of whole characters. */
  text?: string;
}

/** One file of a change. */
export interface FileChange {
  /** Its hunks. */
  hunks: Array<Hunk>;
  /** What happened. */
  op: FileOp;
  /** Relative to the workspace. */
  path: string;
  /** BLAKE3 of the content after; absent where there is none. */
  after?: string;
  /** The permission bits after; absent where there is no file. */
  afterMode?: number;
  /** BLAKE3 of the content before; absent where there was none. */
  before?: string;
  /** The permission bits before; absent where there was no file. 40960 (0120000) is a symbolic link, whose content is its target. */
  beforeMode?: number;
  /** The old path of a move. */
  from?: string;
  /** Whether bytes of the path are not UTF-8 and stand as `%XX`. */
  pathEncoded?: boolean;
  /** Whether somebody else may have done it: it was found by comparing before and after, while people could write there too. To take it back is a conflict of the kind `uncertain`. */
  uncertain?: boolean;
}

/** What happened to a file. */
export type FileOp =
  /** It is new. */
  | "add"
  /** Its content or mode changed. */
  | "modify"
  /** It is gone. */
  | "delete"
  /** It has another path; `from` names the old one. */
  | "move";

/** Where a fork begins. */
export interface ForkFrom {
  /** The parent. */
  sessionId: SessionId;
  /** A seq in its log at which no turn is under way; the last one if absent. */
  at?: number;
}

/** A grant was made. */
export interface GrantAdded {
  /** Its item. */
  item: GrantItem;
}

/** A standing decision. */
export type GrantId = string;

/** A standing decision. */
export interface GrantItem {
  /** When it was made. */
  createdAt: string;
  /** The grant. */
  id: GrantId;
  /** What it allows, such as `cargo test *`. */
  pattern: string;
  /** The workspace it holds in, a `file://` URI. */
  workspace: string;
}

/** A grant was taken back. */
export interface GrantRemoved {
  /** Which. */
  grantId: GrantId;
}

/** A maximal run of changed lines, without context. Numbers count from 1 in file order and never change; 0 stands for a mode, link, binary or whole-file change. */
export interface Hunk {
  /** Its number in the file. */
  n: number;
  /** Lines after. */
  newLines: number;
  /** First line after. */
  newStart: number;
  /** Lines before. */
  oldLines: number;
  /** First line before, counted from 1; for a pure insertion the line after which it goes. */
  oldStart: number;
}

/** The running process. */
export interface Instance {
  /** What it was built from. */
  build: string;
  /** Unique for each start. */
  id: string;
  /** Its process id. */
  pid: number;
  /** When it started. */
  startedAt: string;
  /** The product's version. */
  version: string;
  /** How new its program is: the time of its file. Of two builds of one version the later is the newer. */
  builtAt?: string;
}

/** Interrupts the running turn. */
export interface InterruptParams {
  /** The session. */
  sessionId: SessionId;
  /** Whether what the running command wrote is dropped. */
  drop?: boolean;
  /** Whether its jobs end too. */
  jobs?: boolean;
  /** Only this turn. */
  turnId?: TurnId;
}

/** The turn that ends, and the end of the log when it was asked to. */
export interface InterruptResult {
  /** The log's head. */
  seq: number;
  /** Where `drop` was asked for: whether what the running command wrote is dropped. Not where it writes into the workspace itself, and where no command runs. */
  dropped?: boolean;
  /** The turn. */
  turnId?: TurnId;
}

/** A job came to the foreground. */
export interface JobChanged {
  /** Whether nobody waits for it. */
  background: boolean;
  /** The job. */
  jobId: JobId;
}

/** A job ended, and everything it had started with it. */
export interface JobEnded {
  /** How many bytes it printed. */
  bytes: number;
  /** What it printed, without the terminal's control sequences; a long output is its beginning and its end. */
  content: Array<Content>;
  /** The job. */
  jobId: JobId;
  /** How: `ok` with exit code 0, `failed`, `interrupted` if it was ended from outside, `unknown` if the agent died while it ran. */
  status: CallStatus;
  /** What was changed in the workspace while it ran. */
  changeId?: ChangeId;
  /** Its exit code. */
  exit?: number;
  /** The whole output as it was printed, for `agent/fetch`: offsets in it are those of the deltas. Of more than 32 MiB it has the beginning, a line that says how much is missing, and the end. */
  ref?: string;
  /** The signal that ended it. */
  signal?: number;
}

/** Background work. */
export type JobId = string;

/** What to do with a running job. */
export type JobOp =
  /** Types `data` or `text` into its terminal. */
  | "write"
  /** Gives its terminal another size. */
  | "resize"
  /** Ends it and everything it started. */
  | "kill"
  /** Brings it to the foreground, and returns the newest of its output, or what it printed from `from` on. */
  | "foreground";

/** Does something with a running job. */
export interface JobParams {
  /** The job. */
  jobId: JobId;
  /** What to do. */
  op: JobOp;
  /** For `write`: bytes, in base64; at most 64 KiB. */
  data?: string;
  /** For `foreground`: the offset in the whole output to read from, in place of the newest. */
  from?: number;
  /** For `resize`: the new size. */
  size?: JobSize;
  /** For `write`: text, in place of `data`. */
  text?: string;
}

/** What came of it. */
export interface JobResult {
  /** For `foreground`: output in base64; the newest 64 KiB of it, or at most 256 KiB from the offset asked for on, empty when that is its end. */
  data?: string;
  /** For `foreground`: the offset of `data` in the whole output; later than the one asked for where something was not kept. */
  from?: number;
  /** For `kill` and `foreground`: the log's head. */
  seq?: number;
}

/** The size of a terminal in characters, each 1 to 1,000. */
export interface JobSize {
  /** Characters of a line. */
  columns: number;
  /** Lines. */
  rows: number;
}

/** A person's command was taken on: the record that its effect may have happened from here on. */
export interface JobStarted {
  /** Whether nobody waits for it. */
  background: boolean;
  /** The command. */
  command: string;
  /** The folder it starts in, relative to the workspace. */
  cwd: string;
  /** The job. */
  jobId: JobId;
  /** Whether the model is shown it. */
  shareWithModel: boolean;
  /** Who runs it. */
  by?: By;
}

/** Opaque JSON, such as a tool's arguments: whoever knows the shape takes it out at the edge. */
export type Json = unknown;

/** Where a provider's key comes from. */
export interface KeyOrigin {
  /** What kind of place. */
  place: KeyPlace;
  /** The variable or the file. */
  name?: string;
}

/** Where a key comes from. */
export type KeyPlace =
  /** A variable of the client. */
  | "variable"
  /** A file that the configuration names. */
  | "file"
  /** It was stored by a login. */
  | "stored"
  /** None is needed. */
  | "notNeeded"
  /** One is needed, and there is none. */
  | "missing";

/** Limits of this build. */
export interface Limits {
  /** The largest text in an event, in bytes; beyond it stands a reference. */
  inline: number;
  /** The largest message it accepts, in bytes. */
  message: number;
  /** The most events of a page. */
  page: number;
}

/** Lines of a file, counted from 1, both ends included. */
export interface LineRange {
  /** The last line. */
  end: number;
  /** The first line. */
  start: number;
}

/** Narrows a list. */
export interface ListFilter {
  /** Whether archived sessions are listed too; they are not if absent, unless `state` asks for them. */
  archived?: boolean;
  /** Only sessions in this state. */
  state?: SessionState;
  /** Only sessions and grants of this workspace, and the commands and skills it has: `file://` URI or absolute path. */
  workspace?: string;
}

/** Lists things of a kind. */
export interface ListParams {
  /** Of which kind: session, model, provider, profile, command, tool, skill, mcp, job, checkpoint, change, plan, request, grant, workspace. */
  kind: string;
  /** Go on after this item. */
  after?: string;
  /** Only those that fit, by kind: `workspace`, `state` and `archived` for sessions, `workspace` for grants, commands and skills. */
  filter?: ListFilter;
  /** At most so many, 1 to 1,000; 100 if absent. */
  limit?: number;
  /** Only those of this session. */
  sessionId?: SessionId;
}

/** A page of things. */
export interface ListResult {
  /** The things; sessions, requests, grants and workspaces newest first. */
  items: Array<Json>;
  /** The seq of the `all` log they are true at. Of several pages the first one's counts for all. */
  rev: number;
  /** What to give as `after` for the next page. */
  next?: string;
}

/** Reads a page of a log. */
export interface LogParams {
  /** The session, or `all`. */
  sessionId: string;
  /** Events behind this cursor, oldest first. */
  after?: Cursor;
  /** Events before this cursor, oldest first, the newest of them. */
  before?: Cursor;
  /** At most so many, 1 to 1,000. */
  limit?: number;
  /** Only events of these types. */
  types?: Array<string>;
}

/** A page: at most 1,000 events or 1 MiB. */
export interface LogResult {
  /** The events. */
  events: Array<Json>;
  /** The first place that is kept. */
  first: Cursor;
  /** The end of the log. */
  head: Cursor;
  /** Where to go on, in the direction that was asked. */
  next?: Cursor;
}

/** A message is whole. */
export interface MessageEnded {
  /** All of it; empty where it was withdrawn. */
  content: Array<Content>;
  /** The message. */
  messageId: MessageId;
  /** Whose. */
  role: MessageRole;
  /** Who sent it. */
  by?: By;
  /** Whether it is withdrawn: its try failed, another one's text stands instead. */
  superseded?: boolean;
}

/** A message of a session. */
export type MessageId = string;

/** Whose message. */
export type MessageRole =
  /** A person's. */
  | "user"
  /** The model's. */
  | "assistant"
  /** The model's thinking. */
  | "reasoning";

/** A message begins; its deltas carry its id. */
export interface MessageStarted {
  /** The message. */
  messageId: MessageId;
  /** Whose. */
  role: MessageRole;
}

/** A model came. */
export interface ModelAdded {
  /** Its item. */
  item: ModelItem;
}

/** A model is another now. */
export interface ModelChanged {
  /** Its item. */
  item: ModelItem;
}

/** A model that can be named in settings. */
export interface ModelItem {
  /** `provider/model`. */
  id: string;
  /** The provider's own name of the model. */
  model: string;
  /** The provider's name. */
  provider: string;
  /** Whether a key is there, or none is needed. */
  ready: boolean;
  /** Which HTTP format it speaks. */
  wire: string;
  /** Tokens of its context. */
  contextTokens?: number;
  /** Whether `settings.model` names it now. */
  default?: boolean;
  /** US dollars for a million input tokens. */
  inputCost?: number;
  /** US dollars for a million output tokens. */
  outputCost?: number;
}

/** A model went. */
export interface ModelRemoved {
  /** Which. */
  id: string;
}

/** Something a person should know. */
export interface Notice {
  /** What kind of thing. */
  kind: string;
  /** The sentence. */
  message: string;
}

/** The subscription ended. */
export interface ObserveClosed {
  /** Where to go on. */
  cursor: Cursor;
  /** Why. */
  reason: string;
}

/** How far a filtered subscription has read; after every 1,000 events. */
export interface ObserveCursor {
  /** The place. */
  cursor: Cursor;
}

/** The history is delivered; what follows happens now. */
export interface ObserveLive {
}

/** The subscription begins. */
export interface ObserveOpened {
  /** The log's epoch. */
  epoch: number;
  /** The first place that is kept. */
  first: Cursor;
  /** The end of the log now. */
  head: Cursor;
  /** With `tree`: behind which place in the log of each descendant its events follow. */
  descendants?: Record<string, Cursor>;
}

/** Subscribes to a log. The result is the subscription's id, a string; nothing of it precedes that answer. */
export interface ObserveParams {
  /** Where to begin. */
  after: After;
  /** The session, or `all` for the machine's log. */
  sessionId: string;
  /** Whether deltas are wanted; by default if the handshake had `events.delta`. */
  delta?: boolean;
  /** With `tree`: the places in descendants' logs up to which everything was seen. Of one that is not named all is told, or with `after: "now"` only what happens from now on. */
  descendants?: Record<string, Cursor>;
  /** Whether events of the session's descendants are wanted too: those of their sessions, requests and turns. */
  tree?: boolean;
  /** Only events of these types; a trailing `*` matches any ending. Places are told by `observe.cursor`. */
  types?: Array<string>;
}

/** Opens a new session, attaches to one, or forks one. */
export interface OpenParams {
  /** More variables for its children, filtered like `$/environment`. */
  environment?: Record<string, string>;
  /** Whether nothing of it is kept: it is deleted when it is closed, and when the last client that opened or observes it is gone. Only for a new session. */
  ephemeral?: boolean;
  /** The session to fork. */
  from?: ForkFrom;
  /** The session to attach to; absent for a new one. */
  sessionId?: SessionId;
  /** What it works with. */
  settings?: Settings;
  /** What it is about. */
  title?: string;
  /** `file://` URI or absolute path; must match where `sessionId` is given. */
  workspace?: string;
}

/** The session, its picture, and where to observe from. */
export interface OpenResult {
  /** The picture's place: observe after it. */
  cursor: Cursor;
  /** The session. */
  session: SessionItem;
  /** Its picture. */
  snapshot: Snapshot;
}

/** What a call will do to one path: the digest before and after. */
export interface PathIntent {
  /** Relative to the workspace. */
  path: string;
  /** BLAKE3 after; absent where nothing will be, or it is not known. */
  after?: string;
  /** The permission bits after. */
  afterMode?: number;
  /** BLAKE3 before; absent where there is nothing yet. */
  before?: string;
  /** The permission bits before. */
  beforeMode?: number;
}

/** What to do with a message that waits. */
export type PendingChange =
  /** Takes it back. */
  | "withdraw"
  /** Gives it another text, in its place. */
  | "replace"
  /** Lets it go before others: into the running turn, or to the front of the queue. */
  | "promote";

/** What happened to a waiting message. */
export type PendingOp =
  /** Taken back. */
  | "withdraw"
  /** Its text was replaced. */
  | "replace"
  /** It goes before others: as a steer (`turnId`), or in the queue (`position`). */
  | "promote"
  /** A steer whose turn ended without it; it waits in front of the queue (`position`). */
  | "requeue";

/** Changes a message that waits for its delivery. One that was delivered or withdrawn meanwhile is 1107. */
export interface PendingParams {
  /** The message. */
  messageId: MessageId;
  /** What to do with it. */
  op: PendingChange;
  /** The session. */
  sessionId: SessionId;
  /** For `promote`: `steer` into the running turn, `queue` to the front of the queue; `auto`, or absent, is `steer` where a turn can be steered and else `queue`. A `steer` that finds no turn goes to the front of the queue. */
  delivery?: Delivery;
  /** For `replace`: what it says instead; checked as a prompt's. */
  input?: Array<Content>;
}

/** The event that recorded it, and for `promote` where the message waits now. */
export interface PendingResult {
  /** The seq of the event. */
  seq: number;
  /** Its place in the queue, counted from 1. */
  position?: number;
  /** The turn that it joins at the next safe point. */
  turnId?: TurnId;
}

/** The steps changed. */
export interface PlanChanged {
  /** The plan; outside plan turns the session's todo list. */
  planId: PlanId;
  /** Its revision, from 1. */
  rev: number;
  /** The steps. */
  tree: Array<PlanStep>;
  /** The hunks of it that are applied, all so far. */
  applied?: Array<Selected>;
  /** The staged change it explains. */
  changeId?: ChangeId;
  /** Whether the plan was thrown away. */
  dropped?: boolean;
  /** What the project's tests said of it. */
  tests?: TestReport;
}

/** A staged change with the steps that explain it. */
export type PlanId = string;

/** Asks for a turn whose edits are staged: nothing on disk changes before the plan is applied. */
export interface PlanParams {
  /** What is to be reached. */
  goal: Array<Content>;
  /** The session. */
  sessionId: SessionId;
  /** Makes a repetition safe: the same key gives the first result again. */
  key?: string;
  /** The plan that is to be changed: it keeps its id and gets the next revision. */
  revise?: PlanId;
}

/** A plan is whole: its change is staged, and nothing on disk has changed. */
export interface PlanReady {
  /** The staged change. */
  changeId: ChangeId;
  /** The plan. */
  planId: PlanId;
  /** Its revision, from 1. */
  rev: number;
  /** Its steps. */
  tree: Array<PlanStep>;
}

/** What became of the goal; committed before it is said. */
export interface PlanResult {
  /** What became of it; a busy session queues it. */
  outcome: Admission;
  /** The plan. */
  planId: PlanId;
  /** The event that admitted it. */
  seq: number;
  /** The turn it started. */
  turnId?: TurnId;
}

/** A step of a plan. */
export interface PlanStep {
  /** Its name in the plan. */
  id: string;
  /** How far it is. */
  status: StepStatus;
  /** What it does. */
  title: string;
  /** The staged hunks that belong to it: what `agent/apply` with this step takes. A hunk that two steps worked on belongs to both. */
  edits?: Array<Selected>;
  /** Files it is about. */
  files?: Array<string>;
}

/** A profile came. */
export interface ProfileAdded {
  /** Its item. */
  item: ProfileItem;
}

/** A profile is another now. */
export interface ProfileChanged {
  /** Its item. */
  item: ProfileItem;
}

/** A named policy: what is allowed, asked or denied. */
export interface ProfileItem {
  /** Its name. */
  id: string;
  /** Reaching hosts. */
  network: string;
  /** Reading files: `allow`, `ask` or `deny`. */
  read: string;
  /** Running commands. */
  shell: string;
  /** Writing files. */
  write: string;
  /** Whether it is the configured one. */
  default?: boolean;
}

/** A profile went. */
export interface ProfileRemoved {
  /** Which. */
  id: string;
}

/** A message was taken in; committed before the client is answered. */
export interface PromptAdmitted {
  /** How it wanted to be delivered. */
  delivery: Delivery;
  /** What it says. */
  input: Array<Content>;
  /** The message. */
  messageId: MessageId;
  /** What became of it. */
  outcome: Admission;
  /** Who sent it. */
  by?: By;
  /** What it took along of what its sender looked at. */
  context?: ContextUsed;
  /** The client's key. */
  key?: string;
  /** The plan whose goal it is: its turn stages its edits. */
  planId?: PlanId;
  /** Its place in the queue. */
  position?: number;
  /** The turn it starts or joins. */
  turnId?: TurnId;
}

/** A waiting message changed. */
export interface PromptChanged {
  /** The message. */
  messageId: MessageId;
  /** What happened. */
  op: PendingOp;
  /** Who did it. */
  by?: By;
  /** What it says instead. */
  input?: Array<Content>;
  /** Its place in the queue now, counted from 1; what stood there moves back. */
  position?: number;
  /** The turn it joins now. */
  turnId?: TurnId;
}

/** A message became part of the conversation. */
export interface PromptDelivered {
  /** The message. */
  messageId: MessageId;
}

/** Sends a message to a session. */
export interface PromptParams {
  /** What it says. */
  input: Array<Content>;
  /** The session. */
  sessionId: SessionId;
  /** How to deliver it; `auto` if absent. */
  delivery?: Delivery;
  /** Only if this turn runs, for a steer. */
  expectTurn?: TurnId;
  /** Makes a repetition safe: the same key gives the first result again. */
  key?: string;
  /** Whether a steer that finds nothing to steer fails with 1103. */
  strict?: boolean;
}

/** What became of the message; committed before it is said. */
export interface PromptResult {
  /** The message. */
  messageId: MessageId;
  /** What became of it. */
  outcome: Admission;
  /** The event that admitted it. */
  seq: number;
  /** Its place in the queue, counted from 1. */
  position?: number;
  /** The turn it started or joins. */
  turnId?: TurnId;
}

/** A provider came. */
export interface ProviderAdded {
  /** Its item. */
  item: ProviderItem;
}

/** A provider is another now. */
export interface ProviderChanged {
  /** Its item. */
  item: ProviderItem;
}

/** What went wrong at a provider. */
export interface ProviderFailure {
  /** The kind: rateLimited, providerDown, unauthorized, forbidden, badRequest, notFound, contextFull, cut, stalled, … */
  kind: string;
  /** One sentence, secrets removed. */
  message: string;
  /** What to do next. */
  hint?: string;
  /** The HTTP status, if there was one. */
  status?: number;
}

/** A server of models. */
export interface ProviderItem {
  /** Where it is. */
  baseUrl: string;
  /** Its name in the configuration. */
  id: string;
  /** Whether a key is there, or none is needed. */
  ready: boolean;
  /** Which HTTP format it speaks. */
  wire: string;
  /** Where its key comes from. */
  key?: KeyOrigin;
}

/** A provider went. */
export interface ProviderRemoved {
  /** Which. */
  id: string;
}

/** A file that a running command has changed so far. Nothing of it is in the workspace yet, and what the command did in the end its change tells. */
export interface Provisional {
  /** What it would be. */
  op: FileOp;
  /** Relative to the workspace. */
  path: string;
  /** Whether bytes of the path are not UTF-8 and stand as `%XX`. */
  pathEncoded?: boolean;
}

/** What a pruning removed. */
export interface Pruned {
  /** Contents that no session needed, beside those that went with their sessions. */
  blobs: number;
  /** Their bytes on the disk. */
  bytes: number;
  /** The sessions. */
  sessions: Array<SessionId>;
  /** Bytes on the disk of copies of caches, where these were asked for. */
  cachesBytes?: number;
}

/** Support for queued messages. */
export interface QueueSupport {
  /** How many may wait. */
  max: number;
}

/** A message that waits for its delivery. */
export interface QueuedMessage {
  /** What it says. */
  input: Array<Content>;
  /** The message. */
  messageId: MessageId;
  /** Whether it waits for the next safe point of the running turn instead of the next turn. */
  steer: boolean;
  /** Who sent it, or replaced what it says. */
  by?: By;
  /** The plan whose goal it is. */
  planId?: PlanId;
}

/** A request waits for an answer. */
export interface RequestAdded {
  /** Its item. */
  item: RequestItem;
}

/** A durable question to a person. */
export type RequestId = string;

/** A request as it is opened, listed and answered. */
export interface RequestItem {
  /** What it is about. */
  kind: RequestKind;
  /** The choices. */
  options: Array<RequestOption>;
  /** The request. */
  requestId: RequestId;
  /** The session that asks. */
  session: SessionId;
  /** What it is about, in full. */
  subject: Subject;
  /** The question, one line, in the agent's words. */
  title: string;
  /** The call that waits. */
  callId?: CallId;
  /** BLAKE3 of exactly what an approval allows. */
  digest?: string;
  /** Why it is asked: the rule, profile or sandbox level. */
  reason?: string;
  /** The turn that waits. */
  turn?: TurnId;
}

/** What a request is about. */
export type RequestKind =
  /** May this run? */
  | "approval"
  /** A question of the model. */
  | "question"
  /** A key is needed. */
  | "login"
  /** A limit was reached: go on? */
  | "limit"
  /** A call's outcome is unknown: what now? */
  | "recovery"
  /** A file moved on. */
  | "conflict"
  /** Is this workspace trusted? */
  | "trust";

/** One of the choices. */
export interface RequestOption {
  /** What is sent back as `decision`. */
  id: string;
  /** What a person reads. */
  label: string;
  /** For `always`: the pattern of the grant it makes. */
  pattern?: string;
  /** How far it reaches. */
  scope?: Scope;
}

/** A request waits no more. */
export interface RequestRemoved {
  /** Which. */
  requestId: RequestId;
}

/** The answer that won. */
export interface RequestResolved {
  /** `allow`, `deny`, `answer`, or the id of an option. */
  decision: string;
  /** The request. */
  requestId: RequestId;
  /** Who answered; absent where the agent resolved it itself. */
  by?: By;
  /** The answer of a question. */
  form?: Json;
  /** The reason that was given. */
  note?: string;
  /** The pattern of an `always`. */
  pattern?: string;
  /** How far it reaches. */
  scope?: Scope;
  /** The hunks that were allowed, where not all of the edit was. */
  select?: Array<Selected>;
}

/** Whether the same request may be sent again. */
export type Retry =
  /** It will fail again. */
  | "never"
  /** It may be sent again at once. */
  | "now"
  /** It may be sent again after a while. */
  | "later";

/** What happens to a file that stands in the way of a revert. */
export type RevertChoice =
  /** It stays as it is. */
  | "keep"
  /** The earlier content comes back, and what is there now is kept by reference. */
  | "ours-after-backup"
  /** Both sides are kept, where that is possible. */
  | "merge";

/** Goes back. The log is never cut: a revert is a change of its own. */
export interface RevertParams {
  /** The session. */
  sessionId: SessionId;
  /** How far. */
  to: RevertTo;
  /** Whether only to say what would happen. */
  dryRun?: boolean;
  /** Whether what has no conflict goes back where something else has. */
  partial?: boolean;
  /** What to do about files that stand in the way, by path. */
  resolve?: Record<string, RevertChoice>;
  /** What goes back; `files` if absent. */
  scope?: RevertScope;
  /** Only these files and hunks. */
  select?: Array<Selected>;
}

/** What went back. */
export interface RevertResult {
  /** The place just before the revert. */
  checkpointId: CheckpointId;
  /** What stands in the way. */
  conflicts: Array<Conflict>;
  /** The files that went back. */
  restored: Array<FileChange>;
  /** What cannot go back, and why. */
  skipped: Array<Uncovered>;
  /** What `ours-after-backup` kept. */
  backups?: Array<Backup>;
  /** The change that the revert is; absent where no file changed. */
  changeId?: ChangeId;
  /** The last event of the log behind it; absent for `dryRun`. */
  seq?: number;
}

/** What goes back. */
export type RevertScope =
  /** The files. */
  | "files"
  /** The conversation; later messages stay in the log. */
  | "conversation"
  /** Both in one step. */
  | "both";

/** How far back to go: exactly one of these. */
export interface RevertTo {
  /** What this change did. */
  change?: ChangeId;
  /** To the place that a checkpoint names: its change and every later one of the session go. */
  checkpoint?: CheckpointId;
  /** To the files as they were at this event of the session. */
  seq?: number;
  /** What this turn did. */
  turn?: TurnId;
}

/** What a connection may do. */
export type Role =
  /** Everything. */
  | "controller"
  /** Look. */
  | "observer";

/** A JSON-RPC error object. */
export interface RpcError {
  /** The code of the kind. */
  code: number;
  /** One sentence, lower case, no full stop. */
  message: string;
  /** The kind and its fields. */
  data?: ErrorData;
}

/** Runs the person's own command in the session's workspace, in a terminal of its own. It is not asked about: whoever sends it has decided. */
export interface RunParams {
  /** The command, for the shell; at most 64 KiB. */
  command: string;
  /** The session. */
  sessionId: SessionId;
  /** Whether nobody waits for it; `agent/admin {op: drain}` ends such a job instead of waiting for it. */
  background?: boolean;
  /** The folder it starts in, within the workspace; the workspace itself if absent. */
  cwd?: string;
  /** Whether the model is shown the command and its output with the next message. */
  shareWithModel?: boolean;
  /** The size of its terminal; 24 lines of 80 characters if absent. */
  size?: JobSize;
}

/** The job; its start is recorded. */
export interface RunResult {
  /** The job. */
  jobId: JobId;
  /** The event that recorded it. */
  seq: number;
}

/** The sandbox for commands. */
export interface SandboxInfo {
  /** Which level there is. */
  level: SandboxLevel;
  /** What a higher level lacks. */
  missing: Array<string>;
  /** The level that the person's configuration names for commands; 0 is no sandbox. Absent: the highest there is. */
  configured?: number;
}

export type SandboxLevel =
  | number
  | "probing";

/** How far a decision reaches. */
export type Scope =
  /** This time. */
  | "once"
  /** As long as the session lives. */
  | "session"
  /** From now on, in this workspace. */
  | "always";

/** A file, or some of its hunks. */
export interface Selected {
  /** Relative to the workspace. */
  path: string;
  /** The numbers of the hunks; all of them if absent. */
  hunks?: Array<number>;
  /** Whether bytes of the path are not UTF-8 and stand as `%XX`. */
  pathEncoded?: boolean;
}

/** Text that is selected in the file of `uri`. */
export interface SelectedText {
  /** The lines it spans. */
  range: LineRange;
  /** The text. */
  text: string;
}

/** Where the log of the session ends now. */
export interface SeqResult {
  /** The seq of the event that recorded it. */
  seq: number;
}

/** What changed. In a session's own log: title, settings or environment; in the `all` log: the item, where changes of state are told at most once a second. */
export interface SessionChanged {
  /** New variables for its children, whole. */
  environment?: Record<string, string>;
  /** The session's item, in the `all` log alone. */
  item?: SessionItem;
  /** The new effective settings. */
  settings?: Settings;
  /** The new title. */
  title?: string;
}

/** The session takes no more work. */
export interface SessionClosed {
  /** archive; a deleted session has no log. */
  how: CloseHow;
}

/** The first event of a session's log. */
export interface SessionCreated {
  /** The variables its children get. */
  environment: Record<string, string>;
  /** Settings as they were effective. */
  settings: Settings;
  /** The workspace, a `file://` URI. */
  workspace: string;
  /** For a fork: the place in the parent's log. */
  at?: number;
  /** Whether it ends with the daemon. */
  ephemeral?: boolean;
  /** The session it was forked from or started by. */
  parent?: SessionId;
  /** What it is about. */
  title?: string;
}

/** A session: one conversation and its log. */
export type SessionId = string;

/** An entry of the session list. */
export interface SessionItem {
  /** Files it changed. */
  changedFiles: number;
  /** US dollars so far; absent prices count as 0. */
  cost: number;
  /** RFC 3339, UTC, milliseconds. */
  createdAt: string;
  /** The end of its log. */
  head: Cursor;
  /** The session. */
  id: SessionId;
  /** The model in force. */
  model: string;
  /** The profile in force. */
  profile: string;
  /** What it does now. */
  state: SessionState;
  /** What it is about, one line. */
  title: string;
  /** Requests nobody answered yet. */
  unanswered: number;
  /** RFC 3339, UTC, milliseconds. */
  updatedAt: string;
  /** Its workspace, a `file://` URI. */
  workspace: string;
  /** The session that started it. */
  parent?: SessionId;
  /** Messages that wait for their delivery; absent where none does. */
  queued?: number;
}

/** Limits of a session's turns. */
export interface SessionLimits {
  /** US dollars of a turn. */
  costUsd?: number;
  /** Steps of a turn. */
  steps?: number;
  /** Seconds of a turn. */
  turnTimeoutS?: number;
}

/** A session appeared. */
export interface SessionListed {
  /** Its item. */
  item: SessionItem;
}

/** A session was deleted. */
export interface SessionRemoved {
  /** Which. */
  sessionId: SessionId;
}

/** Files or conversation went back. The log is never cut: what came before is still there. */
export interface SessionReverted {
  /** The place just before it. */
  checkpointId: CheckpointId;
  /** What went back. */
  scope: RevertScope;
  /** Where to. */
  to: RevertTo;
  /** Where the conversation goes on: behind this event. Absent where only files went back. */
  at?: number;
  /** Who asked for it. */
  by?: By;
  /** The change that it is; absent where no file changed. */
  changeId?: ChangeId;
}

/** What a session does now. */
export type SessionState =
  /** It rests. */
  | "idle"
  /** A turn runs. */
  | "running"
  /** A turn waits for a person. */
  | "waiting"
  /** It is archived. */
  | "closed";

/** What the session does now. */
export interface SessionStateChanged {
  /** idle, running or waiting; closed has an event of its own. */
  state: SessionState;
}

/** What a session works with. Absent members keep what they were. */
export interface Settings {
  /** Limits of its turns. */
  limits?: SessionLimits;
  /** `provider/model`. */
  model?: string;
  /** The profile's name. */
  profile?: string;
  /** `session` lifts the cap of an untrusted workspace for this session. */
  trust?: TrustSetting;
}

/** How bad a problem is. */
export type Severity =
  /** It is wrong. */
  | "error"
  /** It may be wrong. */
  | "warning"
  /** It is worth knowing. */
  | "information"
  /** It could be better. */
  | "hint";

/** Support for commands. */
export interface ShellSupport {
  /** The sandbox they run in. */
  sandbox: SandboxInfo;
  /** How it is found out what they changed; absent as long as that is not known. */
  capture?: CaptureInfo;
}

/** A skill came. */
export interface SkillAdded {
  /** Its item. */
  item: SkillItem;
  /** The workspace in whose list it is, a `file://` URI; absent for the list without a workspace. */
  workspace?: string;
}

/** A skill is another now. */
export interface SkillChanged {
  /** Its item. */
  item: SkillItem;
  /** The workspace in whose list it is, a `file://` URI; absent for the list without a workspace. */
  workspace?: string;
}

/** A skill: how to do something, sent to the model in place of a message that begins with `/` and its name, with the place of the files beside it. */
export interface SkillItem {
  /** Its file, `SKILL.md`: relative to the workspace, absolute for the person's own. */
  file: string;
  /** Where it comes from. */
  from: CommandOrigin;
  /** Its name, without the slash: that of its folder. */
  id: string;
  /** What it is for, one line. */
  description?: string;
}

/** A skill went. */
export interface SkillRemoved {
  /** Which. */
  id: string;
  /** The workspace in whose list it was, a `file://` URI; absent for the list without a workspace. */
  workspace?: string;
}

/** A session at a cursor: what a client needs to draw it before it observes the rest. At most 1 MiB. */
export interface Snapshot {
  /** The newest messages, calls and changes, oldest first, at most 200. */
  items: Array<SnapshotItem>;
  /** Running jobs. */
  jobs: Array<Json>;
  /** Open plans. */
  plans: Array<Json>;
  /** Messages that wait, in the order in which they will be delivered: steers, then the queue. */
  queue: Array<QueuedMessage>;
  /** Open requests. */
  requests: Array<RequestItem>;
  /** Effective settings. */
  settings: Settings;
  /** What it does. */
  state: SessionState;
  /** Test harnesses found in the workspace. */
  tests: Array<string>;
  /** Whether the workspace is trusted. */
  trust: TrustState;
  /** Usage so far. */
  usage: Usage;
  /** Where to page on backwards with `agent/log`, if `items` is not everything. */
  before?: Cursor;
  /** Open requests of its descendants; `session` says whose. Absent where there is none. */
  descendantRequests?: Array<RequestItem>;
  /** The running turn. */
  turnId?: TurnId;
}

/** One of the newest things in a session's log: the closing event of a message, call or change. */
export interface SnapshotItem {
  /** The event's type. */
  type: string;
  /** When it happened. */
  at: string;
  /** The event's data. */
  data: Json;
  /** Its place. */
  seq: number;
  /** One line for people. */
  text: string;
  /** Whether texts in `data` are shortened: the whole event is in the log, at `seq`. */
  cut?: boolean;
  /** The turn it belongs to. */
  turn?: TurnId;
}

/** How far a step is. */
export type StepStatus =
  /** Not begun. */
  | "pending"
  /** Worked on. */
  | "active"
  /** Done. */
  | "done"
  /** Given up. */
  | "dropped";

/** Why a turn ended. */
export type Stop =
  /** The model had no more to say. */
  | "done"
  /** Somebody interrupted it. */
  | "interrupted"
  /** It failed; `error` says how. */
  | "failed"
  /** The model refused. */
  | "refused"
  /** A limit was reached. */
  | "limit";

/** What a request is about, in the shape a client draws. */
export type Subject =
  /** A command. */
  | { type: "command"; argv: Array<string>; cwd: string; exe: string; needs: Array<string>; sandbox: number; notes?: Array<string>; }
  /** Edits of files. */
  | { type: "edit"; files: Array<FileChange>; patch: string; }
  /** Network access. */
  | { type: "network"; hosts: Array<string>; url?: string; }
  /** A limit that was reached. */
  | { type: "limit"; limit: string; value: number; }
  /** A provider that needs a key. */
  | { type: "login"; how: string; provider: string; }
  /** A workspace that is not trusted yet. */
  | { type: "trust"; enables: Array<string>; workspace: string; }
  /** Files that stand in the way of a change. */
  | { type: "conflict"; conflicts: Array<Conflict>; };

/** A key on its way to the agent. `Debug` shows nothing of it. */
export type SubmittedKey = string;

/** What the project's tests said of a plan, or of a part of it: they ran on the files as they would be. */
export interface TestReport {
  /** What ran. */
  command: string;
  /** The harness, as the snapshot's `tests` names it. */
  harness: string;
  /** Whether they passed. */
  ok: boolean;
  /** The revision of the plan. */
  rev: number;
  /** What they printed, long outputs cut in the middle. */
  text: string;
  /** The exit code. */
  exit?: number;
  /** How many failed. */
  failed?: number;
  /** The names of failed ones, at most 50. */
  failures?: Array<string>;
  /** How many passed, where the output tells it. */
  passed?: number;
  /** Where the whole output is, if `text` was cut. */
  reference?: string;
  /** Whether they took too long and were ended. */
  timedOut?: boolean;
}

/** A call is settled: the model gets exactly this. */
export interface ToolEnded {
  /** The call. */
  callId: CallId;
  /** The result. */
  content: Array<Content>;
  /** How. */
  status: CallStatus;
  /** The change it made. */
  changeId?: ChangeId;
  /** For `denied`: what refused it. */
  deniedBy?: DeniedBy;
  /** For commands: the exit code. */
  exit?: number;
  /** The whole output, where `content` was cut. */
  ref?: string;
}

/** What a tool is about, for icons and grouping. */
export type ToolKind =
  /** Looks at files. */
  | "read"
  /** Changes files. */
  | "edit"
  /** Searches. */
  | "search"
  /** Runs a command. */
  | "execute"
  /** Reads a page of the network. */
  | "fetch"
  /** Keeps the plan. */
  | "plan"
  /** Anything else. */
  | "other";

/** The model wants a call. Nothing has run. */
export interface ToolProposed {
  /** The call. */
  callId: CallId;
  /** BLAKE3 of name and arguments. */
  digest: string;
  /** Its arguments; a string where they were no JSON. */
  input: Json;
  /** What it is about. */
  kind: ToolKind;
  /** The tool's name, as the model wrote it. */
  name: string;
  /** What it will do, one line. */
  title: string;
  /** All of the arguments, as JSON text, where `input` was shortened: over 1 MiB of it. */
  ref?: string;
}

/** A call was allowed and starts: the record that its effect may have happened from here on. */
export interface ToolStarted {
  /** Why it may: `profile edit`, `rule allow cargo test *`, `allowed by a person`. */
  allowedBy: string;
  /** The call. */
  callId: CallId;
  /** What it may do to the world. */
  effect: EffectClass;
  /** What it will write, before and after. */
  intent: Array<PathIntent>;
  /** What let each part of it happen, the call itself first; absent where it only reads. */
  allowed?: Array<Allowance>;
  /** BLAKE3 of exactly what runs: what an approval was bound to, and would be. */
  digest?: string;
  /** For commands: the sandbox level. */
  sandbox?: number;
}

/** How far a session's own settings lift the cap of an untrusted workspace. */
export type TrustSetting = "session";

/** Whether a person trusts the workspace. */
export type TrustState =
  /** Its configuration is read, its profile not capped. */
  | "trusted"
  /** Capped at `read`. */
  | "untrusted"
  /** Capped at `read` until the open trust request is answered. */
  | "pending";

/** A file that trust is bound to. */
export interface TrustedFile {
  /** BLAKE3 of what it is known by. */
  digest: string;
  /** Where it is. */
  path: string;
}

/** A turn ended. */
export interface TurnEnded {
  /** Why. */
  stop: Stop;
  /** What it used. */
  usage: Usage;
  /** Calls that were refused because the workspace is untrusted or nobody could be asked. */
  denied?: number;
  /** What went wrong. */
  error?: ProviderFailure;
  /** Which limit was reached: `steps`, `costUsd`, `turnTimeoutS`, `output`. */
  limit?: string;
  /** The message that is its answer. */
  messageId?: MessageId;
}

/** A turn of a session. */
export type TurnId = string;

/** A turn began. */
export interface TurnStarted {
  /** The message that started it. */
  messageId: MessageId;
  /** `provider/model`. */
  model: string;
  /** The profile in force. */
  profile: string;
  /** The plan that it makes or revises: its edits are staged, nothing on disk changes. */
  planId?: PlanId;
  /** The revision that it makes. */
  planRev?: number;
}

/** Something a change could not cover, and why. */
export interface Uncovered {
  /** Relative to the workspace. */
  path: string;
  /** Why. */
  reason: string;
}

/** Tokens and cost of some work. */
export interface Usage {
  /** Tokens sent, those read from a cache included. */
  inputTokens: number;
  /** Tokens received. */
  outputTokens: number;
  /** Of the tokens sent, those the provider had cached. */
  cacheReadTokens?: number;
  /** Tokens the provider wrote to its cache. */
  cacheWriteTokens?: number;
  /** US dollars, where prices are known. */
  cost?: number;
  /** Whether the server sent no figures and these are estimated. */
  estimated?: boolean;
}

/** Usage of the session so far. */
export interface UsageChanged {
  /** The sum. */
  usage: Usage;
}

/** What a verification found. */
export interface Verified {
  /** What does not fit, one line each; empty when all does. */
  broken: Array<string>;
  /** Transactions whose chain was followed. */
  commits: number;
  /** Events whose chain was followed. */
  events: number;
  /** Logs that were read. */
  logs: number;
}

/** A workspace is trusted now. */
export interface WorkspaceAdded {
  /** Its item. */
  item: WorkspaceItem;
}

/** A workspace a person trusts. */
export interface WorkspaceItem {
  /** The workspace, a `file://` URI. */
  id: string;
  /** When it was trusted. */
  trustedAt: string;
  /** The files that make programs run something, as they were then: trust holds as long as they are the same. */
  files?: Array<TrustedFile>;
}

/** A workspace is trusted no more. */
export interface WorkspaceRemoved {
  /** The workspace, a `file://` URI. */
  id: string;
  /** Where nobody took the trust back: what has changed in the workspace, one line each. */
  changes?: Array<string>;
}

/** Every request with its parameters and its result. */
export interface Methods {
  /** Housekeeping of the daemon. */
  "agent/admin": { params: AdminParams; result: AdminResult };
  /** Answers a request. */
  "agent/answer": { params: AnswerParams; result: SeqResult };
  /** Writes what is staged, whole or in part, or drops it. */
  "agent/apply": { params: ApplyParams; result: ApplyResult };
  /** Logs in to a provider with a key, or out. */
  "agent/auth": { params: AuthParams; result: AuthResult };
  /** Parts with a session. */
  "agent/close": { params: CloseParams; result: SeqResult };
  /** Completes a mention or a command in a message that is being written. */
  "agent/complete": { params: CompleteParams; result: CompleteResult };
  /** Reads or changes a layer of the configuration. */
  "agent/configure": { params: ConfigureParams; result: ConfigureResult };
  /** Compares two places in the history of a session's files. */
  "agent/diff": { params: DiffParams; result: DiffResult };
  /** Reads a content by its reference. */
  "agent/fetch": { params: FetchParams; result: FetchResult };
  /** Interrupts the running turn. */
  "agent/interrupt": { params: InterruptParams; result: InterruptResult };
  /** Writes to a running job, resizes it, ends it or brings it to the foreground. */
  "agent/job": { params: JobParams; result: JobResult };
  /** Lists things of a kind. */
  "agent/list": { params: ListParams; result: ListResult };
  /** Reads a page of a log. */
  "agent/log": { params: LogParams; result: LogResult };
  /** Subscribes to a log. */
  "agent/observe": { params: ObserveParams; result: string };
  /** Opens, attaches to or forks a session. */
  "agent/open": { params: OpenParams; result: OpenResult };
  /** Changes a message that waits. */
  "agent/pending": { params: PendingParams; result: PendingResult };
  /** Asks for a plan: a turn whose edits are staged. */
  "agent/plan": { params: PlanParams; result: PlanResult };
  /** Sends a message. */
  "agent/prompt": { params: PromptParams; result: PromptResult };
  /** Goes back to an earlier place of files or conversation. */
  "agent/revert": { params: RevertParams; result: RevertResult };
  /** Runs the person's own command. */
  "agent/run": { params: RunParams; result: RunResult };
  /** Ends a subscription. */
  "agent/unobserve": { params: [string]; result: boolean };
}

/** The codes of errors; the kind stands in `error.data.kind`. */
export interface ErrorCodes {
  failed: -32803;
  contentModified: -32801;
  cancelled: -32800;
  parseError: -32700;
  internal: -32603;
  invalidParams: -32602;
  methodNotFound: -32601;
  invalidRequest: -32600;
  notInitialized: -32002;
  unknownKind: 1002;
  unsupportedProtocol: 1005;
  draining: 1006;
  alreadyOwned: 1007;
  tooManyConnections: 1008;
  sessionNotFound: 1101;
  sessionClosed: 1102;
  notSteerable: 1103;
  queueFull: 1104;
  sessionBusy: 1106;
  notPending: 1107;
  noTurn: 1108;
  workspaceNotFound: 1110;
  changeNotFound: 1201;
  conflict: 1202;
  notReady: 1203;
  notReversible: 1204;
  requestNotFound: 1205;
  alreadyResolved: 1206;
  cursorExpired: 1301;
  tooManyObservers: 1302;
  authRequired: 1401;
  authFailed: 1402;
  forbidden: 1403;
  invalidConfig: 1501;
  revMismatch: 1502;
  sandboxUnavailable: 1601;
  jobNotFound: 1602;
  refNotFound: 1701;
  storageFull: 1801;
  storageBusy: 1802;
}

/** An event of a log whose type this file knows. */
export type KnownEvent = Omit<Envelope, "type" | "data"> & EventBody;

/** The parameters of the notification `agent/event`. */
export interface AgentEvent {
  subscription: string;
  result: Envelope | Delta;
}
