---@meta
-- Types of tenon's protocol, version 1. Generated from spec/schema by `cargo xtask codegen`: change the Rust types instead.
-- A peer may send members and words that are not listed here: ignore the first, keep the second and show the event's `text`.

---What to do to the daemon.
---@alias tenon.AdminOp
---| '"drain"' # Take no more work, let turns finish, then leave.
---| '"stop"' # Interrupt turns and leave.
---| '"handOver"' # Let a newer agent take over: turns stand still at their next safe point and go on there. It is undone when the connection that asked for it ends first.
---| '"verify"' # Check the hash chains.
---| '"prune"' # Delete old sessions, and contents that no session needs any more.
---| '"export"' # Write a session's log and the contents it names to a file.
---| '"trust"' # Trust a workspace.
---| '"revoke"' # Take back a workspace's trust, or a grant.

---Housekeeping of the daemon.
---@class tenon.AdminParams
---@field op tenon.AdminOp What to do.
---@field caches? boolean For `prune`: whether the copies of caches that commands wrote to go too, but for those that a command uses now.
---@field dryRun? boolean For `prune`: whether only to tell what would go.
---@field grant? tenon.GrantId The grant, for `revoke`.
---@field keep? integer For `prune`: all but this many of each workspace, the newest.
---@field olderThanS? integer For `prune`: sessions that nothing happened in for so many seconds.
---@field path? string For `export`: the new file, an absolute path.
---@field sessionId? tenon.SessionId Only this session's log, for `verify`; the session, for `export`.
---@field workspace? string The workspace, for `trust` and `revoke`.

---What came of it.
---@class tenon.AdminResult
---@field enables? string[] For `trust`: what is trusted, one line each.
---@field exported? tenon.Exported For `export`: what was written.
---@field pid? integer For `drain`, `stop` and `handOver`: the process that leaves.
---@field pruned? tenon.Pruned For `prune`: what went, or would go.
---@field running? integer For `drain`, `stop` and `handOver`: turns that still run.
---@field seq? integer For `trust` and `revoke`: the `all` log's place.
---@field verified? tenon.Verified For `verify`: what was checked.

---What became of a message.
---@alias tenon.Admission
---| '"started"' # It started a turn.
---| '"steered"' # It will join the running turn.
---| '"queued"' # It waits.
---| '"duplicate"' # The key was seen before: this is the first result again.

---@alias tenon.After string

---The agent is another one than the last that ran on this state directory: of another version or build, or it can do other things.
---@class tenon.AgentChanged
---@field can tenon.Can What it can do now.
---@field instance tenon.Instance The running process.

---The daemon takes no new work.
---@class tenon.AgentDraining
---@field running integer Turns that still run.
---@field handOver? boolean Whether a newer agent takes over: then clients connect again, and turns go on.

---What the agent puts into `result.capabilities.experimental.agent`.
---@class tenon.AgentHello
---@field can tenon.Can What it can do now.
---@field experimental string[] Experimental items that are on.
---@field instance tenon.Instance The running process.
---@field limits tenon.Limits Limits.
---@field protocol integer The version chosen: the highest both know.
---@field schema string The digest of the schema this build speaks.

---What let one part of a call happen.
---@class tenon.Allowance
---@field by tenon.AllowedBy What let it happen.
---@field what string The part: `command`, `edit`, `network`, or what a command needs, as rules name it (`write:PATH`, `net:HOST`).
---@field from? string Where the rule stands.
---@field grantId? tenon.GrantId The grant; one of the session alone has none.
---@field name? string The profile, the rule, or the pattern of the grant.
---@field requestId? tenon.RequestId The request that a person answered.

---What let a call, or something it needs, happen.
---@alias tenon.AllowedBy
---| '"profile"' # The profile.
---| '"rule"' # A configured rule.
---| '"grant"' # A grant, for good or for the session.
---| '"request"' # A person who was asked.

---Answers a request. The first committed answer wins, the others get 1206.
---@class tenon.AnswerParams
---@field decision string `allow`, `deny`, `answer`, or the id of one of its options; anything else is refused and decides nothing.
---@field requestId tenon.RequestId The request.
---@field form? tenon.Json The answer of a question.
---@field note? string A reason, for the model and the log.
---@field pattern? string The pattern of an `always`, as it was shown.
---@field scope? tenon.Scope How far it reaches; `once` if absent.
---@field select? tenon.Selected[] For an edit that is allowed once: only these hunks of it. What is not chosen is not written.

---Writes what is staged: a plan, some of its steps, files or hunks; or drops it.
---@class tenon.ApplyParams
---@field sessionId tenon.SessionId The session.
---@field changeId? tenon.ChangeId The staged change; either this or `planId`.
---@field drop? boolean Whether it is thrown away in place of being applied.
---@field dryRun? boolean Whether only what would happen is answered, and nothing written.
---@field partial? boolean Whether what has no conflict is applied where something else has.
---@field planId? tenon.PlanId The plan; either this or `changeId`.
---@field resolve? tenon.ApplyResolve What to do about files that moved on.
---@field rev? integer Only if the plan has this revision.
---@field run? tenon.ApplyRun What has to succeed first.
---@field select? tenon.Selected[] Only these files and hunks.
---@field steps? string[] Only these steps of the plan, by id.

---How files that moved on are dealt with.
---@alias tenon.ApplyResolve "merge"

---What was applied.
---@class tenon.ApplyResult
---@field applied tenon.FileChange[] The files that were written.
---@field conflicts tenon.Conflict[] What was left because something stands in its way.
---@field seq integer The last event it committed.
---@field changeId? tenon.ChangeId The change; absent where nothing was written.
---@field checkpointId? tenon.CheckpointId The place just before it; absent where nothing was written.
---@field tests? tenon.TestReport What the tests said, where they had to pass.

---What runs on the staged files before they are applied.
---@alias tenon.ApplyRun "tests"

---A try is over.
---@class tenon.AttemptEnded
---@field outcome tenon.AttemptOutcome How.
---@field error? tenon.ProviderFailure What went wrong.
---@field finish? string The model's own reason for stopping.
---@field retryAt? string When the next try starts: RFC 3339.
---@field usage? tenon.Usage What it used.

---How a try ended.
---@alias tenon.AttemptOutcome
---| '"ok"' # The answer is whole.
---| '"failed"' # It failed; another may follow at `retryAt`.
---| '"interrupted"' # It was interrupted.

---The request of a try is about to be sent.
---@class tenon.AttemptStarted
---@field n integer Tries of this step so far, from 1.
---@field step integer The step, from 1.

---A stored key of a provider came, changed or went.
---@class tenon.AuthChanged
---@field provider string The provider.
---@field state tenon.AuthState How its login stands: `loggedIn` or `loggedOut`.

---What to do.
---@alias tenon.AuthOp
---| '"start"' # Begin a login: the provider is checked, and the person is told where to get a key.
---| '"submit"' # Bring the key: it is tried where the provider has something cheap to ask, and stored.
---| '"cancel"' # Give a login up.
---| '"logout"' # Forget the stored key.

---Logs in to a provider with a key, or out.
---@class tenon.AuthParams
---@field op tenon.AuthOp What to do.
---@field provider string The provider's name.
---@field flowId? string The login, as `start` named it: for `cancel`; for `submit` it may be left out.
---@field key? tenon.SubmittedKey The key, for `submit`.

---A provider needs a key: a turn waits for it, or failed because of it.
---@class tenon.AuthRequired
---@field how string What to do about it, one clause.
---@field provider string The provider.
---@field sessionId? tenon.SessionId The session whose turn needs it.

---How the login stands now. Never holds a key.
---@class tenon.AuthResult
---@field provider string The provider's name.
---@field state tenon.AuthState How it stands.
---@field checked? boolean For `submit`: whether the provider took the key when it was tried. `false`: it could not be tried.
---@field code? string A code to show to the person; a login with a key has none.
---@field flowId? string The login that began, for `submit` and `cancel`.
---@field key? tenon.KeyOrigin Where the provider's key comes from now, for this client.
---@field seq? integer The place of the `all` log behind the change, where this request told it.
---@field url? string Where a person gets a key.
---@field warnings? string[] What the person should know, one sentence each.

---How a login stands.
---@alias tenon.AuthState
---| '"pending"' # It waits for the key.
---| '"loggedIn"' # A key is stored.
---| '"cancelled"' # It was given up; nothing changed.
---| '"loggedOut"' # No key is stored.

---Support for logging in to providers.
---@class tenon.AuthSupport
---@field methods string[] Which ways: `key`.

---What was kept of a file that a revert wrote over.
---@class tenon.Backup
---@field path string Relative to the workspace.
---@field ref string Where its bytes are.

---Who did something.
---@class tenon.By
---@field id string The client's own id.
---@field kind string What it is.

---Bytes of the text: from the first up to, and without, the second.
---@class tenon.ByteRange
---@field end integer The byte behind the last.
---@field start integer The first byte.

---One tool call.
---@alias tenon.CallId string

---How a call ended.
---@alias tenon.CallStatus
---| '"ok"' # It did what it should.
---| '"failed"' # It failed, and the model was told why.
---| '"denied"' # A rule or a person refused it.
---| '"interrupted"' # It was interrupted.
---| '"unknown"' # It started and its outcome was never recorded; it is not repeated.

---What the agent can do now. Absent: not at all.
---@class tenon.Can
---@field apply? tenon.Json Applying plans: `hunks`.
---@field approve? tenon.Json Approvals of a part of an edit: `hunks`.
---@field auth? tenon.AuthSupport Logging in to providers.
---@field files? tenon.Json Files: `read`, `write`, `search`.
---@field jobs? tenon.Json Jobs.
---@field plan? tenon.Json Planning: edits that are staged.
---@field queue? tenon.QueueSupport Queueing.
---@field shell? tenon.ShellSupport Commands.
---@field steer? tenon.Json Steering.

---How it is found out what a command changed.
---@class tenon.CaptureInfo
---@field mode tenon.CaptureMode How.
---@field reason? string Why not exactly.

---How it is found out what a command changed.
---@alias tenon.CaptureMode
---| '"exact"' # Exactly: what it writes is caught and brought over when it ends.
---| '"compared"' # By comparing the workspace before and after it.

