//! The helper: this program once more, between the supervisor and a command that is confined. Not here: what it does to
//! itself before it becomes the command (`sandbox`), and who starts it (`supervisor`).
//!
//! `tenon __confine ORDER STDERR`, two descriptors: what to run, and the command's stderr. The helper's own stderr is its way
//! back to the supervisor, so that what a program between the two has to say (bubblewrap, the loader) arrives there as well
//! and never among the command's output. One line a message, JSON; anything else on that way is somebody's complaint.
//!
//! As the first process of a process namespace it stays, buries what is left to it and reports how the command ended; when it
//! ends, the kernel ends everything else in the namespace. Otherwise it becomes the command.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, memfd_create, openat};
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{self, DumpableBehavior, Pid, WaitOptions, WaitStatus};
use serde::{Deserialize, Serialize};

use crate::process::launch::Helper;
use crate::process::spec::Spec;
use crate::process::system::{self, Side};

/// The word that makes a program a helper.
pub(crate) const CONFINE: &str = "__confine";

/// The longest complaint that is read.
const REPORT_BYTES_MAX: usize = 16 * 1024;

/// What a helper has to do.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    argv: Vec<OsString>,
    cwd: OsString,
    env: BTreeMap<String, String>,
    has_terminal: bool,
    /// A folder of its own for temporary files, where it sees the machine's.
    scratch: Option<OsString>,
    /// The number of a socket to hand something out through.
    way_out: Option<RawFd>,
    /// What it does to itself first, in the words of whoever confines.
    orders: String,
}

/// One line on the way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "helper", rename_all = "snake_case")]
enum Message {
    /// The command was executed.
    Ran,
    /// It was not.
    Failed { reason: String },
    /// It ended, with a code or by a signal.
    Ended { code: Option<i32>, signal: Option<i32> },
}

/// What whoever confines a process finds there beside the orders.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    /// A folder of its own for temporary files.
    pub(crate) scratch: Option<&'a Path>,
    /// A socket to hand something out through; whoever launched the command has the other end.
    pub(crate) way_out: Option<OwnedFd>,
}

/// Confines this process for good, and returns variables that the command gets beside its own; or says a sentence about what
/// could not be done.
pub(crate) type Confine = fn(&str, Inside<'_>) -> Result<BTreeMap<String, String>, String>;

/// Is the whole life of `tenon __confine ORDER STDERR`. Must be called first in `main`.
pub(crate) fn help_main(order: RawFd, stderr: RawFd, confine: Confine) -> ExitCode {
    // Before it is replaced, it is the way back.
    let Ok(back) = io::stderr().as_fd().try_clone_to_owned().map(File::from) else {
        return ExitCode::FAILURE;
    };
    match help(order, stderr, confine, &back) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&back, &Message::Failed { reason: error.to_string() }).ok();
            ExitCode::FAILURE
        }
    }
}

fn help(order: RawFd, stderr: RawFd, confine: Confine, back: &File) -> io::Result<()> {
    let missing = || io::Error::other("the helper was started without its descriptors");
    let (order, stderr) = system::adopt(order).zip(system::adopt(stderr)).ok_or_else(missing)?;
    rustix::stdio::dup2_stderr(&stderr)?;
    drop(stderr);
    let mut text = String::new();
    let mut file = File::from(order);
    file.rewind()?;
    file.read_to_string(&mut text)?;
    drop(file);
    let order: Order = serde_json::from_str(&text)?;
    let way_out = order.way_out.and_then(system::adopt);
    // Whatever is open beside the standard streams ends with this program.
    system::close_all_on_exec();
    if process::getpid() == Pid::INIT {
        stay(&order, confine, way_out, back)
    } else {
        Err(become_it(&order, confine, way_out))
    }
}

