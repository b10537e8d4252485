//! The tool `shell`: a command, supervised. Not here: whether it may run (`approvals`) and how it is confined (`sandbox`).
//!
//! The records of a command stay in `records_dir` when it has ended: recovery needs them until the call's settlement is
//! durable, so whoever settles calls removes them.
mod follow;
mod program;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::request::Subject;
use tenon_protocol::tool::{CallStatus, EffectClass, ToolKind};

use crate::changes::blobs::BlobStore;
use crate::process::{Ended, Exit, Launch, ProcessError, Spawn};
use crate::sandbox::{Command, launch};
use crate::tools::arguments::{count, one_line, parse};
use crate::tools::background::blocking;
use crate::tools::fingerprint::Fingerprint;
use crate::tools::limits::{COMMAND_BYTES_MAX, COMMAND_TIMEOUT_MAX};
use crate::tools::output::{Shown, show};
use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure, Work};
use crate::tools::shell::follow::{Followed, follow};
use crate::tools::shell::program::program;
use crate::tools::target::{Target, failure, wire};
use crate::tools::{Boxed, Descriptor, RunContext, Tool, ToolContext};
use crate::workspace::error::FileError;
use crate::workspace::identity::Kind;

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
                    "cwd": {"type": "string", "description": "folder; the workspace by default"}
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
            let arguments: Arguments = parse("shell", "command, timeout_s?, cwd?", arguments)?;
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
            let context = context.clone();
            blocking(move || prepared(&context, arguments)).await?
        })
    }
}

fn prepared(context: &ToolContext, arguments: Arguments) -> Result<Prepared, ToolFailure> {
    let Arguments { command, timeout_s, cwd } = arguments;
    let target = Target::find(&context.root, cwd.as_deref().filter(|cwd| !cwd.is_empty()).unwrap_or("."))?;
    let kind = context
        .root
        .stat(&target.real)
        .map_err(|error| failure(&context.root, &error))?
        .map(|stat| stat.kind);
    match kind {
        Some(Kind::Folder) => {}
        Some(Kind::File | Kind::Link | Kind::Special) => {
            return Err(failure(&context.root, &FileError::NotFolder(target.path)));
        }
        None => return Err(failure(&context.root, &FileError::NotFound(target.path))),
    }
    let timeout = timeout_s
        .map_or(context.command_timeout, |seconds| {
            Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
        })
        .clamp(Duration::from_secs(1), COMMAND_TIMEOUT_MAX);
    let level = context.probe.level;
    let absolute = context.root.absolute(&target.real);
    let launch = launch(
        Command {
            text: &command,
            cwd: &absolute,
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
    Ok(Prepared {
        effect: EffectClass::Command,
        access: Access::Command(command),
        intent: Vec::new(),
        subject: Some(Subject::Command { argv, cwd, exe, sandbox: level.number(), needs: Vec::new() }),
        digest: fingerprint.digest(),
        work: Box::new(Run {
            launch,
            spawner: Arc::clone(&context.spawner),
            blobs: Arc::clone(&context.blobs),
            records_dir: context.records_dir.clone(),
        }),
    })
}

/// Runs one command.
#[derive(Debug)]
struct Run {
    launch: Launch,
    spawner: Arc<dyn Spawn>,
    blobs: Arc<dyn BlobStore>,
    records_dir: PathBuf,
}

impl Work for Run {
    fn run(self: Box<Self>, context: RunContext) -> Boxed<'static, Outcome> {
        Box::pin(async move {
            let Self { mut launch, spawner, blobs, records_dir } = *self;
            if context.cancel.is_cancelled() {
                return Outcome::text(CallStatus::Interrupted, "interrupted before it was started");
            }
            launch.record_path = Some(records_dir.join(format!("{}.jsonl", context.call)));
            let timeout = launch.timeout;
            let running = match spawner.run(launch).await {
                Ok(running) => running,
                Err(error) => return Outcome::failed(not_started(&error)),
            };
            let Followed { output, is_cancelled, end } = follow(running, &context).await;
            let shown = blocking(move || show(output.into_text(), &*blobs)).await;
            let Shown { text, reference } =
                shown.unwrap_or_else(|failure| Shown { text: failure.0, reference: None });
            let (status, note) = verdict(&end, is_cancelled, timeout);
            let mut outcome = Outcome::text(status, with_note(text, &note));
            outcome.reference = reference;
            outcome.exit = end.ok().and_then(|exit| exit.code);
            outcome
        })
    }
}

fn not_started(error: &ProcessError) -> String {
    match error {
        ProcessError::Supervisor(source) => format!("{error}: {source}; nothing was run"),
        ProcessError::Invalid(_)
        | ProcessError::NotStarted { .. }
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
