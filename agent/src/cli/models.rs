//! `tenon models`. Not here: the catalogue.
use clap::Args;
use tenon_protocol::model::ModelItem;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon models`.
#[derive(Args, Debug)]
pub(crate) struct ModelsArgs {
    /// As this session sees them
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ModelsArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    let wanted = Wanted { kind: "model", session: args.session.clone(), filter: None };
    let items = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        listing::read(&client, &wanted).await
    })?;
    let nothing = "no models: set up a provider, see `tenon doctor`";
    let headings = ["MODEL", "READY", "CONTEXT", "$/M IN", "$/M OUT", ""];
    listing::print(terminal, &items, args.json, &headings, nothing, |item: ModelItem| {
        let price = |cost: Option<f64>| cost.map(|cost| format!("{cost:.2}")).unwrap_or_default();
        let context = item.context_tokens.map(|tokens| format!("{}k", tokens / 1_000)).unwrap_or_default();
        let ready = if item.ready { "yes" } else { "no key" }.to_owned();
        let default = if item.default == Some(true) { "default" } else { "" }.to_owned();
        vec![item.id, ready, context, price(item.input_cost), price(item.output_cost), default]
    })?;
    Ok(Exit::Done)
}