---Files were changed. The contents before and after are blobs named by their digests.
---@class tenon.ChangeApplied
---@field changeId tenon.ChangeId The change.
---@field checkpointId tenon.CheckpointId The place just before it.
---@field files tenon.FileChange[] The files.
---@field uncovered tenon.Uncovered[] What it could not cover.
---@field callId? tenon.CallId The call that made it.
---@field conflicts? tenon.Conflict[] Files that a command changed and somebody else too while it ran: what is on the disk stayed.
---@field folders? string[] Folders that had to be made for it, outermost first: an undo removes those that are empty then.
---@field jobId? tenon.JobId The job that ran meanwhile, which ends with the next event. The change belongs to no turn, also where one runs.
---@field planId? tenon.PlanId The plan that was applied. Its hunks keep the numbers they were staged with.

---A set of file edits, applied and reverted as one.
---@alias tenon.ChangeId string

---Edits are staged: contents before and after are kept, the disk is as it was.
---@class tenon.ChangeStaged
---@field changeId tenon.ChangeId The change.
---@field files tenon.FileChange[] The files.
---@field uncovered tenon.Uncovered[] What it could not cover.
---@field callId? tenon.CallId The call that staged it. Without one it is all that is staged for the plan, and takes the place of what was.
---@field planId? tenon.PlanId The plan it belongs to.
---@field step? string The step of the plan that the call named.

---Files are about to be changed: recorded before the first is touched, so that a change that was cut is finished or taken back.
---@class tenon.ChangeStarted
---@field changeId tenon.ChangeId The change.
---@field checkpointId tenon.CheckpointId The place just before it.
---@field files tenon.FileChange[] The files.
---@field callId? tenon.CallId The call that makes it.
---@field planId? tenon.PlanId The plan that is applied. Its hunks keep the numbers they were staged with.

---A place in the history of a workspace's files.
---@alias tenon.CheckpointId string

---What the client puts into `capabilities.experimental.agent`.
---@class tenon.ClientHello
---@field protocol integer[] The protocol versions it speaks.
---@field client? tenon.ClientInfo Who it is.
---@field events? tenon.EventWishes Which events it wants specially.
---@field experimental? string[] Experimental items it wants, as `name@version`.
---@field render? table<string, any> What it can draw; a client without it is quiet.
---@field role? tenon.Role What it may do; `controller` if absent.

---Who connects. No identity: it helps resuming and reading the log.
---@class tenon.ClientInfo
---@field id string Its own stable id.
---@field kind string What it is, such as `cli`.
---@field version? string Its version.

---How to part with a session.
---@alias tenon.CloseHow
---| '"detach"' # Only this connection's subscriptions to it end.
---| '"archive"' # It takes no more work; its log stays.
---| '"delete"' # Its log goes.

---Parts with a session.
---@class tenon.CloseParams
---@field how tenon.CloseHow How.
---@field sessionId tenon.SessionId The session.

---A command came.
---@class tenon.CommandAdded
---@field item tenon.CommandItem Its item.
---@field workspace? string The workspace in whose list it is, a `file://` URI; absent for the list without a workspace.

---A command is another now.
---@class tenon.CommandChanged
---@field item tenon.CommandItem Its item.
---@field workspace? string The workspace in whose list it is, a `file://` URI; absent for the list without a workspace.

---A command: a text that is sent to the model in place of a message that begins with `/` and its name.
---@class tenon.CommandItem
---@field file string Its file: relative to the workspace, absolute for the person's own.
---@field from tenon.CommandOrigin Where it comes from.
---@field id string Its name, without the slash.
---@field description? string What it is for, one line.
---@field hint? string What its arguments are, one line.

---Where a command or a skill comes from.
---@alias tenon.CommandOrigin
---| '"workspace"' # A folder of the workspace.
---| '"user"' # The person's own configuration.

---A command went.
---@class tenon.CommandRemoved
---@field id string Which.
---@field workspace? string The workspace in whose list it was, a `file://` URI; absent for the list without a workspace.

---The conversation was shortened: from here on the model is shown the summary in place of what came before `upTo`.
---@class tenon.CompactionEnded
---@field upTo integer The last event that the summary stands for.
---@field error? string Why it failed; then nothing changed.
---@field ref? string Where the summary is.
---@field tokens? integer Tokens of the conversation now, as far as is known.

---The conversation is about to be shortened for the model; the log keeps all of it.
---@class tenon.CompactionStarted
---@field tokens integer Tokens of the conversation, as far as is known.

---Asks what may stand at a place in a message that is being written: files and folders behind `@`, commands and skills behind a `/` at its beginning.
---@class tenon.CompleteParams
---@field at integer The place of the cursor: a byte offset into the text, between two characters.
---@field text string The message so far.
---@field sessionId? tenon.SessionId The session whose workspace is meant.
---@field workspace? string The workspace where there is no session yet: absolute path or `file://` URI. Without either only the person's own commands and skills are known.

---What may stand there, best first.
---@class tenon.CompleteResult
---@field items tenon.CompletionItem[] The items, 50 at most.
---@field more? boolean Whether there is more: ask again when more is typed, rather than narrow these.

---Something that may stand there.
---@class tenon.CompletionItem
---@field insert string What to put in place of the range. A path that needs quotes has them.
---@field kind tenon.CompletionKind What it stands for.
---@field label string What to show.
---@field range tenon.ByteRange The bytes of the text that it replaces.
---@field detail? string More about it, one line.

---What an item stands for.
---@alias tenon.CompletionKind
---| '"file"' # A file of the workspace.
---| '"folder"' # A folder of the workspace.
---| '"command"' # A command.
---| '"skill"' # A skill.

---A configuration was taken.
---@class tenon.ConfigChanged
---@field file string The file.

---What one layer says of one key.
---@class tenon.ConfigEntry
---@field counts boolean Whether it counts: no later layer goes before it. The rules of all layers count together.
---@field key string The key, dotted.
---@field layer tenon.ConfigLayer The layer.
---@field value tenon.Json What it says; a secret is `[redacted]`.
---@field file? string The file it stands in.
---@field line? integer The line of that file, from 1.
---@field variable? string The environment variable it comes from.

---Where an effective value comes from.
---@alias tenon.ConfigLayer
---| '"builtIn"' # Nobody set it.
---| '"user"' # The person's own file.
---| '"workspace"' # The workspace's file.
---| '"environment"' # A `TENON_*` variable of the client.
---| '"session"' # The session's settings.
---| '"policy"' # The administrator's policy: it only narrows, and goes before all others.

---A configuration was not taken; the last good one stays in force.
---@class tenon.ConfigRejected
---@field error string What is wrong.
---@field file string The file.
---@field line? integer The line, from 1.

---Which layer is read or changed.
---@alias tenon.ConfigScope
---| '"user"' # The person's own file.
---| '"workspace"' # The file of a workspace, `.tenon/config.toml`; it may only narrow.
---| '"session"' # A session's settings: `model`, `profile`, `limits.steps`, `limits.cost_usd`, `limits.turn_timeout_s`.

---Reads a layer of the configuration, or changes it.
---@class tenon.ConfigureParams
---@field scope tenon.ConfigScope Which layer.
---@field explain? string A key or a table, dotted, or empty for everything: the result then has `layers`.
---@field ifRev? string Only if the layer is at this revision; else 1502.
---@field patch? tenon.Json What to change, as nested tables of keys: merged into the layer, `null` removes. Without it nothing is changed.
---@field sessionId? tenon.SessionId The session, for `session`; for `workspace` it names its workspace.
---@field workspace? string The workspace, for `workspace` without a session: `file://` URI or absolute path.

---A layer, and what all layers come to. Secrets are `[redacted]`.
---@class tenon.ConfigureResult
---@field effective tenon.Json What all layers up to this one come to, with the client's `TENON_*` variables.
---@field from table<string, tenon.ConfigLayer> For each effective key, dotted: the layer its value comes from.
---@field rev string The layer's revision; opaque, equal for equal content.
---@field value tenon.Json What the layer itself says, as nested tables.
---@field file? string The layer's file; absent for a session.
---@field layers? tenon.ConfigEntry[] For `explain`: what each layer says, by key, each from the lowest layer up. Without the last one that counts, the one before it would.
---@field rejected? tenon.ConfigRejected What the file says that was not taken: a value that does not fit. The last good one is in force and shown.
---@field seq? integer After a change: the end of the log it stands in, the session's or `all`.
---@field warnings? string[] What else its author should know, one sentence each: unknown keys, keys that a workspace may not set.

---A file that stands in the way of a change.
---@class tenon.Conflict
---@field kind tenon.ConflictKind How it stands in the way.
---@field mergeable boolean Whether both sides can be kept by themselves: then `merge` is allowed.
---@field path string Relative to the workspace.
---@field text string One line for people.
---@field base? string The whole file both sides began with, by reference.
---@field changes? tenon.ChangeId[] Later changes of the session that changed the same lines: what goes back with them is in nobody's way.
---@field hunk? integer The hunk that is in the way; the whole file if absent.
---@field ours? string The whole file as it would be written, by reference.
---@field pathEncoded? boolean Whether bytes of the path are not UTF-8 and stand as `%XX`.
---@field theirs? string The whole file as it is on disk, by reference.

---How a file stands in the way.
---@alias tenon.ConflictKind
---| '"edited"' # Somebody edited it since.
---| '"deleted"' # It is gone.
---| '"created"' # Something else is there now.
---| '"type"' # It is another kind of thing now.
---| '"dirty"' # Somebody has it open with changes that are not saved.
---| '"uncertain"' # It was changed while a command ran that writes to the workspace itself: whether by that or by somebody else nobody can tell.

---Plain text or Markdown.
---@class tenon.Content.text
---@field type "text"
---@field text string The text.

---An image: `data` (base64) or `ref`.
---@class tenon.Content.image
---@field type "image"
---@field mime string Its type, such as `image/png`.
---@field data? string The bytes in base64.
---@field ref? string Where the bytes are.

---A file of the workspace, read when the message is delivered.
---@class tenon.Content.file
---@field type "file"
---@field path string Relative to the workspace, or absolute beneath it.
---@field range? tenon.LineRange Only these lines.

---Text a person selected, as it stood in the editor.
---@class tenon.Content.selection
---@field type "selection"
---@field path string The file it was selected in.
---@field range tenon.LineRange The lines it spans.
---@field text string The selected text.

---Large content by reference.
---@class tenon.Content.ref
---@field type "ref"
---@field bytes integer How large it is.
---@field mime string Its type.
---@field ref string Where it is.
---@field title? string What it is, for people; of a text that stands here by reference its beginning.
---@field whole? boolean Whether it is a text of this very content that is too large to stand here: the model is shown all of it. Absent, the model is told where it is.