/// Runs the command as a child, stays until it has ended, and tells how.
fn stay(order: &Order, confine: Confine, way_out: Option<OwnedFd>, back: &File) -> io::Result<()> {
    system::disarm_signals();
    // What a command could make of this process would not be confined.
    process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let (executed, tells) = pipe_with(PipeFlags::CLOEXEC)?;
    let command = match system::fork_alone()? {
        Side::Child => {
            drop(executed);
            let led = lead(order.has_terminal);
            let error = led.err().unwrap_or_else(|| become_it(order, confine, way_out));
            File::from(tells).write_all(error.to_string().as_bytes()).ok();
            system::leave_to_child()
        }
        Side::Parent(child) => child,
    };
    drop((tells, way_out));
    let mut reason = String::new();
    File::from(executed).read_to_string(&mut reason)?;
    if !reason.is_empty() {
        return Err(io::Error::other(reason));
    }
    say(back, &Message::Ran)?;
    let status = bury_until(command);
    let code = status.and_then(WaitStatus::exit_status);
    say(back, &Message::Ended { code, signal: status.and_then(WaitStatus::terminating_signal) })
}

/// Leads a session of its own, whose terminal is the command's.
fn lead(has_terminal: bool) -> io::Result<()> {
    process::setsid()?;
    if has_terminal {
        process::ioctl_tiocsctty(rustix::stdio::stdin())?;
    }
    Ok(())
}

/// Becomes the command; returns only why not.
fn become_it(order: &Order, confine: Confine, way_out: Option<OwnedFd>) -> io::Error {
    let Some((program, arguments)) = order.argv.split_first() else {
        return io::Error::other("no program is named");
    };
    if let Err(error) = process::chdir(&*order.cwd) {
        return io::Error::other(format!("cannot enter the directory in the sandbox: {error}"));
    }
    let inside = Inside { scratch: order.scratch.as_deref().map(Path::new), way_out };
    let added = match confine(&order.orders, inside) {
        Ok(added) => added,
        Err(reason) => return io::Error::other(reason),
    };
    #[expect(clippy::disallowed_methods, reason = "this process becomes the command; nothing is spawned")]
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&order.env).envs(added);
    if let Some(scratch) = &order.scratch {
        command.env("TMPDIR", scratch);
    }
    command.exec()
}

