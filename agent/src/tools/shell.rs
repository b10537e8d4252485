//! The tool `shell`: a command, supervised. Not here: whether it may run (`approvals`) and how it is confined (`sandbox`).
//!
//! The records of a command stay in `records_dir` when it has ended: recovery needs them until the call's settlement is
//! durable, so whoever settles calls removes them.
mod caught;
mod compared;
mod copies;
mod follow;
mod hint;
mod needs;
mod program;
mod reach;
mod told;
mod verdict;

use std::convert::Infallible;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::request::Subject;
use tenon_protocol::tool::{CallStatus, EffectClass, ToolKind};

use crate::base::secret::Secrets;
use crate::changes::blobs::BlobStore;
use crate::changes::capture::Bases;
use crate::config::Capture;
use crate::network::Visits;
use crate::process::{Ended, Exit, Launch, ProcessError, Running, Spawn};
use crate::sandbox::{Capturing, Command, Given, Laid, LayerFolder, Level, Limits, Needs, launch, wanted};
use crate::tools::arguments::{count, one_line, parse};
use crate::tools::background::blocking;
use crate::tools::context::Unsaved;
use crate::tools::fingerprint::Fingerprint;
use crate::tools::limits::{COMMAND_BYTES_MAX, COMMAND_TIMEOUT_MAX};
use crate::tools::output::{Shown, show};
use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure, Work};
use crate::tools::shadow::{Shadow, ShadowParts};
use crate::tools::shell::caught::{Caught, Layered};
use crate::tools::shell::compared::Compared;
use crate::tools::shell::copies::Copying;
use crate::tools::shell::follow::{Followed, follow};
use crate::tools::shell::hint::hint;
use crate::tools::shell::needs::{Needed, Wanted, needed};
use crate::tools::shell::program::program;
use crate::tools::shell::reach::{Opened, Reach, network, told};
use crate::tools::target::{Target, failure, wire};
use crate::tools::{Boxed, Descriptor, RunContext, Tool, ToolContext};
use crate::workspace::error::FileError;
use crate::workspace::identity::Kind;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::through::through;

/// Files that the model has read and of which is kept what they hold before a command, and how much that may be together: in
/// memory, while the command runs.
const READ_MAX: usize = 256;
const BASES_BYTES: u64 = 4 << 20;

/// Runs commands.
#[derive(Debug)]
pub(super) struct Shell;

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(alias = "cmd")]
    command: String,
    #[serde(default, deserialize_with = "count", alias = "timeout")]
    timeout_s: Option<usize>,
    #[serde(default, alias = "workdir")]
    cwd: Option<String>,
    #[serde(default)]
    needs: Option<Wanted>,
}

impl Tool for Shell {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "shell",
            kind: ToolKind::Execute,
            description: "Run a command in bash: tests, builds, git. No terminal, stdin is empty; everything it starts ends with \
                          it. Long output is cut in the middle. To look at or change files use the other tools.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "command": {"type": "string"},
                    "timeout_s": {"type": "integer", "description": "120 by default, at most 600"},
                    "cwd": {"type": "string", "description": "folder; the workspace by default"},
                    "needs": {
                        "type": "object",
                        "description": "what it needs beyond the workspace's own files: the person is asked",
                        "properties": {
                            "write": {"type": "array", "items": {"type": "string"}, "description": "e.g. .git, ~/.cache/x"},
                            "net": {"type": "array", "items": {"type": "string"}, "description": "exact hosts"}
                        }
                    }
                },
                "required": ["command"]
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        match arguments.get("command").and_then(Value::as_str).map(one_line) {
            Some(line) if !line.is_empty() => line,
            Some(_) | None => "shell".to_owned(),
        }
    }

    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>> {
        Box::pin(async move {
            let arguments: Arguments = parse(
                "shell",
                "command, timeout_s?, cwd?, needs?: {write?: [path], net?: [host]}",
                arguments,
            )?;
            if arguments.command.trim().is_empty() {
                return Err(ToolFailure::new("argument `command` is empty"));
            }
            if arguments.command.len() > COMMAND_BYTES_MAX {
                return Err(ToolFailure::new(format!(
                    "the command is longer than {COMMAND_BYTES_MAX} bytes; write it to a file and run that"
                )));
            }
            if arguments.command.contains('\0') {
                return Err(ToolFailure::new(
                    "the command holds a NUL character, which no program can be given",
                ));
            }
            // Whether it gets copies of caches is a part of what is asked; found out once.
            let has_layers = context.capturing.find().await.is_ok();
            let context = context.clone();
            blocking(move || prepared(&context, arguments, has_layers)).await?
        })
    }
}