---One piece of content. Text is whole up to 1 MiB; beyond that stands a `ref` that is `whole`.
---@alias tenon.Content
---| tenon.Content.text
---| tenon.Content.image
---| tenon.Content.file
---| tenon.Content.selection
---| tenon.Content.ref

---What the person looks at. A member that is given replaces what was said before; an empty one takes it back; one that is absent stays. Kept in memory for this connection alone.
---@class tenon.ContextParams
---@field diagnostics? tenon.Diagnostic[] Problems the editor shows; the first 50 are used.
---@field dirty? tenon.DirtyFile[] Files with changes that are not saved: all of them, each time. The agent writes to none of them without asking.
---@field selection? tenon.SelectedText What is selected in it.
---@field sessionId? tenon.SessionId The session it is meant for; for all that this connection sends messages to if absent.
---@field uri? string The file in front: `file://` URI, absolute path, or relative to the workspace. Takes back the selection.
---@field visible? string[] Other files that are visible; the first 20 are used.

---A part of what precedes the conversation.
---@class tenon.ContextPart
---@field digest string BLAKE3 of its bytes.
---@field kind string `system`, `instructions`, `tools`.
---@field ref string Where its bytes are.
---@field source? string Where it came from, such as `AGENTS.md`.

---What precedes the conversation in every request from here on: with the log it gives each request byte for byte.
---@class tenon.ContextSet
---@field generation integer Counts the settings of a session, from 1.
---@field model string `provider/model`.
---@field parts tenon.ContextPart[] The parts, in order.
---@field wire string The HTTP format.

---What a message took along of what its sender looked at. Paths are relative to the workspace.
---@class tenon.ContextUsed
---@field diagnostics? tenon.Diagnostic[] Problems that were shown.
---@field dirty? string[] Files with changes that were not saved.
---@field path? string The file in front.
---@field selection? tenon.SelectedText What was selected in it.
---@field visible? string[] Other files that were visible.

---@alias tenon.Cursor string

---How a message wants to be delivered.
---@alias tenon.Delivery
---| '"auto"' # Starts a turn when idle, else queues.
---| '"start"' # Starts a turn, or fails with 1106.
---| '"steer"' # Joins the running turn at its next safe point.
---| '"queue"' # Waits for a turn of its own.

---Some text of an item that is still growing. It has no seq, may be dropped, and is superseded by the durable event that closes the item.
---@class tenon.Delta
---@field d string The item: a message, a call or a job.
---@field from integer The byte offset of `t` in the item's whole text or output.
---@field t string The text; of a job the bytes, in base64.
---@field files? tenon.Provisional[] Of a command that runs: the files that it has changed so far, at most 100, in place of those of an earlier delta.
---@field more? integer How many more there are.

---How often deltas may come.
---@class tenon.DeltaWish
---@field maxPerSecond? integer Messages a second; 30 if absent.

---What refused a call.
---@alias tenon.DeniedBy
---| '"rule"' # A configured rule, or an administrator's policy.
---| '"profile"' # The profile.
---| '"untrusted"' # The workspace is not trusted.
---| '"nobody"' # It would have been asked about, and nobody could be.
---| '"person"' # A person.

---A problem that an editor shows.
---@class tenon.Diagnostic
---@field message string What is wrong.
---@field path string The file: `file://` URI, absolute path, or relative to the workspace.
---@field range? tenon.LineRange Where.
---@field severity? tenon.Severity How bad it is.
---@field source? string Who says so, such as a compiler.

---A file that differs.
---@class tenon.DiffFile
---@field added integer Lines that came.
---@field op tenon.FileOp What happened between the two places.
---@field path string Relative to the workspace.
---@field removed integer Lines that went.
---@field after? string BLAKE3 of the content at the second place; absent where there is none.
---@field afterMode? integer The permission bits at the second place, where they differ.
---@field before? string BLAKE3 of the content at the first place; absent where there is none.
---@field beforeMode? integer The permission bits at the first place, where they differ.
---@field binary? boolean Whether there are no lines to compare.
---@field hunks? tenon.Hunk[] Its hunks; absent in the form `stat`.
---@field pathEncoded? boolean Whether bytes of the path are not UTF-8 and stand as `%XX`.
---@field problem? string Why the file could not be compared.
---@field uncertain? boolean Whether somebody else may have done some of it, while a command ran.

---How much a difference says.
---@alias tenon.DiffForm
---| '"patch"' # The files with their hunks, and a patch that `git apply` takes.
---| '"files"' # The files with their hunks.
---| '"stat"' # The files with counts of lines.

---Compares two places in the history of the files that a session changed.
---@class tenon.DiffParams
---@field sessionId tenon.SessionId The session.
---@field form? tenon.DiffForm How much to say; `patch` if absent.
---@field from? string Where to begin: `start`, `head`, `disk`, or the id of a checkpoint, change or turn, which stands for the place before it; `start` if absent.
---@field paths? string[] Only these files, and everything beneath these folders.
---@field to? string Where to end: as `from`, but a change or turn stands for the place after it; `disk` if absent.

---What differs: files in order of their paths. Only files that the session changed are looked at.
---@class tenon.DiffResult
---@field files tenon.DiffFile[] The files.
---@field patch? string The patch, at most 1 MiB; each hunk's number ends its `@@` line.

---A file with changes that are not saved.
---@class tenon.DirtyFile
---@field path string The file: `file://` URI, absolute path, or relative to the workspace.
---@field text? string Its text as the editor has it, whole: the model reads this in place of the disk.

---What a call may do to the world; decides what happens to one that never settled.
---@alias tenon.EffectClass
---| '"pure"' # Only reads: may run again.
---| '"file"' # Writes files of the workspace: settled by digest.
---| '"command"' # Runs a command: never again by itself.
---| '"network"' # Speaks to the network: never again by itself.

---An event as a reader takes it: any type, known or not. Events of a subscription itself (`observe.*`) have neither seq nor epoch.
---@class tenon.Envelope
---@field type string Its type.
---@field at? string When it was committed.
---@field data? tenon.Json Its data.
---@field epoch? integer The log's epoch.
---@field replay? boolean Whether it was read from the log rather than as it happened.
---@field seq? integer Its place in the log.
---@field session? string The log.
---@field text? string One line for people.
---@field turn? tenon.TurnId The turn it belongs to.

---The parameters of `$/environment`: variables of the caller.
---@class tenon.EnvironmentParams
---@field variables table<string, string> Names and values.

---What stands in an error's `data`: the stable kind, advice, and the fields of that kind.
---@class tenon.ErrorData
---@field kind string The stable kind.
---@field hints? string[] What to do next, one sentence each.
---@field retry? tenon.Retry Whether to try again. Advice of a later version is none.

---The log begins.
---@class tenon.EventBody.session.created
---@field type "session.created"
---@field data tenon.SessionCreated

---Title or settings changed.
---@class tenon.EventBody.session.changed
---@field type "session.changed"
---@field data tenon.SessionChanged

---The session rests, runs or waits.
---@class tenon.EventBody.session.state
---@field type "session.state"
---@field data tenon.SessionStateChanged

---Files or conversation went back.
---@class tenon.EventBody.session.reverted
---@field type "session.reverted"
---@field data tenon.SessionReverted

---The session was archived.
---@class tenon.EventBody.session.closed
---@field type "session.closed"
---@field data tenon.SessionClosed

---What precedes the conversation in the prompt.
---@class tenon.EventBody.context.set
---@field type "context.set"
---@field data tenon.ContextSet

---The conversation is about to be shortened.
---@class tenon.EventBody.compaction.started
---@field type "compaction.started"
---@field data tenon.CompactionStarted

---The conversation was shortened.
---@class tenon.EventBody.compaction.ended
---@field type "compaction.ended"
---@field data tenon.CompactionEnded

---Usage so far.
---@class tenon.EventBody.usage.changed
---@field type "usage.changed"
---@field data tenon.UsageChanged

---A message was taken in.
---@class tenon.EventBody.prompt.admitted
---@field type "prompt.admitted"
---@field data tenon.PromptAdmitted

---A waiting message was withdrawn, replaced or moved.
---@class tenon.EventBody.prompt.changed
---@field type "prompt.changed"
---@field data tenon.PromptChanged

---A message reached its turn.
---@class tenon.EventBody.prompt.delivered
---@field type "prompt.delivered"
---@field data tenon.PromptDelivered

---A turn began.
---@class tenon.EventBody.turn.started
---@field type "turn.started"
---@field data tenon.TurnStarted

---A turn ended.
---@class tenon.EventBody.turn.ended
---@field type "turn.ended"
---@field data tenon.TurnEnded

---A try of a step's provider request is dispatched.
---@class tenon.EventBody.attempt.started
---@field type "attempt.started"
---@field data tenon.AttemptStarted

---That try is over.
---@class tenon.EventBody.attempt.ended
---@field type "attempt.ended"
---@field data tenon.AttemptEnded

---A message begins; deltas follow.
---@class tenon.EventBody.message.started
---@field type "message.started"
---@field data tenon.MessageStarted

---A message is whole.
---@class tenon.EventBody.message.ended
---@field type "message.ended"
---@field data tenon.MessageEnded

---The model wants a call.
---@class tenon.EventBody.tool.proposed
---@field type "tool.proposed"
---@field data tenon.ToolProposed

---A call was allowed and starts.
---@class tenon.EventBody.tool.started
---@field type "tool.started"
---@field data tenon.ToolStarted

---A call is settled.
---@class tenon.EventBody.tool.ended
---@field type "tool.ended"
---@field data tenon.ToolEnded

---A person's command runs; deltas follow.
---@class tenon.EventBody.job.started
---@field type "job.started"
---@field data tenon.JobStarted

---A job came to the foreground.
---@class tenon.EventBody.job.changed
---@field type "job.changed"
---@field data tenon.JobChanged

---A job ended.
---@class tenon.EventBody.job.ended
---@field type "job.ended"
---@field data tenon.JobEnded

---The steps of the plan or todo list changed.
---@class tenon.EventBody.plan.changed
---@field type "plan.changed"
---@field data tenon.PlanChanged

---A plan is whole, its change staged.
---@class tenon.EventBody.plan.ready
---@field type "plan.ready"
---@field data tenon.PlanReady

