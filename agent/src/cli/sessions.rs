//! `tenon sessions`. Not here: what a session is.
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use tenon_protocol::list::ListFilter;
use tenon_protocol::methods::Close;
use tenon_protocol::open::{CloseHow, CloseParams};
use tenon_protocol::session::SessionItem;

use crate::base::uri;
use crate::cli::duration;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

mod storage;

/// The arguments of `tenon sessions`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    change: Option<Change>,
    /// Only those of the workspace of this directory
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    workspace: Option<PathBuf>,
    /// Archived ones too
    #[arg(long)]
    all: bool,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// What can be done to sessions.
#[derive(Debug, Subcommand)]
enum Change {
    /// Takes sessions out of use; their logs stay, and forks may begin in them
    Archive(ChangeArgs),
    /// Deletes sessions with their logs
    Delete(ChangeArgs),
    /// Deletes old sessions, and stored contents that no session needs any more
    Prune(PruneArgs),
    /// Writes a session, with the contents it names, to a file of JSON lines
    Export(ExportArgs),
}

/// The sessions that are changed.
#[derive(Args, Debug)]
struct ChangeArgs {
    /// The sessions, by id
    #[arg(value_name = "SESSION", required = true)]
    sessions: Vec<String>,
}

/// What may go.
#[derive(Args, Debug)]
struct PruneArgs {
    /// Sessions in which nothing happened for this time, such as 90d or 12h
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    older_than: Option<Duration>,
    /// All but the N newest of each workspace
    #[arg(long, value_name = "N")]
    keep: Option<u64>,
    /// Also the copies of package managers' caches that commands wrote to
    #[arg(long)]
    caches: bool,
    /// Only says what would go
    #[arg(long)]
    dry_run: bool,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

/// What is written, and where.
#[derive(Args, Debug)]
struct ExportArgs {
    /// The session, by id
    #[arg(value_name = "SESSION")]
    session: String,
    /// The new file; SESSION.jsonl where none is named
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &SessionsArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(args.workspace.as_deref())?;
    let terminal = Terminal::of(&surroundings.variables, false);
    match &args.change {
        Some(Change::Archive(change)) => return close(&surroundings, &change.sessions, CloseHow::Archive),
        Some(Change::Delete(change)) => return close(&surroundings, &change.sessions, CloseHow::Delete),
        Some(Change::Prune(prune)) => return storage::prune(&surroundings, terminal, prune),
        Some(Change::Export(export)) => return storage::export(&surroundings, terminal, export),
        None => {}
    }
    let workspace = match &args.workspace {
        Some(_) => Some(surroundings.workspace_uri()?),
        None => None,
    };
    let filter = Some(ListFilter { workspace, state: None, archived: args.all.then_some(true) });
    let items = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        listing::read(&client, &Wanted { kind: "session", session: None, filter }).await
    })?;
    let headings = ["SESSION", "STATE", "UPDATED", "COST", "TITLE", "WORKSPACE"];
    listing::print(terminal, &items, args.json, &headings, "no sessions yet", |item: SessionItem| {
        let state = match item.unanswered {
            0 => item.state.to_string(),
            unanswered => format!("{} ({unanswered}?)", item.state),
        };
        let workspace = path_of(&item.workspace);
        let cost = if item.cost > 0.0 { format!("${:.2}", item.cost) } else { String::new() };
        let title = match &item.parent {
            Some(parent) => format!("{} (from {parent})", item.title),
            None => item.title,
        };
        vec![item.id.to_string(), state, short_time(&item.updated_at), cost, title, workspace]
    })?;
    Ok(Exit::Done)
}

/// Archives or deletes sessions, one after the other; the first that cannot be ends it.
fn close(surroundings: &Surroundings, sessions: &[String], how: CloseHow) -> Result<Exit, Failure> {
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        for session in sessions {
            client.call::<Close>(&CloseParams { session_id: session.as_str().into(), how }).await?;
        }
        Ok(Exit::Done)
    })
}

/// Cuts a protocol time down to minutes: `2026-01-02 03:04`.
pub(crate) fn short_time(at: &str) -> String {
    at.get(..16).unwrap_or(at).replacen('T', " ", 1)
}

/// Returns the path that a URI of the wire names, for people.
pub(crate) fn path_of(workspace: &str) -> String {
    uri::to_path(workspace).map_or_else(|| workspace.to_owned(), |path| path.display().to_string())
}
