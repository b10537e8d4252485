//! `tenon auth`: which provider has a key and from where, logging in and out. Not here: where keys are kept, which the agent
//! knows.
use clap::{Args, Subcommand};
use tenon_client::Client;
use tenon_protocol::auth::{AuthOp, AuthParams, AuthResult, SubmittedKey};
use tenon_protocol::methods::Auth;
use tenon_protocol::model::{KeyOrigin, KeyPlace, ProviderItem};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::secret;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe, safe_line};

/// The arguments of `tenon auth`.
#[derive(Args, Debug)]
#[command(after_help = HELP, args_conflicts_with_subcommands = true)]
pub(crate) struct AuthArgs {
    #[command(subcommand)]
    command: Option<AuthCommand>,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

const HELP: &str = "Without a subcommand it lists the providers and where their keys come from.
A key is looked for in the variable or file that the configuration names, then in the vendor's own
variable, then among the stored ones, which lie in credentials.json of the state directory for you alone.

  tenon auth login anthropic              asks for the key, without showing it
  tenon auth login openai --stdin < FILE  reads it from standard input";

#[derive(Debug, Subcommand)]
enum AuthCommand {
    /// Stores a provider's key, once the provider has taken it
    Login {
        /// The provider, such as anthropic, openai, or one of the configuration
        provider: String,
        /// Reads the key from standard input instead of the terminal
        #[arg(long)]
        stdin: bool,
    },
    /// Forgets a provider's stored key
    Logout {
        /// The provider
        provider: String,
    },
}

/// Runs the command.
pub(crate) fn run(args: &AuthArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        match &args.command {
            None => list(&client, terminal, args.json).await?,
            Some(AuthCommand::Login { provider, stdin }) => {
                login(&client, terminal, provider, *stdin).await?;
            }
            Some(AuthCommand::Logout { provider }) => {
                let done = client.call::<Auth>(&params(provider, AuthOp::Logout)).await?;
                terminal.note(&format!("no key of {} is stored now", safe_line(provider)));
                warn(terminal, &done);
            }
        }
        Ok(Exit::Done)
    })
}

async fn list(client: &Client, terminal: Terminal, json: bool) -> Result<(), Failure> {
    let wanted = Wanted { kind: "provider", ..Wanted::default() };
    let items = listing::read(client, &wanted).await?;
    let headings = ["PROVIDER", "WIRE", "ADDRESS", "KEY"];
    listing::print(terminal, &items, json, &headings, "no providers", |item: ProviderItem| {
        let key = item.key.as_ref().map(shown).unwrap_or_default();
        vec![item.id, item.wire, item.base_url, key]
    })
}

/// Returns where a key comes from, in words.
fn shown(origin: &KeyOrigin) -> String {
    let name = origin.name.as_deref().unwrap_or_default();
    match origin.place {
        KeyPlace::Variable => format!("from {name}"),
        KeyPlace::File => format!("from {name}"),
        KeyPlace::Stored => "stored".to_owned(),
        KeyPlace::NotNeeded => "not needed".to_owned(),
        KeyPlace::Missing => "none".to_owned(),
        KeyPlace::Unheard(place) => safe(&format!("{} {name}", place.as_str())).into_owned(),
    }
}

async fn login(client: &Client, terminal: Terminal, provider: &str, stdin: bool) -> Result<(), Failure> {
    let started = client.call::<Auth>(&params(provider, AuthOp::Start)).await?;
    let key = if stdin {
        secret::from_stdin()
    } else {
        if let Some(url) = &started.url {
            terminal.note(&format!("keys are made at {}", safe(url)));
        }
        secret::ask(&format!("key of {} (not shown): ", safe_line(provider)))
    };
    let key = match key {
        Ok(key) => key,
        Err(failure) => {
            let cancel = AuthParams { flow_id: started.flow_id, ..params(provider, AuthOp::Cancel) };
            // Whether or not the agent forgets it now, it does so in time.
            client.call::<Auth>(&cancel).await.ok();
            return Err(failure);
        }
    };
    let submit = AuthParams {
        flow_id: started.flow_id,
        key: Some(SubmittedKey(key)),
        ..params(provider, AuthOp::Submit)
    };
    let done = client.call::<Auth>(&submit).await?;
    let checked = if done.checked == Some(true) { "the provider took it, and it" } else { "it" };
    terminal.note(&format!("the key of {}: {checked} is stored", safe_line(provider)));
    warn(terminal, &done);
    Ok(())
}

fn warn(terminal: Terminal, done: &AuthResult) {
    for warning in done.warnings.iter().flatten() {
        terminal.note(&format!("note: {}", safe_line(warning)));
    }
}

fn params(provider: &str, op: AuthOp) -> AuthParams {
    AuthParams { provider: provider.to_owned(), op, flow_id: None, key: None }
}