---Edits are staged.
---@class tenon.EventBody.change.staged
---@field type "change.staged"
---@field data tenon.ChangeStaged

---Files are about to be changed.
---@class tenon.EventBody.change.started
---@field type "change.started"
---@field data tenon.ChangeStarted

---Files of the workspace were changed.
---@class tenon.EventBody.change.applied
---@field type "change.applied"
---@field data tenon.ChangeApplied

---A person is asked.
---@class tenon.EventBody.request.opened
---@field type "request.opened"
---@field data tenon.RequestItem

---A request was answered.
---@class tenon.EventBody.request.resolved
---@field type "request.resolved"
---@field data tenon.RequestResolved

---A session appeared.
---@class tenon.EventBody.session.added
---@field type "session.added"
---@field data tenon.SessionListed

---A session is gone.
---@class tenon.EventBody.session.removed
---@field type "session.removed"
---@field data tenon.SessionRemoved

---A request waits.
---@class tenon.EventBody.request.added
---@field type "request.added"
---@field data tenon.RequestAdded

---A request waits no more.
---@class tenon.EventBody.request.removed
---@field type "request.removed"
---@field data tenon.RequestRemoved

---A grant was made.
---@class tenon.EventBody.grant.added
---@field type "grant.added"
---@field data tenon.GrantAdded

---A grant was taken back.
---@class tenon.EventBody.grant.removed
---@field type "grant.removed"
---@field data tenon.GrantRemoved

---A workspace is trusted.
---@class tenon.EventBody.workspace.added
---@field type "workspace.added"
---@field data tenon.WorkspaceAdded

---A workspace's trust was taken back.
---@class tenon.EventBody.workspace.removed
---@field type "workspace.removed"
---@field data tenon.WorkspaceRemoved

---A configuration was not taken; the last good one stays.
---@class tenon.EventBody.config.rejected
---@field type "config.rejected"
---@field data tenon.ConfigRejected

---A configuration was taken.
---@class tenon.EventBody.config.changed
---@field type "config.changed"
---@field data tenon.ConfigChanged

---A model that can be named came.
---@class tenon.EventBody.model.added
---@field type "model.added"
---@field data tenon.ModelAdded

---A model that can be named is another now.
---@class tenon.EventBody.model.changed
---@field type "model.changed"
---@field data tenon.ModelChanged

---A model that can be named went.
---@class tenon.EventBody.model.removed
---@field type "model.removed"
---@field data tenon.ModelRemoved

---A server of models came.
---@class tenon.EventBody.provider.added
---@field type "provider.added"
---@field data tenon.ProviderAdded

---A server of models is another now.
---@class tenon.EventBody.provider.changed
---@field type "provider.changed"
---@field data tenon.ProviderChanged

---A server of models went.
---@class tenon.EventBody.provider.removed
---@field type "provider.removed"
---@field data tenon.ProviderRemoved

---A policy that can be named came.
---@class tenon.EventBody.profile.added
---@field type "profile.added"
---@field data tenon.ProfileAdded

---A policy that can be named is another now.
---@class tenon.EventBody.profile.changed
---@field type "profile.changed"
---@field data tenon.ProfileChanged

---A policy that can be named went.
---@class tenon.EventBody.profile.removed
---@field type "profile.removed"
---@field data tenon.ProfileRemoved

---A command that a message may begin with came.
---@class tenon.EventBody.command.added
---@field type "command.added"
---@field data tenon.CommandAdded

---A command that a message may begin with is another now.
---@class tenon.EventBody.command.changed
---@field type "command.changed"
---@field data tenon.CommandChanged

---A command that a message may begin with went.
---@class tenon.EventBody.command.removed
---@field type "command.removed"
---@field data tenon.CommandRemoved

---A skill that a message may begin with came.
---@class tenon.EventBody.skill.added
---@field type "skill.added"
---@field data tenon.SkillAdded

---A skill that a message may begin with is another now.
---@class tenon.EventBody.skill.changed
---@field type "skill.changed"
---@field data tenon.SkillChanged

---A skill that a message may begin with went.
---@class tenon.EventBody.skill.removed
---@field type "skill.removed"
---@field data tenon.SkillRemoved

---A provider needs a key.
---@class tenon.EventBody.auth.required
---@field type "auth.required"
---@field data tenon.AuthRequired

---A stored key came, changed or went.
---@class tenon.EventBody.auth.changed
---@field type "auth.changed"
---@field data tenon.AuthChanged

---The agent is another one than before.
---@class tenon.EventBody.agent.changed
---@field type "agent.changed"
---@field data tenon.AgentChanged

---The daemon takes no new work.
---@class tenon.EventBody.agent.draining
---@field type "agent.draining"
---@field data tenon.AgentDraining

---Something a person should know.
---@class tenon.EventBody.notice
---@field type "notice"
---@field data tenon.Notice

---The type and data of an event.
---@alias tenon.EventBody
---| tenon.EventBody.session.created
---| tenon.EventBody.session.changed
---| tenon.EventBody.session.state
---| tenon.EventBody.session.reverted
---| tenon.EventBody.session.closed
---| tenon.EventBody.context.set
---| tenon.EventBody.compaction.started
---| tenon.EventBody.compaction.ended
---| tenon.EventBody.usage.changed
---| tenon.EventBody.prompt.admitted
---| tenon.EventBody.prompt.changed
---| tenon.EventBody.prompt.delivered
---| tenon.EventBody.turn.started
---| tenon.EventBody.turn.ended
---| tenon.EventBody.attempt.started
---| tenon.EventBody.attempt.ended
---| tenon.EventBody.message.started
---| tenon.EventBody.message.ended
---| tenon.EventBody.tool.proposed
---| tenon.EventBody.tool.started
---| tenon.EventBody.tool.ended
---| tenon.EventBody.job.started
---| tenon.EventBody.job.changed
---| tenon.EventBody.job.ended
---| tenon.EventBody.plan.changed
---| tenon.EventBody.plan.ready
---| tenon.EventBody.change.staged
---| tenon.EventBody.change.started
---| tenon.EventBody.change.applied
---| tenon.EventBody.request.opened
---| tenon.EventBody.request.resolved
---| tenon.EventBody.session.added
---| tenon.EventBody.session.removed
---| tenon.EventBody.request.added
---| tenon.EventBody.request.removed
---| tenon.EventBody.grant.added
---| tenon.EventBody.grant.removed
---| tenon.EventBody.workspace.added
---| tenon.EventBody.workspace.removed
---| tenon.EventBody.config.rejected
---| tenon.EventBody.config.changed
---| tenon.EventBody.model.added
---| tenon.EventBody.model.changed
---| tenon.EventBody.model.removed
---| tenon.EventBody.provider.added
---| tenon.EventBody.provider.changed
---| tenon.EventBody.provider.removed
---| tenon.EventBody.profile.added
---| tenon.EventBody.profile.changed
---| tenon.EventBody.profile.removed
---| tenon.EventBody.command.added
---| tenon.EventBody.command.changed
---| tenon.EventBody.command.removed
---| tenon.EventBody.skill.added
---| tenon.EventBody.skill.changed
---| tenon.EventBody.skill.removed
---| tenon.EventBody.auth.required
---| tenon.EventBody.auth.changed
---| tenon.EventBody.agent.changed
---| tenon.EventBody.agent.draining
---| tenon.EventBody.notice

---Which events a client wants specially.
---@class tenon.EventWishes
---@field delta? tenon.DeltaWish Deltas, at most so many messages a second.

---What an export holds.
---@class tenon.Exported
---@field blobs integer Contents that they name.
---@field events integer Events of the log.
---@field path string The file.

---Reads a content by its reference, in pages.
---@class tenon.FetchParams
---@field ref string A `ref` of some event, result or content.
---@field range? tenon.FetchRange Only these bytes; the beginning if absent.

---Bytes of a content, counted from 0.
---@class tenon.FetchRange
---@field start integer The first byte.
---@field end? integer The byte behind the last one; the end of the content if absent.

---A page of a content, at most 512 KiB: `text` if the whole content is UTF-8, else `base64`.
---@class tenon.FetchResult
---@field bytes integer How many bytes the whole content has.
---@field mime string What the content is: `text/plain`, an image's type, or `application/octet-stream`.
---@field start integer The place of the page's first byte. A text begins with a whole character: with the one that the place asked for lies in.
---@field base64? string The page, in base64.
---@field next? integer Where the next page starts, if the content, or the range asked for, goes on.
---@field text? string The page, of whole characters.

---One file of a change.
---@class tenon.FileChange
---@field hunks tenon.Hunk[] Its hunks.
---@field op tenon.FileOp What happened.
---@field path string Relative to the workspace.
---@field after? string BLAKE3 of the content after; absent where there is none.
---@field afterMode? integer The permission bits after; absent where there is no file.
---@field before? string BLAKE3 of the content before; absent where there was none.
---@field beforeMode? integer The permission bits before; absent where there was no file. 40960 (0120000) is a symbolic link, whose content is its target.
---@field from? string The old path of a move.
---@field pathEncoded? boolean Whether bytes of the path are not UTF-8 and stand as `%XX`.
---@field uncertain? boolean Whether somebody else may have done it: it was found by comparing before and after, while people could write there too. To take it back is a conflict of the kind `uncertain`.

---What happened to a file.
---@alias tenon.FileOp
---| '"add"' # It is new.
---| '"modify"' # Its content or mode changed.
---| '"delete"' # It is gone.
---| '"move"' # It has another path; `from` names the old one.

---Where a fork begins.
---@class tenon.ForkFrom
---@field sessionId tenon.SessionId The parent.
---@field at? integer A seq in its log at which no turn is under way; the last one if absent.

---A grant was made.
---@class tenon.GrantAdded
---@field item tenon.GrantItem Its item.

---A standing decision.
---@alias tenon.GrantId string

---A standing decision.
---@class tenon.GrantItem
---@field createdAt string When it was made.
---@field id tenon.GrantId The grant.
---@field pattern string What it allows, such as `cargo test *`.
---@field workspace string The workspace it holds in, a `file://` URI.

---A grant was taken back.
---@class tenon.GrantRemoved
---@field grantId tenon.GrantId Which.

---A maximal run of changed lines, without context. Numbers count from 1 in file order and never change; 0 stands for a mode, link, binary or whole-file change.
---@class tenon.Hunk
---@field n integer Its number in the file.
---@field newLines integer Lines after.
---@field newStart integer First line after.
---@field oldLines integer Lines before.
---@field oldStart integer First line before, counted from 1; for a pure insertion the line after which it goes.

