//! `tenon config`: reading, changing and explaining the configuration, over the protocol. Not here: what keys there are, and
//! which layer goes before which.
mod change;
mod keys;
mod look;

use clap::{Args, Subcommand};

use crate::cli::config::change::{EntriesArgs, RevArgs, SetArgs, UnsetArgs};
use crate::cli::config::keys::Names;
pub(in crate::cli) use crate::cli::config::keys::completed_in_fish;
pub(in crate::cli) use crate::cli::config::look::origin;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon config`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: Option<ConfigCommand>,
}

const HELP: &str = "Without a subcommand it explains everything that is set.
Layers, the last that says something counts: what is built in, your own file, the file of a trusted
workspace (.tenon/config.toml, which may only narrow), TENON_* variables, a session's settings.
Changes are checked before they are written, comments and order stay, and what runs takes them at once.

  tenon config set profile edit                     in your own file
  tenon config set --workspace limits.steps 10      in the workspace's file
  tenon config add rules.allow 'cargo test *'       puts an entry into a list
  tenon config explain limits.steps                 which layers say what, and which one counts
  tenon config keys                                 every key, with what it takes";

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints the value that counts of a key, of all keys of a table, or of everything
    Get(ReadArgs),
    /// Sets a key
    Set(SetArgs),
    /// Removes keys, or whole tables such as providers.local
    Unset(UnsetArgs),
    /// Puts entries into a list, such as rules.allow
    Add(EntriesArgs),
    /// Takes entries out of a list
    Remove(EntriesArgs),
    /// Tells which layers say what of a key, a table or everything, and which one counts
    Explain(ReadArgs),
    /// Lists the keys there are, with what each takes
    Keys(keys::KeysArgs),
    /// Prints the revision of a layer, for --if-rev
    Rev(RevArgs),
}

/// What is to be read.
#[derive(Args, Debug, Default)]
pub(crate) struct ReadArgs {
    /// The key or table, dotted, such as limits.steps or limits; everything if absent
    #[arg(default_value = "", hide_default_value = true, value_parser = Names::KeysAndTables)]
    #[arg(hide_possible_values = true)]
    key: String,
    /// As this session has it
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &ConfigArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    if let Some(ConfigCommand::Keys(args)) = &args.command {
        keys::run(terminal, args)?;
        return Ok(Exit::Done);
    }
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let at = Desk { client: &client, surroundings: &surroundings, terminal };
        match &args.command {
            None => look::explain(&at, &ReadArgs::default()).await?,
            Some(ConfigCommand::Get(args)) => look::get(&at, args).await?,
            Some(ConfigCommand::Explain(args)) => look::explain(&at, args).await?,
            Some(ConfigCommand::Set(args)) => change::set(&at, args).await?,
            Some(ConfigCommand::Unset(args)) => change::unset(&at, args).await?,
            Some(ConfigCommand::Add(args)) => change::add(&at, args).await?,
            Some(ConfigCommand::Remove(args)) => change::remove(&at, args).await?,
            Some(ConfigCommand::Rev(args)) => change::rev(&at, args).await?,
            // Told above: it needs no agent.
            Some(ConfigCommand::Keys(_)) => {}
        }
        Ok(Exit::Done)
    })
}

/// What every subcommand works with.
#[derive(Clone, Copy)]
struct Desk<'a> {
    client: &'a tenon_client::Client,
    surroundings: &'a Surroundings,
    terminal: Terminal,
}

/// Returns what each layer says of a key or a table here.
pub(in crate::cli) async fn layers_of(
    client: &tenon_client::Client,
    surroundings: &Surroundings,
    terminal: Terminal,
    key: &str,
) -> Result<Vec<tenon_protocol::configure::ConfigEntry>, Failure> {
    let at = Desk { client, surroundings, terminal };
    Ok(look::read(&at, None, key).await?.layers.unwrap_or_default())
}
