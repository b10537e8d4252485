//! `tenon trust`: a person's word about a workspace. Not here: what trust changes.
use std::path::PathBuf;

use clap::Args;
use tenon_protocol::admin::{AdminOp, AdminParams};
use tenon_protocol::event::all::WorkspaceItem;
use tenon_protocol::methods::Admin;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::sessions::{path_of, short_time};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};

/// The arguments of `tenon trust`.
#[derive(Args, Debug)]
pub(crate) struct TrustArgs {
    /// The workspace of this directory instead of the current one
    dir: Option<PathBuf>,
    /// Lists the workspaces that are trusted
    #[arg(long, conflicts_with_all = ["revoke", "dir"])]
    list: bool,
    /// Takes the trust back
    #[arg(long)]
    revoke: bool,
    /// With --list: prints one JSON object a line
    #[arg(long, requires = "list")]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &TrustArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(args.dir.as_deref())?;
    let terminal = Terminal::of(&surroundings.variables, false);
    if args.list {
        return list(&surroundings, terminal, args.json);
    }
    let workspace = surroundings.workspace_uri()?;
    let (op, word) = if args.revoke { (AdminOp::Revoke, "not trusted") } else { (AdminOp::Trust, "trusted") };
    let params = AdminParams { workspace: Some(workspace.clone()), ..AdminParams::of(op) };
    let result = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Asking).await?;
        Ok(client.call::<Admin>(&params).await?)
    })?;
    terminal.note(&format!("{} is {word} now", safe_line(&path_of(&workspace))));
    let enables = result.enables.unwrap_or_default();
    if !enables.is_empty() {
        terminal.note("as it is; a change of one of these is asked about:");
    }
    for line in &enables {
        terminal.note(&format!("  {}", safe_line(line)));
    }
    Ok(Exit::Done)
}

fn list(surroundings: &Surroundings, terminal: Terminal, json: bool) -> Result<Exit, Failure> {
    let items = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        listing::read(&client, &Wanted { kind: "workspace", session: None, filter: None }).await
    })?;
    let headings = ["TRUSTED", "WORKSPACE"];
    listing::print(
        terminal,
        &items,
        json,
        &headings,
        "no workspace is trusted yet",
        |item: WorkspaceItem| {
            let path = path_of(&item.id);
            vec![short_time(&item.trusted_at), path]
        },
    )?;
    Ok(Exit::Done)
}
