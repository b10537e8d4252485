//! `tenon sessions prune` and `export`. Not here: what goes and what is written (the agent).
use std::path::absolute;

use tenon_protocol::admin::{AdminOp, AdminParams, AdminResult};
use tenon_protocol::json::Json;
use tenon_protocol::methods::Admin;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::sessions::{ExportArgs, PruneArgs};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};

/// Deletes what is old, and says what that was.
pub(super) fn prune(
    surroundings: &Surroundings,
    terminal: Terminal,
    args: &PruneArgs,
) -> Result<Exit, Failure> {
    let params = AdminParams {
        older_than_s: args.older_than.map(|time| time.as_secs()),
        keep: args.keep,
        caches: args.caches.then_some(true),
        dry_run: args.dry_run.then_some(true),
        ..AdminParams::of(AdminOp::Prune)
    };
    let Some(pruned) = ask(surroundings, &params)?.pruned else { return Ok(Exit::Done) };
    if args.json {
        terminal.line(&Json::from_serialize(&pruned).0.to_string())?;
        return Ok(Exit::Done);
    }
    for session in &pruned.sessions {
        terminal.line(&session.to_string())?;
    }
    let (would, sessions) = (if args.dry_run { "would delete" } else { "deleted" }, pruned.sessions.len());
    terminal.note(&format!(
        "{would} {sessions} sessions and {} unneeded contents ({} bytes)",
        pruned.blobs, pruned.bytes
    ));
    if let Some(bytes) = pruned.caches_bytes {
        terminal.note(&format!("{would} copies of caches ({bytes} bytes)"));
    }
    if args.older_than.is_none() && args.keep.is_none() && !args.caches {
        terminal.note("name --older-than or --keep to delete sessions");
    }
    Ok(Exit::Done)
}

/// Writes a session to a file, and prints the file's name.
pub(super) fn export(
    surroundings: &Surroundings,
    terminal: Terminal,
    args: &ExportArgs,
) -> Result<Exit, Failure> {
    let file = args.file.clone().unwrap_or_else(|| format!("{}.jsonl", args.session).into());
    let path = absolute(&file).map_err(|error| {
        Failure::new(FailureKind::Usage, format!("{} is no path: {error}", file.display()))
    })?;
    let params = AdminParams {
        session_id: Some(args.session.as_str().into()),
        path: Some(path.display().to_string()),
        ..AdminParams::of(AdminOp::Export)
    };
    if let Some(exported) = ask(surroundings, &params)?.exported {
        terminal.line(&safe_line(&exported.path))?;
        terminal.note(&format!("{} events, {} contents", exported.events, exported.blobs));
    }
    Ok(Exit::Done)
}

fn ask(surroundings: &Surroundings, params: &AdminParams) -> Result<AdminResult, Failure> {
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        Ok(client.call::<Admin>(params).await?)
    })
}