fn prepared(context: &ToolContext, arguments: Arguments, has_layers: bool) -> Result<Prepared, ToolFailure> {
    let Arguments { command, timeout_s, cwd, needs } = arguments;
    let level = wanted(&context.sandbox, &context.probe);
    let copies = has_layers
        && context.sandbox.caches_mib > 0
        && context.probe.at_least(level) == Some(Level::Isolated);
    let Needed { needs, caches, absent } = needed(context, &command, &needs.unwrap_or_default(), copies)?;
    let home = context.environment.get("HOME").map(String::as_str);
    let target = folder(context, cwd.as_deref())?;
    let asked = timeout_s.map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)));
    let timeout = asked.unwrap_or(context.command_timeout).clamp(Duration::from_secs(1), COMMAND_TIMEOUT_MAX);
    let absolute = context.root.absolute(&target.real);
    let launch = launch(
        Command {
            text: &command,
            cwd: &absolute,
            workspace: context.root.path(),
            given: Given {
                writable: needs.writable(context.root.path(), home),
                caches: caches.clone(),
                network: network(&needs),
                unix_sockets: context.sandbox.unix_sockets,
            },
            limits: Limits::of(&context.sandbox),
            session_env: &context.environment,
            timeout,
            // The collector bounds what is kept, and keeps the end, which the spawner would throw away.
            output_bytes_max: u64::MAX,
            record_path: None,
        },
        level,
        &context.probe,
    )
    .map_err(|error| ToolFailure::new(error.to_string()))?;
    let argv: Vec<String> = launch.argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let exe = program(&command, &launch);
    let cwd = wire(&target.real);
    let mut fingerprint = Fingerprint::of("shell").with(&cwd).with(&exe).with([level.number()]);
    fingerprint = fingerprint.with(timeout.as_millis().to_le_bytes()).with_number(argv.len());
    fingerprint = argv.iter().fold(fingerprint, Fingerprint::with);
    fingerprint = launch.env.iter().fold(fingerprint, |all, (name, value)| all.with(name).with(value));
    let told = needs.texts();
    fingerprint = told.iter().fold(fingerprint.with_number(told.len()), Fingerprint::with);
    Ok(Prepared {
        effect: EffectClass::Command,
        access: Access::Command { command: command.clone(), needs: needs.clone() },
        intent: Vec::new(),
        subject: Some(subject(argv, cwd, exe, level, told)),
        digest: fingerprint.digest(),
        work: Box::new(Run {
            launch,
            level,
            reach: Reach::of(context, &needs, level),
            needs,
            absent,
            copies: Copying { caches, of: Arc::clone(&context.caches), mib_max: context.sandbox.caches_mib },
            command,
            spawner: Arc::clone(&context.spawner),
            blobs: Arc::clone(&context.blobs),
            secrets: context.secrets.clone(),
            records_dir: context.records_dir.clone(),
            root: Arc::clone(&context.root),
            capturing: Arc::clone(&context.capturing),
            capture: context.sandbox.capture,
            output_bytes_max: context.sandbox.output_mib.saturating_mul(1 << 20),
            read: context.reads.paths().take(READ_MAX).cloned().collect(),
            unsaved: context.unsaved.clone(),
            shadow: ShadowParts::of(context),
        }),
    })
}

/// Returns what a person is asked about; notes are added when somebody is.
const fn subject(argv: Vec<String>, cwd: String, exe: String, level: Level, needs: Vec<String>) -> Subject {
    Subject::Command { argv, cwd, exe, sandbox: level.number(), needs, notes: Vec::new() }
}

/// Returns the folder that a command starts in.
fn folder(context: &ToolContext, cwd: Option<&str>) -> Result<Target, ToolFailure> {
    let target = Target::find(&context.root, cwd.filter(|cwd| !cwd.is_empty()).unwrap_or("."))?;
    let kind = context
        .root
        .stat(&target.real)
        .map_err(|error| failure(&context.root, &error))?
        .map(|stat| stat.kind);
    match kind {
        Some(Kind::Folder) => Ok(target),
        Some(Kind::File | Kind::Link | Kind::Special) => {
            Err(failure(&context.root, &FileError::NotFolder(target.path)))
        }
        // A folder that only staged files have is there when the command runs.
        None if context.staged.as_ref().is_some_and(|staged| staged.has_beneath(&target.real)) => Ok(target),
        None => Err(failure(&context.root, &FileError::NotFound(target.path))),
    }
}

