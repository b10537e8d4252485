//! The process tree as `/proc` shows it, and killing what lies beneath a process. Not here: when that is done.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use rustix::process::{self, Pid, PidfdFlags, Signal};

/// One process, as it was when `/proc` was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its id.
    pub(crate) pid: i32,
    parent: i32,
    group: i32,
    /// When it started, in clock ticks since boot. With the pid it names the process for good.
    pub(crate) started: u64,
    /// Processor time in clock ticks: its own, and that of the children it has buried.
    pub(crate) cpu_ticks: u64,
    is_dead: bool,
}

/// Returns one process, or `None` if there is no such process any more.
pub(crate) fn entry(pid: i32) -> Option<Entry> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads a line of `/proc/PID/stat`. The name of the program stands in brackets and may hold brackets and blanks, so the
/// fields are counted from the last bracket. <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn parse(pid: i32, stat: &str) -> Option<Entry> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let (state, parent, group, started) = (fields.first()?, fields.get(1)?, fields.get(2)?, fields.get(19)?);
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<u64>().ok()).unwrap_or(0);
    let is_dead = matches!(*state, "Z" | "X" | "x");
    Some(Entry {
        pid,
        parent: parent.parse().ok()?,
        group: group.parse().ok()?,
        started: started.parse().ok()?,
        cpu_ticks: (11..=14).map(ticks).fold(0, u64::saturating_add),
        is_dead,
    })
}

/// Returns every process of the machine that can be seen.
fn all() -> Vec<Entry> {
    let Ok(directory) = fs::read_dir("/proc") else { return Vec::new() };
    directory.flatten().filter_map(|file| file.file_name().to_str()?.parse().ok()).filter_map(entry).collect()
}

/// Returns what lies beneath `root`, without the subtrees of `spared`; children before their own children.
fn beneath(root: i32, spared: &BTreeSet<i32>, processes: &[Entry]) -> Vec<Entry> {
    let mut children: BTreeMap<i32, Vec<Entry>> = BTreeMap::new();
    for process in processes.iter().filter(|process| !spared.contains(&process.pid)) {
        children.entry(process.parent).or_default().push(*process);
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            parents.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// Returns what lives beneath this process, without the subtrees of `spared`.
pub(crate) fn beneath_this(spared: &BTreeSet<i32>) -> Vec<Entry> {
    let own = process::getpid().as_raw_pid();
    beneath(own, spared, &all()).into_iter().filter(|process| !process.is_dead).collect()
}

/// Sends `SIGKILL` to everything beneath this process but the subtrees of `spared`, and returns how many were alive.
/// One pass: what is forked meanwhile needs another, so callers repeat it until nothing is left.
pub(crate) fn kill_beneath(spared: &BTreeSet<i32>) -> usize {
    let own_group = process::getpgrp();
    let alive = beneath_this(spared);
    // Whole groups first: the kernel signals a group in one go, so a process that forks faster than we read cannot slip
    // through. Everything in them is ours, because a group never spans two sessions, and ours has nobody else's.
    let groups: BTreeSet<i32> = alive.iter().map(|process| process.group).collect();
    for group in groups.into_iter().filter_map(Pid::from_raw).filter(|group| *group != own_group) {
        let _ = process::kill_process_group(group, Signal::KILL);
    }
    for process in &alive {
        kill(process);
    }
    alive.len()
}

/// Returns the direct children of this process, dead ones included, without `spared`.
pub(crate) fn children_but(spared: &BTreeSet<i32>) -> Vec<i32> {
    let own = process::getpid().as_raw_pid();
    let is_child = |process: &Entry| process.parent == own && !spared.contains(&process.pid);
    all().into_iter().filter(is_child).map(|process| process.pid).collect()
}

/// Kills exactly the process that was seen: the descriptor holds the id while the start time is compared, so an id that
/// was given away meanwhile hits nobody.
fn kill(seen: &Entry) {
    let Some(Ok(handle)) = Pid::from_raw(seen.pid).map(|pid| process::pidfd_open(pid, PidfdFlags::empty()))
    else {
        return;
    };
    if entry(seen.pid).is_some_and(|now| now.started == seen.started) {
        let _ = process::pidfd_send_signal(&handle, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32) -> Entry {
        Entry { pid, parent, group: pid, started: 1, cpu_ticks: 0, is_dead: false }
    }

    fn check(spared: &[i32], expected: &[i32]) {
        let processes =
            [process(2, 1), process(3, 2), process(4, 3), process(5, 2), process(6, 1), process(7, 6)];
        let found = beneath(2, &spared.iter().copied().collect(), &processes);
        assert_eq!(
            found.iter().map(|entry| entry.pid).collect::<BTreeSet<_>>(),
            expected.iter().copied().collect()
        );
    }

    #[test]
    fn what_lies_beneath_is_found_at_any_depth() {
        check(&[], &[3, 4, 5]);
        check(&[3], &[5]);
        check(&[4, 5], &[3]);
    }

    #[test]
    fn a_program_may_have_any_name() {
        let tail = "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4242 0 0";
        let found = parse(9, &format!("9 (a) R 1 (x) S 8 9 7 {tail}")).unwrap();
        assert_eq!((found.parent, found.group, found.started, found.is_dead), (8, 9, 4242, false));
        assert!(parse(9, &format!("9 (gone) Z 8 9 7 {tail}")).unwrap().is_dead);
        assert_eq!(parse(9, "9 (cut) S 8"), None);
    }

    #[test]
    fn this_process_is_seen() {
        let own = process::getpid().as_raw_pid();
        // The time it took goes on.
        let started = entry(own).unwrap().started;
        assert!(all().iter().any(|seen| (seen.pid, seen.started) == (own, started)));
    }
}