/// Buries whatever ends until the command has; `None` if the system has lost it.
fn bury_until(command: Pid) -> Option<WaitStatus> {
    loop {
        match process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => return Some(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

fn say(mut back: &File, message: &Message) -> io::Result<()> {
    let mut line = serde_json::to_string(message)?;
    // A line of its own, whatever somebody wrote before without ending it.
    line.insert(0, '\n');
    line.push('\n');
    back.write_all(line.as_bytes())
}

/// A command whose words are a helper's, and the way back.
pub(in crate::process) struct Helped {
    /// Starts the helper.
    pub(in crate::process) program: OsString,
    /// Its arguments.
    pub(in crate::process) arguments: Vec<OsString>,
    /// What becomes its stderr: its way back.
    pub(in crate::process) way: OwnedFd,
    /// Our end of that.
    pub(in crate::process) report: Report,
    /// Descriptors that it inherits by number, open until it is started.
    _inherited: Vec<OwnedFd>,
}

/// Makes ready what a helper of this command needs. `stderr` is the command's own.
pub(in crate::process) fn helped(
    spec: &Spec,
    helper: &Helper,
    stderr: OwnedFd,
    inside: Inside<'_>,
) -> io::Result<Helped> {
    let order = Order {
        argv: spec.argv.clone(),
        cwd: spec.cwd.clone(),
        env: spec.env.clone(),
        has_terminal: spec.has_terminal,
        scratch: inside.scratch.map(|scratch| scratch.as_os_str().to_owned()),
        way_out: inside.way_out.as_ref().map(AsRawFd::as_raw_fd),
        orders: helper.orders.clone(),
    };
    let memory = memfd_create("order", MemfdFlags::empty())?;
    File::from(memory.try_clone()?).write_all(&serde_json::to_vec(&order)?)?;
    // This very program, wherever its name leads by now and whatever can be seen from where it is started.
    let own = openat(CWD, "/proc/self/exe", OFlags::PATH, Mode::empty())?;
    let program = OsString::from(format!("/proc/self/fd/{}", own.as_raw_fd()));
    let numbers = [&memory, &stderr].map(|descriptor| descriptor.as_raw_fd().to_string());
    let inherited: Vec<OwnedFd> = [own, memory, stderr].into_iter().chain(inside.way_out).collect();
    for descriptor in &inherited {
        fcntl_setfd(descriptor, FdFlags::empty())?;
    }
    let mut words: Vec<OsString> = helper.through.clone();
    words.push(program);
    words.extend([CONFINE.to_owned()].into_iter().chain(numbers).map(OsString::from));
    let program = words.remove(0);
    let (ours, way) = pipe_with(PipeFlags::CLOEXEC)?;
    let report = Report { way: File::from(ours), text: String::new(), stays: !helper.through.is_empty() };
    Ok(Helped { program, arguments: words, way, report, _inherited: inherited })
}

/// What a helper tells.
#[derive(Debug)]
pub(in crate::process) struct Report {
    way: File,
    text: String,
    /// Whether the helper stays while the command runs, and then tells how it ended.
    stays: bool,
}

impl Report {
    /// Waits until the command was executed, or until something is to be read from `orders`.
    ///
    /// # Errors
    /// It was not executed.
    pub(in crate::process) fn wait_until_run(&mut self, orders: impl AsFd) -> io::Result<()> {
        loop {
            let ends = &mut [PollFd::new(&self.way, PollFlags::IN), PollFd::new(&orders, PollFlags::IN)];
            match poll(ends, None) {
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) if ends[0].revents().is_empty() => return Ok(()),
                Ok(_) => {}
            }
            let is_open = self.read()?;
            for message in self.messages() {
                match message {
                    Message::Ran => return Ok(()),
                    Message::Failed { reason } => return Err(io::Error::other(reason)),
                    Message::Ended { .. } => {}
                }
            }
            match (is_open, self.complaint()) {
                (true, _) => {}
                (false, Some(complaint)) => return Err(io::Error::other(complaint)),
                (false, None) if self.stays => {
                    return Err(io::Error::other("the sandbox ended before the command was started"));
                }
                // It was closed by becoming the command.
                (false, None) => return Ok(()),
            }
        }
    }

    /// Returns how the command ended, with its code and signal, once the helper is gone; `None` if it did not tell.
    pub(in crate::process) fn end(mut self) -> Option<(Option<i32>, Option<i32>)> {
        while self.read().ok()? {}
        self.messages().find_map(|message| match message {
            Message::Ended { code, signal } => Some((code, signal)),
            Message::Ran | Message::Failed { .. } => None,
        })
    }

    /// Reads some more; `false` at the end.
    fn read(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 4096];
        let count = self.way.read(&mut bytes)?;
        if self.text.len() < REPORT_BYTES_MAX {
            self.text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        Ok(count > 0)
    }

    fn messages(&self) -> impl Iterator<Item = Message> {
        self.text.lines().filter_map(|line| serde_json::from_str(line).ok())
    }

    /// Returns what somebody else wrote on the way, as one line.
    fn complaint(&self) -> Option<String> {
        let lines: Vec<&str> = self.text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        (!lines.is_empty()).then(|| lines.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(told: &str, stays: bool) -> Report {
        let (ours, theirs) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        File::from(theirs).write_all(told.as_bytes()).unwrap();
        Report { way: File::from(ours), text: String::new(), stays }
    }

    fn ran(told: &str, stays: bool) -> Result<(), String> {
        let (never, _open) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        report(told, stays).wait_until_run(&never).map_err(|error| error.to_string())
    }

    #[test]
    fn a_helper_tells_that_the_command_runs_or_why_not() {
        assert_eq!(ran("", false), Ok(()));
        assert_eq!(ran("\n{\"helper\":\"ran\"}\n", true), Ok(()));
        assert_eq!(ran("warning\n{\"helper\":\"ran\"}\n", true), Ok(()));
        assert_eq!(ran("\n{\"helper\":\"failed\",\"reason\":\"no\"}\n", false), Err("no".to_owned()));
        assert_eq!(ran("bwrap: no\nreally\n", true), Err("bwrap: no; really".to_owned()));
        assert!(ran("", true).is_err());
    }

    #[test]
    fn how_the_command_ended_is_told_last() {
        let told = "\n{\"helper\":\"ran\"}\n\n{\"helper\":\"ended\",\"code\":null,\"signal\":9}\n";
        assert_eq!(report(told, true).end(), Some((None, Some(9))));
        assert_eq!(report("\n{\"helper\":\"ran\"}\n", true).end(), None);
    }
}
