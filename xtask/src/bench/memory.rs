//! What the daemon holds and does when nobody wants anything, and after work. Not here: what a turn costs in time.

use super::Setup;
use super::agent::{Place, Session};
use super::figures::{Figure, Goal, milliseconds, number};
use super::link::SocketLink;
use super::process;
use anyhow::Result;
use std::time::{Duration, Instant};
use tenon_tests::model_server::{Reply, Script};

/// How long the daemon is left alone before it is looked at.
const IDLE: Duration = Duration::from_secs(30);
const IDLE_QUICK: Duration = Duration::from_secs(10);

/// Sessions that are open at once, turns of each, and the turns that must not make it grow.
const SESSIONS: usize = 10;
const TURNS: usize = 5;
const MORE_TURNS: usize = 200;

/// What memory is let settle in before it is read.
const SETTLE: Duration = Duration::from_millis(500);

/// One session that has answered once, left alone.
pub(crate) fn idle(setup: &Setup) -> Result<Vec<Figure>> {
    let wait = if setup.quick { IDLE_QUICK } else { IDLE };
    let place = Place::new(setup, Script::always(Reply::text("done")))?;
    let (daemon, mut link, _) = place.start()?;
    place.open(&mut link)?.turn(&mut link, "say done")?;
    std::thread::sleep(SETTLE);
    let (cpu, sleeps, since) = (process::cpu(daemon.pid())?, process::sleeps(daemon.pid())?, Instant::now());
    std::thread::sleep(wait);
    let elapsed = since.elapsed().as_secs_f64();
    let used = process::cpu(daemon.pid())?.saturating_sub(cpu);
    let woken = process::sleeps(daemon.pid())?.saturating_sub(sleeps);
    let after = format!("1 session, {} s after its turn", wait.as_secs());
    let private = process::private_mb(daemon.pid())?;
    Ok(vec![
        Figure::one("idle memory", process::resident_mb(daemon.pid())?, "MB", Goal::AtMost(12.0))
            .note(format!("{after}; {private:.1} MB of it anonymous")),
        Figure::one("idle CPU", milliseconds(used) / elapsed * 60.0, "ms/min", Goal::AtMost(1.0))
            .note(&after),
        Figure::one("idle wake-ups", number(woken) / elapsed, "/s", Goal::AtMost(1.0)).note(&after),
    ])
}

/// Ten sessions with five turns each; then two hundred turns more.
pub(crate) fn sessions(setup: &Setup) -> Result<Vec<Figure>> {
    let turn_text = "a sentence that a person might send, and the model answers it ".repeat(4);
    let place = Place::new(setup, Script::always(Reply::text(turn_text.as_str()).deltas(20)))?;
    let (daemon, mut link, _) = place.start()?;
    let sessions = (0..SESSIONS).map(|_| place.open(&mut link)).collect::<Result<Vec<_>>>()?;
    work(&sessions, &mut link, SESSIONS * TURNS, &turn_text)?;
    let before = process::resident_mb(daemon.pid())?;
    let private = process::private_mb(daemon.pid())?;
    let more = if setup.quick { MORE_TURNS / 4 } else { MORE_TURNS };
    let started = Instant::now();
    work(&sessions, &mut link, more, &turn_text)?;
    let per_turn = milliseconds(started.elapsed().saturating_sub(SETTLE)) / number(more);
    let grown = process::resident_mb(daemon.pid())? - before;
    Ok(vec![
        Figure::one("10 sessions × 5 turns", before, "MB", Goal::AtMost(20.0))
            .note(format!("{private:.1} MB of it anonymous")),
        Figure::one(&format!("{MORE_TURNS} more turns"), grown, "MB", Goal::AtMost(1.0))
            .note(format!("growth over {more} turns of {per_turn:.1} ms, among the same sessions")),
    ])
}

/// Runs `turns` turns, each in the next session.
fn work(sessions: &[Session], link: &mut SocketLink, turns: usize, text: &str) -> Result<()> {
    for session in sessions.iter().cycle().take(turns) {
        session.turn(link, text)?;
    }
    std::thread::sleep(SETTLE);
    Ok(())
}
