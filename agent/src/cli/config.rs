//! `tenon config`: reading, writing and explaining the user's configuration. Not here: what keys there are.
use clap::{Args, Subcommand};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, sentence};
use crate::cli::surroundings::Surroundings;
use crate::cli::table;
use crate::cli::terminal::Terminal;
use crate::config::edit::{self, EditError};
use crate::config::paths::workspace_config;
use crate::config::schema;

/// The arguments of `tenon config`.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints the value of a key
    Get {
        /// The key, dotted, such as limits.steps
        key: String,
    },
    /// Sets a key in the user's configuration
    Set {
        /// The key, dotted
        key: String,
        /// The value, as text
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Removes a key from the user's configuration
    Unset {
        /// The key, dotted
        key: String,
    },
    /// Tells where the value of a key, a table or everything comes from
    Explain {
        /// The key or table, dotted
        #[arg(default_value = "", hide_default_value = true)]
        key: String,
    },
}

/// Runs the command.
pub(crate) fn run(args: &ConfigArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    let file = &surroundings.paths.config_file;
    match &args.command {
        ConfigCommand::Get { key } => match surroundings.configuration()?.get(key)? {
            Some(value) => terminal.line(&value)?,
            None => return Err(Failure::failed(format!("{key} is not set"))),
        },
        ConfigCommand::Set { key, value } => edit::set(file, key, value)?,
        ConfigCommand::Unset { key } => edit::unset(file, key)?,
        ConfigCommand::Explain { key } => explain(&surroundings, terminal, key)?,
    }
    Ok(Exit::Done)
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Invalid(error) => error.into(),
            EditError::Write { .. } => Self::failed(sentence(&error)),
        }
    }
}

fn explain(surroundings: &Surroundings, terminal: Terminal, key: &str) -> Result<(), Failure> {
    let resolved = surroundings.configuration()?;
    if let Some(row) = schema::find(key) {
        terminal.note(&format!("{}: {}", row.name, row.help));
    }
    for warning in &resolved.warnings {
        terminal.note(&format!("warning: {warning}"));
    }
    let rows: Vec<Vec<String>> = resolved
        .explain(key)?
        .into_iter()
        .map(|row| {
            let counts = if row.effective { "*" } else { "" }.to_owned();
            vec![row.key, counts, row.layer.to_string(), row.value, row.place.to_string()]
        })
        .collect();
    if rows.is_empty() {
        terminal.note(&format!("{key} is not set anywhere"));
    } else {
        terminal.print(&table::layout(terminal, &["KEY", "", "LAYER", "VALUE", "PLACE"], &rows))?;
    }
    let workspace = workspace_config(&surroundings.workspace()?);
    if workspace.exists() {
        // It counts per session and only where trusted, which the agent decides; here it would be a guess.
        let file = workspace.display();
        terminal.note(&format!("{file} may narrow this further in a workspace that is trusted"));
    }
    Ok(())
}
