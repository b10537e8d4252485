//! What streaming costs: time on a processor, and bytes to a client that draws every delta. Not here: the model's speed.

use super::Setup;
use super::agent::Place;
use super::figures::{Figure, Goal, number};
use super::process;
use anyhow::{Result, ensure};
use tenon_tests::model_server::{Reply, Script};

/// Deltas of an answer that comes as fast as it can.
const DELTAS: usize = 5_000;

/// Deltas of an answer that comes at 100 a second.
const SLOW_DELTAS: usize = 200;
const SLOW_PAUSE_MS: u64 = 10;

/// A delta: about what a token is.
const TOKEN: &str = "word ";

/// Measures both speeds.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let rounds = setup.rounds(9);
    let text = TOKEN.repeat(DELTAS);
    let place = Place::new(setup, Script::always(Reply::text(text.as_str()).deltas(DELTAS)))?;
    let (daemon, mut link, _) = place.start()?;
    // A session a round: what was said before is sent again with each prompt, which is not what is measured.
    place.open(&mut link)?.turn(&mut link, "speak")?;
    let (cpu, bytes) = (process::cpu(daemon.pid())?, link.delta_bytes);
    let deltas = link.deltas;
    for _ in 0..rounds {
        place.open(&mut link)?.turn(&mut link, "speak")?;
    }
    let used = process::cpu(daemon.pid())?.saturating_sub(cpu).as_secs_f64() / number(rounds);
    let sent = number(link.delta_bytes - bytes) / number(rounds * text.len());
    let messages = (link.deltas - deltas) / rounds;
    let each = number(link.delta_bytes - bytes) / number(rounds * DELTAS);

    let slow = TOKEN.repeat(SLOW_DELTAS);
    let reply = Reply::text(slow.as_str()).deltas(SLOW_DELTAS).pause_ms(SLOW_PAUSE_MS);
    let place = Place::new(setup, Script::always(reply))?;
    let (_daemon, mut link, _) = place.start()?;
    place.open(&mut link)?.turn(&mut link, "speak")?;
    ensure!(link.deltas > 0, "no deltas came");
    let slow_sent = number(link.delta_bytes) / number(slow.len());
    Ok(vec![
        Figure::one("5,000 deltas: daemon CPU", used * 1e3, "ms", Goal::AtMost(50.0))
            .note(format!("the whole turn, mean of {rounds}")),
        Figure::one("5,000 deltas: bytes / text", sent, "×", Goal::AtMost(2.0))
            .note(format!("{messages} messages, no pause")),
        Figure::one("5,000 deltas: bytes per delta", each, "B", Goal::AtMost(2.0 * number(TOKEN.len())))
            .note(format!("of {} bytes of text", TOKEN.len())),
        Figure::one("100 tokens/s: bytes / text", slow_sent, "×", Goal::AtMost(12.0))
            .note(format!("{} messages for {SLOW_DELTAS} deltas", link.deltas)),
    ])
}