---The running process.
---@class tenon.Instance
---@field build string What it was built from.
---@field id string Unique for each start.
---@field pid integer Its process id.
---@field startedAt string When it started.
---@field version string The product's version.
---@field builtAt? string How new its program is: the time of its file. Of two builds of one version the later is the newer.

---Interrupts the running turn.
---@class tenon.InterruptParams
---@field sessionId tenon.SessionId The session.
---@field drop? boolean Whether what the running command wrote is dropped.
---@field jobs? boolean Whether its jobs end too.
---@field turnId? tenon.TurnId Only this turn.

---The turn that ends, and the end of the log when it was asked to.
---@class tenon.InterruptResult
---@field seq integer The log's head.
---@field dropped? boolean Where `drop` was asked for: whether what the running command wrote is dropped. Not where it writes into the workspace itself, and where no command runs.
---@field turnId? tenon.TurnId The turn.

---A job came to the foreground.
---@class tenon.JobChanged
---@field background boolean Whether nobody waits for it.
---@field jobId tenon.JobId The job.

---A job ended, and everything it had started with it.
---@class tenon.JobEnded
---@field bytes integer How many bytes it printed.
---@field content tenon.Content[] What it printed, without the terminal's control sequences; a long output is its beginning and its end.
---@field jobId tenon.JobId The job.
---@field status tenon.CallStatus How: `ok` with exit code 0, `failed`, `interrupted` if it was ended from outside, `unknown` if the agent died while it ran.
---@field changeId? tenon.ChangeId What was changed in the workspace while it ran.
---@field exit? integer Its exit code.
---@field ref? string The whole output as it was printed, for `agent/fetch`: offsets in it are those of the deltas. Of more than 32 MiB it has the beginning, a line that says how much is missing, and the end.
---@field signal? integer The signal that ended it.

---Background work.
---@alias tenon.JobId string

---What to do with a running job.
---@alias tenon.JobOp
---| '"write"' # Types `data` or `text` into its terminal.
---| '"resize"' # Gives its terminal another size.
---| '"kill"' # Ends it and everything it started.
---| '"foreground"' # Brings it to the foreground, and returns the newest of its output, or what it printed from `from` on.

---Does something with a running job.
---@class tenon.JobParams
---@field jobId tenon.JobId The job.
---@field op tenon.JobOp What to do.
---@field data? string For `write`: bytes, in base64; at most 64 KiB.
---@field from? integer For `foreground`: the offset in the whole output to read from, in place of the newest.
---@field size? tenon.JobSize For `resize`: the new size.
---@field text? string For `write`: text, in place of `data`.

---What came of it.
---@class tenon.JobResult
---@field data? string For `foreground`: output in base64; the newest 64 KiB of it, or at most 256 KiB from the offset asked for on, empty when that is its end.
---@field from? integer For `foreground`: the offset of `data` in the whole output; later than the one asked for where something was not kept.
---@field seq? integer For `kill` and `foreground`: the log's head.

---The size of a terminal in characters, each 1 to 1,000.
---@class tenon.JobSize
---@field columns integer Characters of a line.
---@field rows integer Lines.

---A person's command was taken on: the record that its effect may have happened from here on.
---@class tenon.JobStarted
---@field background boolean Whether nobody waits for it.
---@field command string The command.
---@field cwd string The folder it starts in, relative to the workspace.
---@field jobId tenon.JobId The job.
---@field shareWithModel boolean Whether the model is shown it.
---@field by? tenon.By Who runs it.

---Opaque JSON, such as a tool's arguments: whoever knows the shape takes it out at the edge.
---@alias tenon.Json any

---Where a provider's key comes from.
---@class tenon.KeyOrigin
---@field place tenon.KeyPlace What kind of place.
---@field name? string The variable or the file.

---Where a key comes from.
---@alias tenon.KeyPlace
---| '"variable"' # A variable of the client.
---| '"file"' # A file that the configuration names.
---| '"stored"' # It was stored by a login.
---| '"notNeeded"' # None is needed.
---| '"missing"' # One is needed, and there is none.

---Limits of this build.
---@class tenon.Limits
---@field inline integer The largest text in an event, in bytes; beyond it stands a reference.
---@field message integer The largest message it accepts, in bytes.
---@field page integer The most events of a page.

---Lines of a file, counted from 1, both ends included.
---@class tenon.LineRange
---@field end integer The last line.
---@field start integer The first line.

---Narrows a list.
---@class tenon.ListFilter
---@field archived? boolean Whether archived sessions are listed too; they are not if absent, unless `state` asks for them.
---@field state? tenon.SessionState Only sessions in this state.
---@field workspace? string Only sessions and grants of this workspace, and the commands and skills it has: `file://` URI or absolute path.

---Lists things of a kind.
---@class tenon.ListParams
---@field kind string Of which kind: session, model, provider, profile, command, tool, skill, mcp, job, checkpoint, change, plan, request, grant, workspace.
---@field after? string Go on after this item.
---@field filter? tenon.ListFilter Only those that fit, by kind: `workspace`, `state` and `archived` for sessions, `workspace` for grants, commands and skills.
---@field limit? integer At most so many, 1 to 1,000; 100 if absent.
---@field sessionId? tenon.SessionId Only those of this session.

---A page of things.
---@class tenon.ListResult
---@field items tenon.Json[] The things; sessions, requests, grants and workspaces newest first.
---@field rev integer The seq of the `all` log they are true at. Of several pages the first one's counts for all.
---@field next? string What to give as `after` for the next page.

---Reads a page of a log.
---@class tenon.LogParams
---@field sessionId string The session, or `all`.
---@field after? tenon.Cursor Events behind this cursor, oldest first.
---@field before? tenon.Cursor Events before this cursor, oldest first, the newest of them.
---@field limit? integer At most so many, 1 to 1,000.
---@field types? string[] Only events of these types.

---A page: at most 1,000 events or 1 MiB.
---@class tenon.LogResult
---@field events tenon.Json[] The events.
---@field first tenon.Cursor The first place that is kept.
---@field head tenon.Cursor The end of the log.
---@field next? tenon.Cursor Where to go on, in the direction that was asked.

---A message is whole.
---@class tenon.MessageEnded
---@field content tenon.Content[] All of it; empty where it was withdrawn.
---@field messageId tenon.MessageId The message.
---@field role tenon.MessageRole Whose.
---@field by? tenon.By Who sent it.
---@field superseded? boolean Whether it is withdrawn: its try failed, another one's text stands instead.

---A message of a session.
---@alias tenon.MessageId string

---Whose message.
---@alias tenon.MessageRole
---| '"user"' # A person's.
---| '"assistant"' # The model's.
---| '"reasoning"' # The model's thinking.

---A message begins; its deltas carry its id.
---@class tenon.MessageStarted
---@field messageId tenon.MessageId The message.
---@field role tenon.MessageRole Whose.

---A model came.
---@class tenon.ModelAdded
---@field item tenon.ModelItem Its item.

---A model is another now.
---@class tenon.ModelChanged
---@field item tenon.ModelItem Its item.

---A model that can be named in settings.
---@class tenon.ModelItem
---@field id string `provider/model`.
---@field model string The provider's own name of the model.
---@field provider string The provider's name.
---@field ready boolean Whether a key is there, or none is needed.
---@field wire string Which HTTP format it speaks.
---@field contextTokens? integer Tokens of its context.
---@field default? boolean Whether `settings.model` names it now.
---@field inputCost? number US dollars for a million input tokens.
---@field outputCost? number US dollars for a million output tokens.

---A model went.
---@class tenon.ModelRemoved
---@field id string Which.

---Something a person should know.
---@class tenon.Notice
---@field kind string What kind of thing.
---@field message string The sentence.

---The subscription ended.
---@class tenon.ObserveClosed
---@field cursor tenon.Cursor Where to go on.
---@field reason string Why.

---How far a filtered subscription has read; after every 1,000 events.
---@class tenon.ObserveCursor
---@field cursor tenon.Cursor The place.

---The history is delivered; what follows happens now.
---@class tenon.ObserveLive

---The subscription begins.
---@class tenon.ObserveOpened
---@field epoch integer The log's epoch.
---@field first tenon.Cursor The first place that is kept.
---@field head tenon.Cursor The end of the log now.
---@field descendants? table<string, tenon.Cursor> With `tree`: behind which place in the log of each descendant its events follow.

---Subscribes to a log. The result is the subscription's id, a string; nothing of it precedes that answer.
---@class tenon.ObserveParams
---@field after tenon.After Where to begin.
---@field sessionId string The session, or `all` for the machine's log.
---@field delta? boolean Whether deltas are wanted; by default if the handshake had `events.delta`.
---@field descendants? table<string, tenon.Cursor> With `tree`: the places in descendants' logs up to which everything was seen. Of one that is not named all is told, or with `after: "now"` only what happens from now on.
---@field tree? boolean Whether events of the session's descendants are wanted too: those of their sessions, requests and turns.
---@field types? string[] Only events of these types; a trailing `*` matches any ending. Places are told by `observe.cursor`.

---Opens a new session, attaches to one, or forks one.
---@class tenon.OpenParams
---@field environment? table<string, string> More variables for its children, filtered like `$/environment`.
---@field ephemeral? boolean Whether nothing of it is kept: it is deleted when it is closed, and when the last client that opened or observes it is gone. Only for a new session.
---@field from? tenon.ForkFrom The session to fork.
---@field sessionId? tenon.SessionId The session to attach to; absent for a new one.
---@field settings? tenon.Settings What it works with.
---@field title? string What it is about.
---@field workspace? string `file://` URI or absolute path; must match where `sessionId` is given.

---The session, its picture, and where to observe from.
---@class tenon.OpenResult
---@field cursor tenon.Cursor The picture's place: observe after it.
---@field session tenon.SessionItem The session.
---@field snapshot tenon.Snapshot Its picture.

---What a call will do to one path: the digest before and after.
---@class tenon.PathIntent
---@field path string Relative to the workspace.
---@field after? string BLAKE3 after; absent where nothing will be, or it is not known.
---@field afterMode? integer The permission bits after.
---@field before? string BLAKE3 before; absent where there is nothing yet.
---@field beforeMode? integer The permission bits before.

