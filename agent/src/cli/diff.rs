//! `tenon diff`: what a session changed. Not here: the comparison, which is the agent's.
use clap::Args;
use tenon_protocol::change::FileOp;
use tenon_protocol::diff::{DiffFile, DiffForm, DiffParams, DiffResult};
use tenon_protocol::json::Json;
use tenon_protocol::methods::Diff;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::plan::{LAST, newest};
use crate::cli::run::patch;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};
use crate::cli::which::session_or_newest;

/// The arguments of `tenon diff`.
#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// Only these files and folders of the workspace
    #[arg(value_name = "PATH")]
    paths: Vec<String>,
    /// The session; the newest of the workspace if absent
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// What a plan would change, by its id; the newest one of which something can be applied, without one
    #[arg(long, value_name = "PLAN", num_args = 0..=1, require_equals = true, default_missing_value = LAST,
          conflicts_with_all = ["from", "to"])]
    plan: Option<String>,
    /// Where to begin: start (the default), head, disk, or before the checkpoint, change, turn or plan of this id
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Where to end: start, head, disk, or after the change, turn or plan of this id
    #[arg(long, value_name = "PLACE", default_value = "disk")]
    to: String,
    /// Prints counts of lines instead of a patch
    #[arg(long)]
    stat: bool,
    /// Prints the answer as one JSON object
    #[arg(long)]
    json: bool,
    /// Prints without colours
    #[arg(long)]
    pub(super) no_color: bool,
}

/// Runs the command.
pub(crate) fn run(args: &DiffArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, args.no_color).all_on_output();
    let paths: Result<Vec<String>, Failure> =
        args.paths.iter().map(|path| absolute(&surroundings, path)).collect();
    let (paths, form) = (paths?, if args.stat { DiffForm::Stat } else { DiffForm::Patch });
    let result = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let session = session_or_newest(&client, &surroundings, args.session.as_deref()).await?;
        let to = match args.plan.as_deref() {
            None => args.to.clone(),
            Some(LAST) => newest(&client, &session, false).await?.id.to_string(),
            Some(plan) => plan.to_owned(),
        };
        let params = DiffParams {
            session_id: session.into(),
            from: args.from.clone(),
            to: Some(to),
            paths: (!paths.is_empty()).then_some(paths),
            form: Some(form),
        };
        Ok(client.call::<Diff>(&params).await?)
    })?;
    print(terminal, args, &result)?;
    Ok(Exit::Done)
}

/// A path is meant from where the person stands; the agent takes it from the workspace.
fn absolute(surroundings: &Surroundings, path: &str) -> Result<String, Failure> {
    let joined = surroundings.directory.join(path);
    let text = joined.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::usage(format!("{path}: the folder's name is not UTF-8")))
}

fn print(terminal: Terminal, args: &DiffArgs, result: &DiffResult) -> Result<(), Failure> {
    if args.json {
        terminal.line(&Json::from_serialize(result).0.to_string())?;
        return Ok(());
    }
    for file in result.files.iter().filter(|file| file.problem.is_some()) {
        let problem = file.problem.as_deref().unwrap_or_default();
        terminal.note(&format!("{}: {}", safe_line(&file.path), safe_line(problem)));
    }
    for file in result.files.iter().filter(|file| file.uncertain == Some(true)) {
        let path = safe_line(&file.path);
        terminal.note(&format!("{path}: somebody else may have changed it too, while a command ran"));
    }
    if result.files.is_empty() {
        terminal.note("nothing differs");
        return Ok(());
    }
    if args.stat {
        for file in &result.files {
            terminal.line(&stat(terminal, file))?;
        }
        return Ok(());
    }
    let text = result.patch.as_deref().unwrap_or_default();
    // A pipe gets every byte, for `git apply`.
    if terminal.output {
        terminal.print(&patch::whole(terminal, text))?;
    } else {
        terminal.print(text)?;
    }
    Ok(())
}

/// Returns the letter for what happens to a file.
pub(in crate::cli) const fn mark(op: &FileOp) -> &'static str {
    match op {
        FileOp::Add => "A",
        FileOp::Modify => "M",
        FileOp::Delete => "D",
        FileOp::Move => "R",
        FileOp::Unheard(_) => "?",
    }
}

/// Returns a file as one line: what happened, how many lines came and went, its path.
fn stat(terminal: Terminal, file: &DiffFile) -> String {
    let mark = mark(&file.op);
    let counts = if file.binary == Some(true) {
        format!("{:>6} {:>6}", "binary", "")
    } else {
        let (added, removed) =
            (format!("{:>6}", format!("+{}", file.added)), format!("{:>6}", format!("-{}", file.removed)));
        format!("{} {}", terminal.green(&added), terminal.red(&removed))
    };
    format!("{mark} {counts}  {}", safe_line(&file.path))
}
