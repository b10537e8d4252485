//! `tenon jobs run`: the session, the folder, the start. Not here: what is shown then (`follow`).
use std::path::{Path, PathBuf};

use clap::Args;
use tenon_client::{Client, ObserveOptions};
use tenon_protocol::job::RunParams;
use tenon_protocol::log::After;
use tenon_protocol::methods::{Open, Run};
use tenon_protocol::open::{OpenParams, OpenResult};

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::jobs::follow::{self, Leaving, TYPES};
use crate::cli::jobs::keys::{Keys, size};
use crate::cli::run::newest;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon jobs run`.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The command: one text for the shell, or a program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// Starts it, prints its id and returns
    #[arg(long, short)]
    background: bool,
    /// Shows the model the command and its output with your next message
    #[arg(long)]
    share: bool,
    /// Types standard input into it, and then the end of input
    #[arg(long, conflicts_with = "background")]
    stdin: bool,
    /// The folder it starts in; the current one if absent
    #[arg(long, value_name = "DIR")]
    cwd: Option<PathBuf>,
    /// The session; the newest of the workspace if absent, or a new one
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(args.cwd.as_deref())?;
    let terminal = Terminal::of(&surroundings.variables, false);
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let opened = open(&client, &surroundings, args.session.as_deref()).await?;
        let session = opened.session.id.clone();
        let here = opened.session.workspace == surroundings.workspace_uri()?;
        let params = RunParams {
            session_id: session.clone(),
            command: text(&args.command),
            cwd: here.then(|| folder(&surroundings.workspace().ok()?, &surroundings.directory)).flatten(),
            background: args.background.then_some(true),
            share_with_model: args.share.then_some(true),
            size: size(terminal),
        };
        if args.background {
            let started = client.call::<Run>(&params).await?;
            terminal.line(started.job_id.as_str())?;
            return Ok(Exit::Done);
        }
        // Before it starts, so that nothing of it is missed.
        let options =
            ObserveOptions { delta: Some(true), types: vec![TYPES.to_owned()], ..ObserveOptions::default() };
        let events = client.observe(session.as_str(), After::Cursor(opened.cursor), options).await?;
        let started = client.call::<Run>(&params).await?;
        let keys = Keys::take(terminal, args.stdin)?;
        follow::follow(&client, terminal, (started.job_id, events), keys, Leaving::Kill).await
    })
}

async fn open(
    client: &Client,
    surroundings: &Surroundings,
    named: Option<&str>,
) -> Result<OpenResult, Failure> {
    let workspace = surroundings.workspace_uri()?;
    let found = match named {
        Some(id) => Some(id.into()),
        None => match newest(client, &workspace).await {
            Ok(item) => Some(item.id),
            Err(failure) if failure.kind == FailureKind::NoSession => None,
            Err(failure) => return Err(failure),
        },
    };
    let workspace = found.is_none().then_some(workspace);
    Ok(client.call::<Open>(&OpenParams { session_id: found, workspace, ..OpenParams::default() }).await?)
}

/// Returns the folder beneath the workspace's root, as the protocol names it.
fn folder(root: &Path, directory: &Path) -> Option<String> {
    let path = directory.strip_prefix(root).ok()?.to_str()?;
    (!path.is_empty()).then(|| path.to_owned())
}

/// Returns the text for the shell: one word is the text, several are a program with its arguments.
fn text(words: &[String]) -> String {
    match words {
        [text] => text.clone(),
        words => words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "),
    }
}

fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,+@%=".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_words_are_a_program_and_one_is_for_the_shell() {
        let check = |words: &[&str], expected: &str| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(text(&words), expected);
        };
        check(&["a | b"], "a | b");
        check(&["cargo", "test", "--lib"], "cargo test --lib");
        check(&["echo", "a b", "it's", ""], r"echo 'a b' 'it'\''s' ''");
    }
}