---What to do with a message that waits.
---@alias tenon.PendingChange
---| '"withdraw"' # Takes it back.
---| '"replace"' # Gives it another text, in its place.
---| '"promote"' # Lets it go before others: into the running turn, or to the front of the queue.

---What happened to a waiting message.
---@alias tenon.PendingOp
---| '"withdraw"' # Taken back.
---| '"replace"' # Its text was replaced.
---| '"promote"' # It goes before others: as a steer (`turnId`), or in the queue (`position`).
---| '"requeue"' # A steer whose turn ended without it; it waits in front of the queue (`position`).

---Changes a message that waits for its delivery. One that was delivered or withdrawn meanwhile is 1107.
---@class tenon.PendingParams
---@field messageId tenon.MessageId The message.
---@field op tenon.PendingChange What to do with it.
---@field sessionId tenon.SessionId The session.
---@field delivery? tenon.Delivery For `promote`: `steer` into the running turn, `queue` to the front of the queue; `auto`, or absent, is `steer` where a turn can be steered and else `queue`. A `steer` that finds no turn goes to the front of the queue.
---@field input? tenon.Content[] For `replace`: what it says instead; checked as a prompt's.

---The event that recorded it, and for `promote` where the message waits now.
---@class tenon.PendingResult
---@field seq integer The seq of the event.
---@field position? integer Its place in the queue, counted from 1.
---@field turnId? tenon.TurnId The turn that it joins at the next safe point.

---The steps changed.
---@class tenon.PlanChanged
---@field planId tenon.PlanId The plan; outside plan turns the session's todo list.
---@field rev integer Its revision, from 1.
---@field tree tenon.PlanStep[] The steps.
---@field applied? tenon.Selected[] The hunks of it that are applied, all so far.
---@field changeId? tenon.ChangeId The staged change it explains.
---@field dropped? boolean Whether the plan was thrown away.
---@field tests? tenon.TestReport What the project's tests said of it.

---A staged change with the steps that explain it.
---@alias tenon.PlanId string

---Asks for a turn whose edits are staged: nothing on disk changes before the plan is applied.
---@class tenon.PlanParams
---@field goal tenon.Content[] What is to be reached.
---@field sessionId tenon.SessionId The session.
---@field key? string Makes a repetition safe: the same key gives the first result again.
---@field revise? tenon.PlanId The plan that is to be changed: it keeps its id and gets the next revision.

---A plan is whole: its change is staged, and nothing on disk has changed.
---@class tenon.PlanReady
---@field changeId tenon.ChangeId The staged change.
---@field planId tenon.PlanId The plan.
---@field rev integer Its revision, from 1.
---@field tree tenon.PlanStep[] Its steps.

---What became of the goal; committed before it is said.
---@class tenon.PlanResult
---@field outcome tenon.Admission What became of it; a busy session queues it.
---@field planId tenon.PlanId The plan.
---@field seq integer The event that admitted it.
---@field turnId? tenon.TurnId The turn it started.

---A step of a plan.
---@class tenon.PlanStep
---@field id string Its name in the plan.
---@field status tenon.StepStatus How far it is.
---@field title string What it does.
---@field edits? tenon.Selected[] The staged hunks that belong to it: what `agent/apply` with this step takes. A hunk that two steps worked on belongs to both.
---@field files? string[] Files it is about.

---A profile came.
---@class tenon.ProfileAdded
---@field item tenon.ProfileItem Its item.

---A profile is another now.
---@class tenon.ProfileChanged
---@field item tenon.ProfileItem Its item.

---A named policy: what is allowed, asked or denied.
---@class tenon.ProfileItem
---@field id string Its name.
---@field network string Reaching hosts.
---@field read string Reading files: `allow`, `ask` or `deny`.
---@field shell string Running commands.
---@field write string Writing files.
---@field default? boolean Whether it is the configured one.

---A profile went.
---@class tenon.ProfileRemoved
---@field id string Which.

---A message was taken in; committed before the client is answered.
---@class tenon.PromptAdmitted
---@field delivery tenon.Delivery How it wanted to be delivered.
---@field input tenon.Content[] What it says.
---@field messageId tenon.MessageId The message.
---@field outcome tenon.Admission What became of it.
---@field by? tenon.By Who sent it.
---@field context? tenon.ContextUsed What it took along of what its sender looked at.
---@field key? string The client's key.
---@field planId? tenon.PlanId The plan whose goal it is: its turn stages its edits.
---@field position? integer Its place in the queue.
---@field turnId? tenon.TurnId The turn it starts or joins.

---A waiting message changed.
---@class tenon.PromptChanged
---@field messageId tenon.MessageId The message.
---@field op tenon.PendingOp What happened.
---@field by? tenon.By Who did it.
---@field input? tenon.Content[] What it says instead.
---@field position? integer Its place in the queue now, counted from 1; what stood there moves back.
---@field turnId? tenon.TurnId The turn it joins now.

---A message became part of the conversation.
---@class tenon.PromptDelivered
---@field messageId tenon.MessageId The message.

---Sends a message to a session.
---@class tenon.PromptParams
---@field input tenon.Content[] What it says.
---@field sessionId tenon.SessionId The session.
---@field delivery? tenon.Delivery How to deliver it; `auto` if absent.
---@field expectTurn? tenon.TurnId Only if this turn runs, for a steer.
---@field key? string Makes a repetition safe: the same key gives the first result again.
---@field strict? boolean Whether a steer that finds nothing to steer fails with 1103.

---What became of the message; committed before it is said.
---@class tenon.PromptResult
---@field messageId tenon.MessageId The message.
---@field outcome tenon.Admission What became of it.
---@field seq integer The event that admitted it.
---@field position? integer Its place in the queue, counted from 1.
---@field turnId? tenon.TurnId The turn it started or joins.

---A provider came.
---@class tenon.ProviderAdded
---@field item tenon.ProviderItem Its item.

---A provider is another now.
---@class tenon.ProviderChanged
---@field item tenon.ProviderItem Its item.

---What went wrong at a provider.
---@class tenon.ProviderFailure
---@field kind string The kind: rateLimited, providerDown, unauthorized, forbidden, badRequest, notFound, contextFull, cut, stalled, …
---@field message string One sentence, secrets removed.
---@field hint? string What to do next.
---@field status? integer The HTTP status, if there was one.

---A server of models.
---@class tenon.ProviderItem
---@field baseUrl string Where it is.
---@field id string Its name in the configuration.
---@field ready boolean Whether a key is there, or none is needed.
---@field wire string Which HTTP format it speaks.
---@field key? tenon.KeyOrigin Where its key comes from.

---A provider went.
---@class tenon.ProviderRemoved
---@field id string Which.

---A file that a running command has changed so far. Nothing of it is in the workspace yet, and what the command did in the end its change tells.
---@class tenon.Provisional
---@field op tenon.FileOp What it would be.
---@field path string Relative to the workspace.
---@field pathEncoded? boolean Whether bytes of the path are not UTF-8 and stand as `%XX`.

---What a pruning removed.
---@class tenon.Pruned
---@field blobs integer Contents that no session needed, beside those that went with their sessions.
---@field bytes integer Their bytes on the disk.
---@field sessions tenon.SessionId[] The sessions.
---@field cachesBytes? integer Bytes on the disk of copies of caches, where these were asked for.

---Support for queued messages.
---@class tenon.QueueSupport
---@field max integer How many may wait.

---A message that waits for its delivery.
---@class tenon.QueuedMessage
---@field input tenon.Content[] What it says.
---@field messageId tenon.MessageId The message.
---@field steer boolean Whether it waits for the next safe point of the running turn instead of the next turn.
---@field by? tenon.By Who sent it, or replaced what it says.
---@field planId? tenon.PlanId The plan whose goal it is.

---A request waits for an answer.
---@class tenon.RequestAdded
---@field item tenon.RequestItem Its item.

---A durable question to a person.
---@alias tenon.RequestId string

---A request as it is opened, listed and answered.
---@class tenon.RequestItem
---@field kind tenon.RequestKind What it is about.
---@field options tenon.RequestOption[] The choices.
---@field requestId tenon.RequestId The request.
---@field session tenon.SessionId The session that asks.
---@field subject tenon.Subject What it is about, in full.
---@field title string The question, one line, in the agent's words.
---@field callId? tenon.CallId The call that waits.
---@field digest? string BLAKE3 of exactly what an approval allows.
---@field reason? string Why it is asked: the rule, profile or sandbox level.
---@field turn? tenon.TurnId The turn that waits.

---What a request is about.
---@alias tenon.RequestKind
---| '"approval"' # May this run?
---| '"question"' # A question of the model.
---| '"login"' # A key is needed.
---| '"limit"' # A limit was reached: go on?
---| '"recovery"' # A call's outcome is unknown: what now?
---| '"conflict"' # A file moved on.
---| '"trust"' # Is this workspace trusted?

---One of the choices.
---@class tenon.RequestOption
---@field id string What is sent back as `decision`.
---@field label string What a person reads.
---@field pattern? string For `always`: the pattern of the grant it makes.
---@field scope? tenon.Scope How far it reaches.

---A request waits no more.
---@class tenon.RequestRemoved
---@field requestId tenon.RequestId Which.

---The answer that won.
---@class tenon.RequestResolved
---@field decision string `allow`, `deny`, `answer`, or the id of an option.
---@field requestId tenon.RequestId The request.
---@field by? tenon.By Who answered; absent where the agent resolved it itself.
---@field form? tenon.Json The answer of a question.
---@field note? string The reason that was given.
---@field pattern? string The pattern of an `always`.
---@field scope? tenon.Scope How far it reaches.
---@field select? tenon.Selected[] The hunks that were allowed, where not all of the edit was.

---Whether the same request may be sent again.
---@alias tenon.Retry
---| '"never"' # It will fail again.
---| '"now"' # It may be sent again at once.
---| '"later"' # It may be sent again after a while.

---What happens to a file that stands in the way of a revert.
---@alias tenon.RevertChoice
---| '"keep"' # It stays as it is.
---| '"ours-after-backup"' # The earlier content comes back, and what is there now is kept by reference.
---| '"merge"' # Both sides are kept, where that is possible.

---Goes back. The log is never cut: a revert is a change of its own.
---@class tenon.RevertParams
---@field sessionId tenon.SessionId The session.
---@field to tenon.RevertTo How far.
---@field dryRun? boolean Whether only to say what would happen.
---@field partial? boolean Whether what has no conflict goes back where something else has.
---@field resolve? table<string, tenon.RevertChoice> What to do about files that stand in the way, by path.
---@field scope? tenon.RevertScope What goes back; `files` if absent.
---@field select? tenon.Selected[] Only these files and hunks.