/// Runs one command.
#[derive(Debug)]
struct Run {
    launch: Launch,
    level: Level,
    needs: Needs,
    /// What it may reach through a door of its own.
    reach: Option<Reach>,
    /// Folders of caches that it may write and that are not there: what is not there cannot be opened to it.
    absent: Vec<PathBuf>,
    /// The caches of which it gets copies.
    copies: Copying,
    command: String,
    spawner: Arc<dyn Spawn>,
    blobs: Arc<dyn BlobStore>,
    secrets: Secrets,
    records_dir: PathBuf,
    root: Arc<Root>,
    capturing: Arc<Capturing>,
    capture: Capture,
    /// How much it may print before it is ended.
    output_bytes_max: u64,
    /// Files that the model has read: most of what commands change is among them.
    read: Vec<RelPath>,
    unsaved: Unsaved,
    /// What it runs in instead of the workspace, in a plan turn.
    shadow: Option<ShadowParts>,
}

/// What finds out what the command changed.
enum Catch {
    Shadow(Shadow),
    Layer(Layered),
    Compare(Compared),
}

impl Catch {
    /// Shows what the command has changed so far, as long as it runs and somebody watches; never returns.
    async fn show(&self, context: &RunContext) -> Infallible {
        match self {
            Self::Layer(layered) => layered.show(context).await,
            // There what is staged, or what anybody changed, cannot be told from it.
            Self::Shadow(_) | Self::Compare(_) => std::future::pending().await,
        }
    }

    async fn settle(self, context: &RunContext, needs: &Needs) -> Caught {
        match self {
            Self::Shadow(shadow) => Caught::in_shadow(shadow, context).await,
            Self::Layer(layered) => layered.settle(context, needs).await,
            Self::Compare(compared) => compared.settle(context, needs).await,
        }
    }
}

impl Work for Run {
    fn run(mut self: Box<Self>, context: RunContext) -> Boxed<'static, Outcome> {
        Box::pin(async move {
            if context.cancel.is_cancelled() {
                return Outcome::text(CallStatus::Interrupted, "interrupted before it was started");
            }
            // What is written has to be brought in, however long that takes.
            let _at_work = context.settling.begin();
            let (blobs, timeout) = (Arc::clone(&self.blobs), self.launch.timeout);
            let (secrets, output_bytes_max) = (self.secrets.clone(), self.output_bytes_max);
            let (level, needs) = (self.level, self.needs.clone());
            let copies = self.copies.clone();
            let reach = self.reach.take();
            let opened = match reach.map(|reach| reach.open(&mut self.launch)).transpose() {
                Ok(opened) => opened,
                Err(error) => return Outcome::failed(no_door(&error)),
            };
            let (running, catch, laid) = match self.start(&context).await {
                Ok(started) => started,
                Err(error) => return Outcome::failed(not_started(&error)),
            };
            let proxy = match opened.map(Opened::serve).transpose() {
                Ok(proxy) => proxy,
                Err(error) => {
                    // That ends it.
                    drop(running);
                    copies.done(laid);
                    return Outcome::failed(no_door(&error));
                }
            };
            let followed = tokio::select! {
                followed = follow(running, &context, &secrets, output_bytes_max) => followed,
                never = catch.show(&context) => match never {},
            };
            copies.done(laid);
            let Followed { output, is_cancelled, printed_too_much, end } = followed;
            let visits = match proxy {
                Some(proxy) => proxy.close().await,
                None => Visits::default(),
            };
            let caught = catch.settle(&context, &needs).await;
            let shown = blocking(move || show(output.into_text(), &*blobs)).await;
            let Shown { text, reference } =
                shown.unwrap_or_else(|failure| Shown { text: failure.0, reference: None });
            let (status, mut note) = verdict(&end, is_cancelled, timeout);
            if printed_too_much {
                let mib = output_bytes_max >> 20;
                note = format!("[ended: it printed more than {mib} MiB (sandbox.output_mib)]");
            }
            let hint = if status == CallStatus::Failed { hint(level, &needs, &text) } else { "" };
            let text = with_note(with_note(with_note(text, &caught.note), &note), hint);
            let text = with_note(text, &told(&visits));
            let mut outcome = Outcome::text(status, text);
            outcome.reference = reference;
            outcome.exit = end.ok().and_then(|exit| exit.code);
            caught.into_outcome(&mut outcome);
            outcome
        })
    }
}

