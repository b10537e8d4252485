//! `tenon rpc`: one request of the protocol, for scripts. Not here: what methods there are.
use std::io::Read as _;

use clap::Args;
use serde_json::Value;
use tenon_client::ClientError;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe};

/// The most that is read from standard input, in bytes: a message's own bound.
const STDIN_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The arguments of `tenon rpc`.
#[derive(Args, Debug)]
#[command(
    after_help = "`tenon schema --list` names the methods, `tenon schema METHOD` prints what one takes and gives.\nAn error is printed whole, on standard error, and the exit code is 1.\nSubscriptions need a connection that stays: `tenon observe` shows events.\n\nExample:\n  tenon rpc agent/list '{\"kind\": \"session\"}'"
)]
pub(crate) struct RpcArgs {
    /// The method, such as agent/list
    method: String,
    /// Its parameters as JSON; `-` reads them from standard input
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    params: Option<String>,
}

/// Runs the command.
pub(crate) fn run(args: &RpcArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    let params = params(args.params.as_deref())?;
    let result = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        match client.call_raw(&args.method, &params).await {
            Ok(result) => Ok(Ok(result)),
            Err(ClientError::Rpc(error)) => Ok(Err(error)),
            Err(error) => Err(error.into()),
        }
    })?;
    match result {
        Ok(result) if terminal.output => {
            let value: Value = serde_json::from_str(result.get())
                .map_err(|error| Failure::failed(format!("the result is no JSON: {error}")))?;
            terminal.line(&safe(&format!("{value:#}")))?;
            Ok(Exit::Done)
        }
        Ok(result) => {
            terminal.line(result.get())?;
            Ok(Exit::Done)
        }
        Err(error) => {
            // A script wants the whole of it, `data` included.
            let text = serde_json::to_string(&error).unwrap_or_else(|_| error.message.clone());
            terminal.note(&text);
            Ok(Exit::Failed)
        }
    }
}

fn params(text: Option<&str>) -> Result<Value, Failure> {
    let input;
    let text = match text {
        None => return Ok(Value::Object(serde_json::Map::new())),
        Some("-") => {
            let mut read = String::new();
            std::io::stdin()
                .lock()
                .take(STDIN_BYTES_MAX)
                .read_to_string(&mut read)
                .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
            input = read;
            &input
        }
        Some(text) => text,
    };
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Failure::usage(format!("the parameters are no JSON: {error}")))?;
    if value.is_object() || value.is_array() {
        return Ok(value);
    }
    Err(Failure::usage("the parameters must be a JSON object or array"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_an_object_or_array_and_absent_ones_an_empty_object() {
        assert_eq!(params(None).unwrap().to_string(), "{}");
        assert_eq!(params(Some(r#"["x"]"#)).unwrap().to_string(), r#"["x"]"#);
        for wrong in ["", "{", "3", "\"text\"", "null"] {
            assert_eq!(params(Some(wrong)).unwrap_err().exit(), Exit::Usage, "{wrong}");
        }
    }
}