---What went back.
---@class tenon.RevertResult
---@field checkpointId tenon.CheckpointId The place just before the revert.
---@field conflicts tenon.Conflict[] What stands in the way.
---@field restored tenon.FileChange[] The files that went back.
---@field skipped tenon.Uncovered[] What cannot go back, and why.
---@field backups? tenon.Backup[] What `ours-after-backup` kept.
---@field changeId? tenon.ChangeId The change that the revert is; absent where no file changed.
---@field seq? integer The last event of the log behind it; absent for `dryRun`.

---What goes back.
---@alias tenon.RevertScope
---| '"files"' # The files.
---| '"conversation"' # The conversation; later messages stay in the log.
---| '"both"' # Both in one step.

---How far back to go: exactly one of these.
---@class tenon.RevertTo
---@field change? tenon.ChangeId What this change did.
---@field checkpoint? tenon.CheckpointId To the place that a checkpoint names: its change and every later one of the session go.
---@field seq? integer To the files as they were at this event of the session.
---@field turn? tenon.TurnId What this turn did.

---What a connection may do.
---@alias tenon.Role
---| '"controller"' # Everything.
---| '"observer"' # Look.

---A JSON-RPC error object.
---@class tenon.RpcError
---@field code integer The code of the kind.
---@field message string One sentence, lower case, no full stop.
---@field data? tenon.ErrorData The kind and its fields.

---Runs the person's own command in the session's workspace, in a terminal of its own. It is not asked about: whoever sends it has decided.
---@class tenon.RunParams
---@field command string The command, for the shell; at most 64 KiB.
---@field sessionId tenon.SessionId The session.
---@field background? boolean Whether nobody waits for it; `agent/admin {op: drain}` ends such a job instead of waiting for it.
---@field cwd? string The folder it starts in, within the workspace; the workspace itself if absent.
---@field shareWithModel? boolean Whether the model is shown the command and its output with the next message.
---@field size? tenon.JobSize The size of its terminal; 24 lines of 80 characters if absent.

---The job; its start is recorded.
---@class tenon.RunResult
---@field jobId tenon.JobId The job.
---@field seq integer The event that recorded it.

---The sandbox for commands.
---@class tenon.SandboxInfo
---@field level tenon.SandboxLevel Which level there is.
---@field missing string[] What a higher level lacks.
---@field configured? integer The level that the person's configuration names for commands; 0 is no sandbox. Absent: the highest there is.

---@alias tenon.SandboxLevel
---| integer
---| '"probing"'

---How far a decision reaches.
---@alias tenon.Scope
---| '"once"' # This time.
---| '"session"' # As long as the session lives.
---| '"always"' # From now on, in this workspace.

---A file, or some of its hunks.
---@class tenon.Selected
---@field path string Relative to the workspace.
---@field hunks? integer[] The numbers of the hunks; all of them if absent.
---@field pathEncoded? boolean Whether bytes of the path are not UTF-8 and stand as `%XX`.

---Text that is selected in the file of `uri`.
---@class tenon.SelectedText
---@field range tenon.LineRange The lines it spans.
---@field text string The text.

---Where the log of the session ends now.
---@class tenon.SeqResult
---@field seq integer The seq of the event that recorded it.

---What changed. In a session's own log: title, settings or environment; in the `all` log: the item, where changes of state are told at most once a second.
---@class tenon.SessionChanged
---@field environment? table<string, string> New variables for its children, whole.
---@field item? tenon.SessionItem The session's item, in the `all` log alone.
---@field settings? tenon.Settings The new effective settings.
---@field title? string The new title.

---The session takes no more work.
---@class tenon.SessionClosed
---@field how tenon.CloseHow archive; a deleted session has no log.

---The first event of a session's log.
---@class tenon.SessionCreated
---@field environment table<string, string> The variables its children get.
---@field settings tenon.Settings Settings as they were effective.
---@field workspace string The workspace, a `file://` URI.
---@field at? integer For a fork: the place in the parent's log.
---@field ephemeral? boolean Whether it ends with the daemon.
---@field parent? tenon.SessionId The session it was forked from or started by.
---@field title? string What it is about.

---A session: one conversation and its log.
---@alias tenon.SessionId string

---An entry of the session list.
---@class tenon.SessionItem
---@field changedFiles integer Files it changed.
---@field cost number US dollars so far; absent prices count as 0.
---@field createdAt string RFC 3339, UTC, milliseconds.
---@field head tenon.Cursor The end of its log.
---@field id tenon.SessionId The session.
---@field model string The model in force.
---@field profile string The profile in force.
---@field state tenon.SessionState What it does now.
---@field title string What it is about, one line.
---@field unanswered integer Requests nobody answered yet.
---@field updatedAt string RFC 3339, UTC, milliseconds.
---@field workspace string Its workspace, a `file://` URI.
---@field parent? tenon.SessionId The session that started it.
---@field queued? integer Messages that wait for their delivery; absent where none does.

---Limits of a session's turns.
---@class tenon.SessionLimits
---@field costUsd? number US dollars of a turn.
---@field steps? integer Steps of a turn.
---@field turnTimeoutS? integer Seconds of a turn.

---A session appeared.
---@class tenon.SessionListed
---@field item tenon.SessionItem Its item.

---A session was deleted.
---@class tenon.SessionRemoved
---@field sessionId tenon.SessionId Which.

---Files or conversation went back. The log is never cut: what came before is still there.
---@class tenon.SessionReverted
---@field checkpointId tenon.CheckpointId The place just before it.
---@field scope tenon.RevertScope What went back.
---@field to tenon.RevertTo Where to.
---@field at? integer Where the conversation goes on: behind this event. Absent where only files went back.
---@field by? tenon.By Who asked for it.
---@field changeId? tenon.ChangeId The change that it is; absent where no file changed.

---What a session does now.
---@alias tenon.SessionState
---| '"idle"' # It rests.
---| '"running"' # A turn runs.
---| '"waiting"' # A turn waits for a person.
---| '"closed"' # It is archived.

---What the session does now.
---@class tenon.SessionStateChanged
---@field state tenon.SessionState idle, running or waiting; closed has an event of its own.

---What a session works with. Absent members keep what they were.
---@class tenon.Settings
---@field limits? tenon.SessionLimits Limits of its turns.
---@field model? string `provider/model`.
---@field profile? string The profile's name.
---@field trust? tenon.TrustSetting `session` lifts the cap of an untrusted workspace for this session.

---How bad a problem is.
---@alias tenon.Severity
---| '"error"' # It is wrong.
---| '"warning"' # It may be wrong.
---| '"information"' # It is worth knowing.
---| '"hint"' # It could be better.

---Support for commands.
---@class tenon.ShellSupport
---@field sandbox tenon.SandboxInfo The sandbox they run in.
---@field capture? tenon.CaptureInfo How it is found out what they changed; absent as long as that is not known.

---A skill came.
---@class tenon.SkillAdded
---@field item tenon.SkillItem Its item.
---@field workspace? string The workspace in whose list it is, a `file://` URI; absent for the list without a workspace.

---A skill is another now.
---@class tenon.SkillChanged
---@field item tenon.SkillItem Its item.
---@field workspace? string The workspace in whose list it is, a `file://` URI; absent for the list without a workspace.

---A skill: how to do something, sent to the model in place of a message that begins with `/` and its name, with the place of the files beside it.
---@class tenon.SkillItem
---@field file string Its file, `SKILL.md`: relative to the workspace, absolute for the person's own.
---@field from tenon.CommandOrigin Where it comes from.
---@field id string Its name, without the slash: that of its folder.
---@field description? string What it is for, one line.

---A skill went.
---@class tenon.SkillRemoved
---@field id string Which.
---@field workspace? string The workspace in whose list it was, a `file://` URI; absent for the list without a workspace.

---A session at a cursor: what a client needs to draw it before it observes the rest. At most 1 MiB.
---@class tenon.Snapshot
---@field items tenon.SnapshotItem[] The newest messages, calls and changes, oldest first, at most 200.
---@field jobs tenon.Json[] Running jobs.
---@field plans tenon.Json[] Open plans.
---@field queue tenon.QueuedMessage[] Messages that wait, in the order in which they will be delivered: steers, then the queue.
---@field requests tenon.RequestItem[] Open requests.
---@field settings tenon.Settings Effective settings.
---@field state tenon.SessionState What it does.
---@field tests string[] Test harnesses found in the workspace.
---@field trust tenon.TrustState Whether the workspace is trusted.
---@field usage tenon.Usage Usage so far.
---@field before? tenon.Cursor Where to page on backwards with `agent/log`, if `items` is not everything.
---@field descendantRequests? tenon.RequestItem[] Open requests of its descendants; `session` says whose. Absent where there is none.
---@field turnId? tenon.TurnId The running turn.

---One of the newest things in a session's log: the closing event of a message, call or change.
---@class tenon.SnapshotItem
---@field type string The event's type.
---@field at string When it happened.
---@field data tenon.Json The event's data.
---@field seq integer Its place.
---@field text string One line for people.
---@field cut? boolean Whether texts in `data` are shortened: the whole event is in the log, at `seq`.
---@field turn? tenon.TurnId The turn it belongs to.

---How far a step is.
---@alias tenon.StepStatus
---| '"pending"' # Not begun.
---| '"active"' # Worked on.
---| '"done"' # Done.
---| '"dropped"' # Given up.

---Why a turn ended.
---@alias tenon.Stop
---| '"done"' # The model had no more to say.
---| '"interrupted"' # Somebody interrupted it.
---| '"failed"' # It failed; `error` says how.
---| '"refused"' # The model refused.
---| '"limit"' # A limit was reached.

---A command.
---@class tenon.Subject.command
---@field type "command"
---@field argv string[] What will run, argument by argument.
---@field cwd string Where, relative to the workspace.
---@field exe string The program that will run.
---@field needs string[] What it needs beyond the sandbox.
---@field sandbox integer The sandbox level.
---@field notes? string[] What to know before answering, one line each: the programs that it runs, what it removes and overwrites, characters that are not seen.

---Edits of files.
---@class tenon.Subject.edit
---@field type "edit"
---@field files tenon.FileChange[] The files.
---@field patch string The edits as a patch.

