//! `tenon tools`. Not here: the tools.
use clap::Args;
use tenon_protocol::tool::ToolItem;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// Characters shown of a description.
const DESCRIPTION_CHARS_MAX: usize = 90;

/// The arguments of `tenon tools`.
#[derive(Args, Debug)]
pub(crate) struct ToolsArgs {
    /// Those of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ToolsArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    let wanted = Wanted { kind: "tool", session: args.session.clone(), filter: None };
    let items = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        listing::read(&client, &wanted).await
    })?;
    let headings = ["TOOL", "KIND", "DESCRIPTION"];
    listing::print(terminal, &items, args.json, &headings, "no tools", |item: ToolItem| {
        let first = item.description.lines().next().unwrap_or_default();
        let mut description: String = first.chars().take(DESCRIPTION_CHARS_MAX).collect();
        if first.chars().count() > DESCRIPTION_CHARS_MAX {
            description.push('…');
        }
        vec![item.id, item.kind.to_string(), description]
    })?;
    Ok(Exit::Done)
}
