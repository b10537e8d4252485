//! The hosts that one command may reach: its door, opened with it and closed behind it, and what is told of it. Not here: how a
//! door is served (`network`), and whether the command may have what it needs (`approvals`).
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use crate::network::{Admits, Egress, Guests, Proxy, Visits};
use crate::process::Launch;
use crate::sandbox::{Door, Held, LOOPBACK, Level, Needs, Network};
use crate::tools::ToolContext;

/// Hosts in one sentence; the rest is counted.
const NAMES_MAX: usize = 10;

/// What a command may reach.
#[derive(Debug)]
pub(super) struct Reach {
    admits: Admits,
    egress: Egress,
    guests: Guests,
}

/// A door that is made ready and that nobody serves yet.
#[derive(Debug)]
pub(super) struct Opened {
    door: Door,
    reach: Reach,
}

/// Returns whom a command with these needs may talk to.
pub(super) fn network(needs: &Needs) -> Network {
    if needs.net.is_empty() {
        return Network::Off;
    }
    let is_own = |host: &&str| !needs.net.contains(*host);
    Network::Door { direct: LOOPBACK.into_iter().filter(is_own).map(str::to_owned).collect() }
}

impl Reach {
    /// Returns what a command with these needs may reach through a door; `None` if it needs no host, or can be held to none.
    ///
    /// What it needs was decided on before it runs; what is allowed without a question it may reach as well.
    pub(super) fn of(context: &ToolContext, needs: &Needs, level: Level) -> Option<Self> {
        let guests = match context.probe.held(level) {
            Held::No => return None,
            Held::ToPort => Guests::OwnUser,
            Held::ToHosts => Guests::Anybody,
        };
        if needs.net.is_empty() {
            return None;
        }
        let (needed, permits) = (needs.net.clone(), context.permits.clone());
        let admits = Admits(Arc::new(move |host| needed.contains(host) || (permits.0)(host)));
        Some(Self { admits, egress: context.network.clone(), guests })
    }

    /// Makes a door and gives the launch its part of it.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(super) fn open(self, launch: &mut Launch) -> io::Result<Opened> {
        let (door, theirs) = Door::new()?;
        launch.way_out = Some(theirs);
        Ok(Opened { door, reach: self })
    }
}

impl Opened {
    /// Serves the door of a command that was started. Must be called within the runtime.
    ///
    /// # Errors
    /// The command has none: it must not go on.
    pub(super) fn serve(self) -> io::Result<Proxy> {
        let Self { door, reach: Reach { admits, egress, guests } } = self;
        Proxy::serve(door.listener()?, admits, egress, guests)
    }
}

/// Says which hosts a command reached and which it was refused; nothing where it tried none.
pub(super) fn told(visits: &Visits) -> String {
    let Visits { reached, refused, out_of_reach } = visits;
    let mut note = String::new();
    // Writing to a String cannot fail.
    if !reached.is_empty() {
        let _ = writeln!(note, "[hosts reached: {}]", listed(reached.iter()));
    }
    if !refused.is_empty() {
        let quoted: Vec<String> = refused.iter().take(NAMES_MAX).map(|host| format!("{host:?}")).collect();
        let _ = writeln!(
            note,
            "[refused, because they are not among its needs: {}. If it has to reach them, call it again with needs {{\"net\": [{}]}} \
             beside what it needs already]",
            listed(refused.iter()),
            quoted.join(", ")
        );
    }
    for why in out_of_reach.values().take(NAMES_MAX) {
        let _ = writeln!(note, "[refused: {why}]");
    }
    note.truncate(note.trim_end().len());
    note
}

fn listed<'a>(hosts: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = hosts.len().saturating_sub(NAMES_MAX);
    let mut names = hosts.take(NAMES_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(names, " and {more} more");
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_needs_a_host_keeps_its_own_loopback() {
        let needs = |hosts: &[&str]| Needs {
            net: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Needs::default()
        };
        assert_eq!(network(&needs(&[])), Network::Off);
        let Network::Door { direct } = network(&needs(&["a.example"])) else { panic!("no door") };
        assert_eq!(direct, LOOPBACK);
        let Network::Door { direct } = network(&needs(&["localhost"])) else { panic!("no door") };
        assert_eq!(direct, LOOPBACK[1..]);
    }

    #[test]
    fn what_was_reached_and_refused_is_told() {
        let mut visits = Visits::default();
        assert_eq!(told(&visits), "");
        visits.reached.insert("a.example".to_owned());
        visits.refused.insert("b.example".to_owned());
        visits.out_of_reach.insert("c.example".to_owned(), "c.example leads home".to_owned());
        assert_eq!(
            told(&visits),
            "[hosts reached: a.example]\n[refused, because they are not among its needs: b.example. If it has to reach them, call it \
             again with needs {\"net\": [\"b.example\"]} beside what it needs already]\n[refused: c.example leads home]"
        );
        visits.reached = (0..12).map(|number| format!("{number:02}.example")).collect();
        assert!(told(&visits).contains("09.example and 2 more]"), "{}", told(&visits));
    }
}