---Network access.
---@class tenon.Subject.network
---@field type "network"
---@field hosts string[] The hosts.
---@field url? string The whole address, where it is one page that is asked for.

---A limit that was reached.
---@class tenon.Subject.limit
---@field type "limit"
---@field limit string Which: `steps`, `costUsd`.
---@field value number Its value.

---A provider that needs a key.
---@class tenon.Subject.login
---@field type "login"
---@field how string How to bring one.
---@field provider string The provider.

---A workspace that is not trusted yet.
---@class tenon.Subject.trust
---@field type "trust"
---@field enables string[] What trusting it would enable, one line each.
---@field workspace string The workspace, a `file://` URI.

---Files that stand in the way of a change.
---@class tenon.Subject.conflict
---@field type "conflict"
---@field conflicts tenon.Conflict[] What stands in the way.

---What a request is about, in the shape a client draws.
---@alias tenon.Subject
---| tenon.Subject.command
---| tenon.Subject.edit
---| tenon.Subject.network
---| tenon.Subject.limit
---| tenon.Subject.login
---| tenon.Subject.trust
---| tenon.Subject.conflict

---A key on its way to the agent. `Debug` shows nothing of it.
---@alias tenon.SubmittedKey string

---What the project's tests said of a plan, or of a part of it: they ran on the files as they would be.
---@class tenon.TestReport
---@field command string What ran.
---@field harness string The harness, as the snapshot's `tests` names it.
---@field ok boolean Whether they passed.
---@field rev integer The revision of the plan.
---@field text string What they printed, long outputs cut in the middle.
---@field exit? integer The exit code.
---@field failed? integer How many failed.
---@field failures? string[] The names of failed ones, at most 50.
---@field passed? integer How many passed, where the output tells it.
---@field reference? string Where the whole output is, if `text` was cut.
---@field timedOut? boolean Whether they took too long and were ended.

---A call is settled: the model gets exactly this.
---@class tenon.ToolEnded
---@field callId tenon.CallId The call.
---@field content tenon.Content[] The result.
---@field status tenon.CallStatus How.
---@field changeId? tenon.ChangeId The change it made.
---@field deniedBy? tenon.DeniedBy For `denied`: what refused it.
---@field exit? integer For commands: the exit code.
---@field ref? string The whole output, where `content` was cut.

---What a tool is about, for icons and grouping.
---@alias tenon.ToolKind
---| '"read"' # Looks at files.
---| '"edit"' # Changes files.
---| '"search"' # Searches.
---| '"execute"' # Runs a command.
---| '"fetch"' # Reads a page of the network.
---| '"plan"' # Keeps the plan.
---| '"other"' # Anything else.

---The model wants a call. Nothing has run.
---@class tenon.ToolProposed
---@field callId tenon.CallId The call.
---@field digest string BLAKE3 of name and arguments.
---@field input tenon.Json Its arguments; a string where they were no JSON.
---@field kind tenon.ToolKind What it is about.
---@field name string The tool's name, as the model wrote it.
---@field title string What it will do, one line.
---@field ref? string All of the arguments, as JSON text, where `input` was shortened: over 1 MiB of it.

---A call was allowed and starts: the record that its effect may have happened from here on.
---@class tenon.ToolStarted
---@field allowedBy string Why it may: `profile edit`, `rule allow cargo test *`, `allowed by a person`.
---@field callId tenon.CallId The call.
---@field effect tenon.EffectClass What it may do to the world.
---@field intent tenon.PathIntent[] What it will write, before and after.
---@field allowed? tenon.Allowance[] What let each part of it happen, the call itself first; absent where it only reads.
---@field digest? string BLAKE3 of exactly what runs: what an approval was bound to, and would be.
---@field sandbox? integer For commands: the sandbox level.

---How far a session's own settings lift the cap of an untrusted workspace.
---@alias tenon.TrustSetting "session"

---Whether a person trusts the workspace.
---@alias tenon.TrustState
---| '"trusted"' # Its configuration is read, its profile not capped.
---| '"untrusted"' # Capped at `read`.
---| '"pending"' # Capped at `read` until the open trust request is answered.

---A file that trust is bound to.
---@class tenon.TrustedFile
---@field digest string BLAKE3 of what it is known by.
---@field path string Where it is.

---A turn ended.
---@class tenon.TurnEnded
---@field stop tenon.Stop Why.
---@field usage tenon.Usage What it used.
---@field denied? integer Calls that were refused because the workspace is untrusted or nobody could be asked.
---@field error? tenon.ProviderFailure What went wrong.
---@field limit? string Which limit was reached: `steps`, `costUsd`, `turnTimeoutS`, `output`.
---@field messageId? tenon.MessageId The message that is its answer.

---A turn of a session.
---@alias tenon.TurnId string

---A turn began.
---@class tenon.TurnStarted
---@field messageId tenon.MessageId The message that started it.
---@field model string `provider/model`.
---@field profile string The profile in force.
---@field planId? tenon.PlanId The plan that it makes or revises: its edits are staged, nothing on disk changes.
---@field planRev? integer The revision that it makes.

---Something a change could not cover, and why.
---@class tenon.Uncovered
---@field path string Relative to the workspace.
---@field reason string Why.

---Tokens and cost of some work.
---@class tenon.Usage
---@field inputTokens integer Tokens sent, those read from a cache included.
---@field outputTokens integer Tokens received.
---@field cacheReadTokens? integer Of the tokens sent, those the provider had cached.
---@field cacheWriteTokens? integer Tokens the provider wrote to its cache.
---@field cost? number US dollars, where prices are known.
---@field estimated? boolean Whether the server sent no figures and these are estimated.

---Usage of the session so far.
---@class tenon.UsageChanged
---@field usage tenon.Usage The sum.

---What a verification found.
---@class tenon.Verified
---@field broken string[] What does not fit, one line each; empty when all does.
---@field commits integer Transactions whose chain was followed.
---@field events integer Events whose chain was followed.
---@field logs integer Logs that were read.

---A workspace is trusted now.
---@class tenon.WorkspaceAdded
---@field item tenon.WorkspaceItem Its item.

---A workspace a person trusts.
---@class tenon.WorkspaceItem
---@field id string The workspace, a `file://` URI.
---@field trustedAt string When it was trusted.
---@field files? tenon.TrustedFile[] The files that make programs run something, as they were then: trust holds as long as they are the same.

---A workspace is trusted no more.
---@class tenon.WorkspaceRemoved
---@field id string The workspace, a `file://` URI.
---@field changes? string[] Where nobody took the trust back: what has changed in the workspace, one line each.

---Every request.
---@alias tenon.Method
---| '"agent/admin"' # Housekeeping of the daemon. tenon.AdminParams -> tenon.AdminResult
---| '"agent/answer"' # Answers a request. tenon.AnswerParams -> tenon.SeqResult
---| '"agent/apply"' # Writes what is staged, whole or in part, or drops it. tenon.ApplyParams -> tenon.ApplyResult
---| '"agent/auth"' # Logs in to a provider with a key, or out. tenon.AuthParams -> tenon.AuthResult
---| '"agent/close"' # Parts with a session. tenon.CloseParams -> tenon.SeqResult
---| '"agent/complete"' # Completes a mention or a command in a message that is being written. tenon.CompleteParams -> tenon.CompleteResult
---| '"agent/configure"' # Reads or changes a layer of the configuration. tenon.ConfigureParams -> tenon.ConfigureResult
---| '"agent/diff"' # Compares two places in the history of a session's files. tenon.DiffParams -> tenon.DiffResult
---| '"agent/fetch"' # Reads a content by its reference. tenon.FetchParams -> tenon.FetchResult
---| '"agent/interrupt"' # Interrupts the running turn. tenon.InterruptParams -> tenon.InterruptResult
---| '"agent/job"' # Writes to a running job, resizes it, ends it or brings it to the foreground. tenon.JobParams -> tenon.JobResult
---| '"agent/list"' # Lists things of a kind. tenon.ListParams -> tenon.ListResult
---| '"agent/log"' # Reads a page of a log. tenon.LogParams -> tenon.LogResult
---| '"agent/observe"' # Subscribes to a log. tenon.ObserveParams -> string
---| '"agent/open"' # Opens, attaches to or forks a session. tenon.OpenParams -> tenon.OpenResult
---| '"agent/pending"' # Changes a message that waits. tenon.PendingParams -> tenon.PendingResult
---| '"agent/plan"' # Asks for a plan: a turn whose edits are staged. tenon.PlanParams -> tenon.PlanResult
---| '"agent/prompt"' # Sends a message. tenon.PromptParams -> tenon.PromptResult
---| '"agent/revert"' # Goes back to an earlier place of files or conversation. tenon.RevertParams -> tenon.RevertResult
---| '"agent/run"' # Runs the person's own command. tenon.RunParams -> tenon.RunResult
---| '"agent/unobserve"' # Ends a subscription. [string] -> boolean

---The codes of errors; the kind stands in `error.data.kind`.
---@alias tenon.ErrorCode
---| -32803 # failed
---| -32801 # contentModified
---| -32800 # cancelled
---| -32700 # parseError
---| -32603 # internal
---| -32602 # invalidParams
---| -32601 # methodNotFound
---| -32600 # invalidRequest
---| -32002 # notInitialized
---| 1002 # unknownKind
---| 1005 # unsupportedProtocol
---| 1006 # draining
---| 1007 # alreadyOwned
---| 1008 # tooManyConnections
---| 1101 # sessionNotFound
---| 1102 # sessionClosed
---| 1103 # notSteerable
---| 1104 # queueFull
---| 1106 # sessionBusy
---| 1107 # notPending
---| 1108 # noTurn
---| 1110 # workspaceNotFound
---| 1201 # changeNotFound
---| 1202 # conflict
---| 1203 # notReady
---| 1204 # notReversible
---| 1205 # requestNotFound
---| 1206 # alreadyResolved
---| 1301 # cursorExpired
---| 1302 # tooManyObservers
---| 1401 # authRequired
---| 1402 # authFailed
---| 1403 # forbidden
---| 1501 # invalidConfig
---| 1502 # revMismatch
---| 1601 # sandboxUnavailable
---| 1602 # jobNotFound
---| 1701 # refNotFound
---| 1801 # storageFull
---| 1802 # storageBusy

---The parameters of the notification `agent/event`.
---@class tenon.AgentEvent
---@field subscription string
---@field result tenon.Envelope|tenon.Delta
