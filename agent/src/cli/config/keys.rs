//! The names of keys: a list for people, and what a shell completes. Not here: the table itself (`config::schema`).
use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command};
use serde_json::json;

use crate::cli::failure::Failure;
use crate::cli::table;
use crate::cli::terminal::Terminal;
use crate::config::schema::{KEYS, Key};
use crate::config::variables::variable_of;

/// The arguments of `tenon config keys`.
#[derive(Args, Debug)]
pub(crate) struct KeysArgs {
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Prints every key there is.
pub(super) fn run(terminal: Terminal, args: &KeysArgs) -> Result<(), Failure> {
    if args.json {
        for key in KEYS {
            let (takes, workspace) = (key.shape.allowed(), key.narrowing.of_workspaces());
            let row = json!({"key": named(key), "takes": takes, "workspace": workspace, "help": key.help});
            terminal.line(&row.to_string())?;
        }
        return Ok(());
    }
    let row = |key: &Key| vec![named(key), key.help.to_owned(), key.shape.allowed()];
    let rows: Vec<Vec<String>> = KEYS.iter().map(row).collect();
    terminal.print(&table::layout(terminal, &["KEY", "MEANING", "TAKES"], &rows))?;
    Ok(())
}

fn named(key: &Key) -> String {
    key.name.replace(".*", ".NAME")
}

/// Returns what completes keys in fish: the generated script leaves the values of arguments without a name out there.
pub(in crate::cli) fn completed_in_fish() -> String {
    let at = "__fish_seen_subcommand_from config; and __fish_seen_subcommand_from get set unset add remove explain";
    let line = |key: &Key| {
        let help = key.help.replace('\\', "\\\\").replace('\'', "\\'");
        format!("complete -c tenon -n '{at}' -f -a '{}' -d '{help}'\n", key.name)
    };
    fixed().map(line).collect()
}

/// Returns the keys in whose names no name of a person's own stands.
fn fixed() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| !key.name.contains('*'))
}

/// Describes a key: what it means, what it takes, and where else it can be set.
pub(super) fn described(key: &str, row: &Key) -> String {
    let workspace = match row.narrowing.of_workspaces() {
        Some(may) => format!("a workspace may {may}"),
        None => "a workspace may not touch it".to_owned(),
    };
    // A header's name is written in small letters and dashes, which no variable can say.
    let variable = match row.name.matches('*').count() {
        0 | 1 => format!("; {} sets it for one command", variable_of(key)),
        _ => String::new(),
    };
    format!("{key}: {}\ntakes {}; {workspace}{variable}", row.help, row.shape.allowed())
}

/// A dotted name: any text is taken, since names may be a person's own, and those that are fixed are completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// Keys.
    Keys,
    /// Keys, and the tables they lie in.
    KeysAndTables,
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let keys = fixed().map(|key| PossibleValue::new(key.name).help(key.help));
        let mut tables: Vec<&str> = KEYS.iter().filter_map(|key| Some(key.name.split_once('.')?.0)).collect();
        tables.dedup();
        let tables = tables.into_iter().filter(|_| *self == Self::KeysAndTables).map(PossibleValue::new);
        Some(Box::new(keys.chain(tables)))
    }
}