impl Run {
    /// Starts the command: beneath a layer where there can be one, else with a look at what is there before.
    async fn start(self, context: &RunContext) -> Result<(Running, Catch, Option<Laid>), ProcessError> {
        let Self {
            mut launch,
            level,
            needs: _,
            absent,
            copies,
            reach: _,
            command,
            spawner,
            blobs,
            records_dir,
            root,
            capturing,
            capture,
            output_bytes_max: _,
            read,
            unsaved,
            secrets: _,
            shadow,
        } = self;
        if level >= Level::Confined {
            blocking(move || absent.iter().for_each(|folder| make(folder))).await.ok();
        }
        let laid = copies.lay(&root, &mut launch).await;
        launch.record_path = Some(records_dir.join(format!("{}.jsonl", context.call)));
        if let Some(parts) = shadow {
            let shadow =
                Shadow::open(parts).await.map_err(|error| ProcessError::NoLayer(error.to_string()))?;
            return Ok((shadow.start(launch).await?, Catch::Shadow(shadow), laid));
        }
        let made = LayerFolder::make(LayerFolder::place(&records_dir, context.call.as_str()));
        let since_ns = made.as_ref().ok().map(LayerFolder::since_ns);
        if capture == Capture::Exact
            && let (Ok(layer), Ok(())) = (made, capturing.find().await)
        {
            let own = Arc::clone(&root);
            let wanted = read.clone();
            let look = move || {
                let mut bases = Bases::with_room(BASES_BYTES);
                for path in &wanted {
                    bases.keep(&own, path);
                }
                (through(&own, &command), bases)
            };
            let (through, bases) = blocking(look).await.unwrap_or_default();
            let names = through.iter().map(|path| path.as_path().to_owned()).collect();
            let over = layer.layer(root.path().to_owned(), names);
            match spawner.run(Launch { layer: Some(over), ..launch.clone() }).await {
                Ok(running) => {
                    let layered = Layered { root, blobs, layer, bases: Arc::new(bases), through };
                    return Ok((running, Catch::Layer(layered), laid));
                }
                Err(ProcessError::NoLayer(reason)) => {
                    tracing::info!(%reason, "no layer over this workspace");
                }
                Err(error) => return Err(error),
            }
        }
        let place = LayerFolder::place(&records_dir, context.call.as_str());
        let look = move || {
            // Whoever interrupts it is told by this that there is nothing to drop.
            let _swept_later = LayerFolder::open(place).and_then(LayerFolder::remove);
            Compared::look(root, blobs, unsaved, &read, since_ns)
        };
        // Lost only with the runtime itself.
        let compared = blocking(look).await.map_err(|_| ProcessError::Lost)?;
        Ok((spawner.run(launch).await?, Catch::Compare(compared), laid))
    }
}

/// Makes the folder of a cache; where that cannot be, the command says what it lacks.
fn make(folder: &Path) {
    if let Err(error) = std::fs::create_dir_all(folder) {
        tracing::debug!(%error, "the folder of a cache was not made");
    }
}

fn no_door(error: &std::io::Error) -> String {
    format!("the door to the hosts that it needs cannot be opened: {error}")
}

fn not_started(error: &ProcessError) -> String {
    match error {
        ProcessError::Supervisor(source) => format!("{error}: {source}; nothing was run"),
        ProcessError::Invalid(_)
        | ProcessError::NotStarted { .. }
        | ProcessError::NoLayer(_)
        | ProcessError::Busy
        | ProcessError::Lost => error.to_string(),
    }
}

/// Decides how a call ended, and what stands below its output; nothing where all went well.
fn verdict(end: &Result<Exit, ProcessError>, is_cancelled: bool, timeout: Duration) -> (CallStatus, String) {
    let exit = match end {
        Ok(exit) => exit,
        Err(error) => return (CallStatus::Unknown, format!("[{error}]")),
    };
    let mut note = String::new();
    let status = match (exit.ended, exit.code, exit.signal) {
        (Ended::TimedOut, _, _) => {
            // Writing to a String cannot fail.
            let _ = write!(
                note,
                "[ended after {} s: its time was up. Set timeout_s for longer]",
                timeout.as_secs()
            );
            CallStatus::Failed
        }
        (Ended::Exceeded(bound), _, _) => {
            let _ = write!(note, "[ended: it took more {bound}]");
            CallStatus::Failed
        }
        (Ended::Itself, Some(0), _) => CallStatus::Ok,
        (Ended::Itself, Some(code), _) => {
            let _ = write!(note, "[exit code {code}]");
            CallStatus::Failed
        }
        (Ended::Killed | Ended::Abandoned, _, _) if is_cancelled => {
            note.push_str("[interrupted; what it had started was ended]");
            CallStatus::Interrupted
        }
        (Ended::Itself | Ended::Killed | Ended::Abandoned, _, signal) => {
            let _ = write!(note, "[killed by signal {}]", signal.unwrap_or_default());
            CallStatus::Failed
        }
    };
    if exit.survivors > 0 {
        let _ = write!(note, "\n[{} of its processes could not be ended]", exit.survivors);
    }
    (status, note)
}

fn with_note(mut text: String, note: &str) -> String {
    if text.is_empty() {
        text.push_str("(no output)");
    }
    if !note.is_empty() {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(note);
    }
    text
}
