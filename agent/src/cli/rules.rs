//! `tenon rules`: what stands about commands, paths and hosts here, configured and granted; and taking a grant back. Not here:
//! changing what is configured (`config`).
use clap::{Args, Subcommand};
use serde_json::json;
use tenon_client::Client;
use tenon_protocol::admin::{AdminOp, AdminParams};
use tenon_protocol::configure::ConfigEntry;
use tenon_protocol::event::all::GrantItem;
use tenon_protocol::methods::Admin;

use crate::cli::config;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::sessions::{path_of, short_time};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::table;
use crate::cli::terminal::Terminal;

/// The arguments of `tenon rules`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, after_help = HELP)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    command: Option<RulesCommand>,
    /// Grants of every workspace, not only of this one
    #[arg(long)]
    all: bool,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

const HELP: &str =
    "What denies goes before what asks, and that before what allows, over every part of a command.
A grant is what somebody allowed for good when they were asked; a rule that denies holds over every grant.

  tenon config add rules.deny 'git push *'     adds a rule of your own
  tenon rules revoke g_01k…                    takes a grant back";

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// Takes grants back
    Revoke {
        /// The grants, by id
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// One line of the list.
struct Row {
    verdict: &'static str,
    rule: String,
    from: String,
    grant: Option<GrantItem>,
}

/// Runs the command.
pub(crate) fn run(args: &RulesArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    block_on(async {
        let asks = if args.command.is_some() { Presence::Asking } else { Presence::Watching };
        let client = surroundings.client(Starting::OnDemand, asks).await?;
        match &args.command {
            Some(RulesCommand::Revoke { ids }) => revoke(&client, terminal, ids).await?,
            None => list(&client, &surroundings, terminal, args).await?,
        }
        Ok(Exit::Done)
    })
}

async fn revoke(client: &Client, terminal: Terminal, ids: &[String]) -> Result<(), Failure> {
    for id in ids {
        let params = AdminParams { grant: Some(id.as_str().into()), ..AdminParams::of(AdminOp::Revoke) };
        client.call::<Admin>(&params).await?;
        terminal.note(&format!("{id} is taken back"));
    }
    Ok(())
}

async fn list(
    client: &Client,
    surroundings: &Surroundings,
    terminal: Terminal,
    args: &RulesArgs,
) -> Result<(), Failure> {
    let configured = config::layers_of(client, surroundings, terminal, "rules").await?;
    let mut rows: Vec<Row> = configured.iter().flat_map(configured_rows).collect();
    let here = surroundings.workspace_uri()?;
    let wanted = Wanted { kind: "grant", session: None, filter: None };
    let grants = listing::read(client, &wanted).await?;
    let grants = grants.iter().filter_map(|item| item.parse::<GrantItem>().ok());
    rows.extend(
        grants.filter(|grant| args.all || grant.workspace == here).map(|grant| granted_row(grant, &here)),
    );
    rows.sort_by_key(|row| ["deny", "ask", "allow"].iter().position(|verdict| *verdict == row.verdict));
    if args.json {
        for row in &rows {
            let grant = row.grant.as_ref().map(|grant| grant.id.to_string());
            let line = json!({"verdict": row.verdict, "rule": row.rule, "from": row.from, "grant": grant});
            terminal.line(&line.to_string())?;
        }
        return Ok(());
    }
    if rows.is_empty() {
        terminal
            .note("no rule stands here: what happens is what the profile says (`tenon config get profile`)");
        return Ok(());
    }
    let cells: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let grant = row.grant.map(|grant| grant.id.to_string()).unwrap_or_default();
            vec![row.verdict.to_owned(), row.rule, row.from, grant]
        })
        .collect();
    terminal.print(&table::layout(terminal, &["", "RULE", "FROM", "GRANT"], &cells))?;
    Ok(())
}

/// The rules of one list of one layer.
fn configured_rows(entry: &ConfigEntry) -> Vec<Row> {
    let verdict = match entry.key.as_str() {
        "rules.deny" => "deny",
        "rules.ask" => "ask",
        "rules.allow" => "allow",
        _ => return Vec::new(),
    };
    let rules = entry.value.0.as_array().into_iter().flatten().filter_map(|rule| rule.as_str());
    let from = config::origin(entry);
    rules.map(|rule| Row { verdict, rule: rule.to_owned(), from: from.clone(), grant: None }).collect()
}

fn granted_row(grant: GrantItem, here: &str) -> Row {
    let time = short_time(&grant.created_at);
    let elsewhere =
        if grant.workspace == here { String::new() } else { format!(" in {}", path_of(&grant.workspace)) };
    Row {
        verdict: "allow",
        rule: grant.pattern.clone(),
        from: format!("granted {time}{elsewhere}"),
        grant: Some(grant),
    }
}
