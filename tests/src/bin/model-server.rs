//! Runs the scripted model server by hand: `model-server [SCRIPT.json] [PORT]`. Without a script it echoes.
//!
//! Not here: any behaviour; see `tenon_tests::model_server`. The script is `{"replies": [REPLY, …], "repeatLast": true}`
//! with the members of `Reply`, for instance
//! `{"replies": [{"calls": [{"name": "read", "arguments": {"path": "a.txt"}}]}, {"text": "done", "deltas": 4}]}`.
use std::fs;

use anyhow::{Context as _, Result};
use tenon_tests::model_server::{ModelServer, Script};

#[expect(clippy::print_stdout, reason = "the address is this program's output")]
fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let script = match arguments.next() {
        Some(file) => Script::from_json(&fs::read_to_string(&file).with_context(|| file.clone())?)?,
        None => Script::echo(),
    };
    let port = arguments.next().map_or(Ok(0), |port| port.parse::<u16>()).context("PORT is no port")?;
    let server = ModelServer::start_on(script, port)?;
    println!("openai-chat        {}", server.url());
    println!("anthropic-messages {}", server.host());
    for count in 1.. {
        let request = loop {
            // Waits in slices, since nobody may ask for an hour.
            if let Ok(requests) = server.block_for_requests(count) {
                break requests[count - 1].clone();
            }
        };
        println!(
            "{count} {} {} bytes, {} messages",
            request.path,
            request.raw.len(),
            request.messages().len()
        );
    }
    Ok(())
}
