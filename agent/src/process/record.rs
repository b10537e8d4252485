//! Spawn and exit records: what the supervisor writes, and what recovery reads. Not here: what recovery does with it.
//!
//! A record file holds one JSON object a line, appended, never synced: the page cache outlives the daemon, and after a
//! loss of power there is no process left to tell of.
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::process::launch::Exit;

/// The longest record file that is read: four lines, the longest with the text of an error.
const RECORD_BYTES_MAX: u64 = 64 * 1024;

/// One line of a record file, and of the supervisor's talk to the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub(crate) enum Line {
    /// The command is about to be executed. Written first, so that its absence proves that nothing ran.
    Starting,
    /// The command was executed.
    Spawned {
        /// Its process id.
        pid: u32,
        /// When it started, in clock ticks since boot: field 22 of `/proc/PID/stat`. With the pid it names the process.
        started: u64,
    },
    /// The command could not be executed.
    Failed {
        /// The system's words.
        reason: String,
    },
    /// There was no layer, so the command was not executed.
    NoLayer {
        /// The system's words.
        reason: String,
    },
    /// The command ended and its tree is dead.
    Exited(Exit),
}

/// What the records of a launch say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// Whether the command may have run. `false` is certain, `true` is not: between the first record and the execution
    /// everything can have died.
    pub(crate) spawned: bool,
    /// How it ended, if that was written. [`crate::process::Ended::Abandoned`] says that the daemon had died before.
    pub(crate) exit: Option<Exit>,
}

/// Reads the records of a launch. A file that does not exist says that nothing ran; a line torn off by a crash is
/// skipped.
pub(crate) fn read_record(path: &Path) -> io::Result<Record> {
    let mut text = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(RECORD_BYTES_MAX).read_to_end(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Record::default()),
        Err(error) => return Err(error),
    };
    Ok(fold(&text))
}

fn fold(text: &[u8]) -> Record {
    let mut record = Record::default();
    for line in text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
        match line {
            Line::Starting | Line::Spawned { .. } => record.spawned = true,
            Line::Failed { .. } | Line::NoLayer { .. } => record.spawned = false,
            Line::Exited(exit) => record.exit = Some(exit),
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Ended;

    fn exit() -> Exit {
        Exit { code: Some(3), signal: None, ended: Ended::Itself, cpu_ms: 12, max_rss_kib: 900, survivors: 0 }
    }

    fn check(lines: &[Line], expected: &Record) {
        let text: String = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
        assert_eq!(&fold(text.as_bytes()), expected);
        // Torn anywhere inside the last line, it says what the lines before it say.
        if let Some((_, before)) = lines.split_last() {
            let whole: String =
                before.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect();
            assert_eq!(fold(&text.as_bytes()[..text.len() - 2]), fold(whole.as_bytes()));
        }
    }

    #[test]
    fn records_tell_not_started_from_started_from_ended() {
        let spawned = Line::Spawned { pid: 7, started: 99 };
        check(&[], &Record::default());
        check(&[Line::Starting], &Record { spawned: true, exit: None });
        check(&[Line::Starting, Line::Failed { reason: "no such file".into() }], &Record::default());
        check(&[Line::Starting, spawned.clone()], &Record { spawned: true, exit: None });
        check(
            &[Line::Starting, spawned, Line::Exited(exit())],
            &Record { spawned: true, exit: Some(exit()) },
        );
    }

    #[test]
    fn no_file_means_not_started() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read_record(&directory.path().join("none")).unwrap(), Record::default());
    }
}
