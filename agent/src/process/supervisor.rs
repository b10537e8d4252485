//! The supervisor: the process between the daemon and one command. Not here: how the daemon starts it (`spawner`).
//!
//! It has two threads. One waits for children, which it inherits as a subreaper; the other for the daemon and the clock.
//! Whoever comes first decides why the command ended; the tree is killed in either case, and only then is the end
//! reported, so that an exit record means that nothing is left.
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{self, Pid, Resource, WaitOptions, WaitStatus};

use crate::process::helper::{self, Inside, Report};
use crate::process::launch::{Ended, Exit, Helper};
use crate::process::record::Line;
use crate::process::spec::{self, Handed, KILL, Spec};
use crate::process::usage::Guard;
use crate::process::{layer, system, tree};

/// How long the tree is killed at before the end is reported with survivors. A process that takes longer belongs to
/// another user or hangs in the kernel; nothing we do ends it.
pub(crate) const SWEEP_MAX: Duration = Duration::from_secs(5);

/// The first and the longest pause between two passes over the tree. The first pass almost always is enough, and the
/// kernel needs some hundred microseconds to take a killed process down.
const PAUSES: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(20));

/// The permission bits that files of a command do not get: the usual ones.
const UMASK: u32 = 0o022;

/// The longest wait of one `poll`; a later deadline takes several.
const POLL_MAX: Duration = Duration::from_hours(1);

/// Is the whole life of `tenon __supervise`: standard input is the socket of the spawner. Must be called first in `main`,
/// before anything else is opened or started.
pub(crate) fn supervise_main() -> ExitCode {
    system::disarm_signals();
    system::close_all_on_exec();
    match supervise() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn supervise() -> io::Result<()> {
    // A session of its own, so no terminal: not its Ctrl-C, not its hang-up. Refused to the leader of a group, which has
    // one already.
    let _ = process::setsid();
    process::set_child_subreaper(Some(process::getpid()))?;
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    let (spec, handed) = spec::receive(&socket)?;
    let mut records = Records { socket: socket.try_clone()?, file: None };
    if let Err(error) = layer::enter(spec.layer.as_ref(), &spec.beside) {
        return records.write(&Line::NoLayer { reason: error.to_string() });
    }
    let scratch = Scratch::of(&spec)?;
    let result = start(&spec, handed, scratch.as_ref(), &socket, &mut records);
    match result {
        Ok(command) => watch(command, socket, &spec, &mut records),
        Err(error) => records.write(&Line::Failed { reason: error.to_string() }),
    }
}

/// Where the records go.
struct Records {
    socket: UnixStream,
    file: Option<File>,
}

impl Records {
    /// Writes one line. The file is what recovery reads, so its failure counts; the daemon may be gone, so its does not.
    fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        let result = self.file.as_mut().map_or(Ok(()), |file| file.write_all(text.as_bytes()));
        self.socket.write_all(text.as_bytes()).ok();
        result
    }
}

fn open_records(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)
}

/// A command that was executed, or the program that stands between.
struct Started {
    pid: Pid,
    /// What a helper tells of it.
    report: Option<Report>,
}

/// Executes the command. The copies of its outputs that are ours are closed by then.
fn start(
    spec: &Spec,
    Handed { outputs: [stdout, stderr], way_out }: Handed,
    scratch: Option<&Scratch>,
    socket: &UnixStream,
    records: &mut Records,
) -> io::Result<Started> {
    records.file = spec.record_path.as_ref().map(|path| open_records(Path::new(path))).transpose()?;
    limit_descriptors(spec.descriptors_max);
    if !Path::new(&spec.cwd).is_dir() {
        let place = Path::new(&spec.cwd).display();
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("the directory {place} does not exist")));
    }
    records.write(&Line::Starting)?;
    // What the agent keeps for itself is closed to others; what a command makes is the person's, as in their own shell.
    process::umask(Mode::from_raw_mode(UMASK));
    let stdin = if spec.has_terminal { stdout.try_clone()? } else { File::open("/dev/null")?.into() };
    let streams = [stdin, stdout, stderr];
    let (child, report) = match &spec.helper {
        None => (spawn_itself(spec, streams)?, None),
        Some(helper) => spawn_helper(spec, helper, Place { scratch, way_out }, streams)?,
    };
    let pid = Pid::from_child(&child);
    let started = tree::entry(pid.as_raw_pid()).map_or(0, |entry| entry.started);
    let report = match report.map(|mut report| report.wait_until_run(socket).map(|()| report)).transpose() {
        Ok(report) => report,
        Err(error) => {
            sweep();
            return Err(error);
        }
    };
    // The command runs: a full disk must not orphan it.
    records.write(&Line::Spawned { pid: child.id(), started }).ok();
    Ok(Started { pid, report })
}

#[expect(clippy::disallowed_methods, reason = "this is the supervisor that everything else must go through")]
fn spawn_itself(spec: &Spec, [stdin, stdout, stderr]: [OwnedFd; 3]) -> io::Result<Child> {
    let (program, arguments) =
        spec.argv.split_first().ok_or_else(|| io::Error::other("no program is named"))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(&spec.env).current_dir(&spec.cwd);
    lead_or_own(&mut command, spec.has_terminal);
    // The command's own copies are the last ones: a terminal ends with those.
    command.stdin(stdin).stdout(stdout).stderr(stderr).spawn()
}

/// What a helper gets beside its orders.
struct Place<'a> {
    scratch: Option<&'a Scratch>,
    way_out: Option<OwnedFd>,
}

/// Starts what stands between. Inside of namespaces the helper gives the command its session; outside it becomes the command.
#[expect(clippy::disallowed_methods, reason = "this is the supervisor that everything else must go through")]
fn spawn_helper(
    spec: &Spec,
    helper: &Helper,
    place: Place<'_>,
    [stdin, stdout, stderr]: [OwnedFd; 3],
) -> io::Result<(Child, Option<Report>)> {
    let scratch = place.scratch.map(|scratch| scratch.0.as_path());
    let helped = helper::helped(spec, helper, stderr, Inside { scratch, way_out: place.way_out })?;
    let mut command = Command::new(&helped.program);
    command.args(&helped.arguments).env_clear().current_dir("/");
    lead_or_own(&mut command, spec.has_terminal && helper.through.is_empty());
    let child = command.stdin(stdin).stdout(stdout).stderr(helped.way).spawn()?;
    Ok((child, Some(helped.report)))
}

fn lead_or_own(command: &mut Command, has_terminal: bool) {
    if has_terminal {
        system::own_the_terminal(command);
    } else {
        // A group of its own, so that `kill 0` in a script does not hit its supervisor.
        command.process_group(0);
    }
}

/// A folder for temporary files, gone with the command.
struct Scratch(PathBuf);

impl Scratch {
    fn of(spec: &Spec) -> io::Result<Option<Self>> {
        if !spec.helper.as_ref().is_some_and(|helper| helper.scratch) {
            return Ok(None);
        }
        let own = process::getpid().as_raw_pid();
        let started = tree::entry(own).map_or(0, |entry| entry.started);
        let path = PathBuf::from(format!("/tmp/tenon-{own}-{started}"));
        // Whatever is there already was put there by somebody else.
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Some(Self(path)))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn limit_descriptors(soft: Option<u64>) {
    let mut limit = process::getrlimit(Resource::Nofile);
    if let Some(soft) = soft {
        limit.current = Some(limit.maximum.map_or(soft, |maximum| soft.min(maximum)));
        let _ = process::setrlimit(Resource::Nofile, limit);
    }
}

/// Waits for the end, by whichever cause, kills what is left and reports.
fn watch(command: Started, socket: UnixStream, spec: &Spec, records: &mut Records) -> io::Result<()> {
    let cause = Arc::new(OnceLock::new());
    let deadline = spec.timeout_ms.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
    let watcher = {
        let cause = Arc::clone(&cause);
        let guard = Guard::new(spec.bounds);
        let holder = move || {
            // A command that has ended meanwhile is the other thread's.
            if cause.set(wait_for_holder(&socket, deadline, guard)).is_ok() {
                sweep_until_dead();
            }
        };
        thread::Builder::new().name("holder".to_owned()).spawn(holder)
    };
    // Without the watcher the command could outlive the daemon, so it must not live at all.
    if watcher.is_err() {
        let _ = cause.set(Ended::Abandoned);
        tree::kill_beneath(&BTreeSet::new());
    }
    let status = wait_for(command.pid);
    let ended = *cause.get_or_init(|| Ended::Itself);
    let survivors = u32::try_from(sweep()).unwrap_or(u32::MAX);
    let system::Usage { cpu_ms, max_rss_kib } = system::children_usage();
    let own = (status.and_then(WaitStatus::exit_status), status.and_then(WaitStatus::terminating_signal));
    let (code, signal) = command.report.and_then(Report::end).unwrap_or(own);
    records.write(&Line::Exited(Exit { code, signal, ended, cpu_ms, max_rss_kib, survivors }))
}

/// Returns when the command must end, with the reason.
fn wait_for_holder(mut socket: &UnixStream, deadline: Option<Instant>, mut guard: Guard) -> Ended {
    loop {
        if let Some(bound) = guard.look() {
            return Ended::Exceeded(bound);
        }
        let left = deadline.map_or(POLL_MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Ended::TimedOut;
        }
        let look = guard.next().map_or(POLL_MAX, |next| next.saturating_duration_since(Instant::now()));
        let timeout = Timespec::try_from(left.min(look).min(POLL_MAX)).ok();
        match poll(&mut [PollFd::new(&socket, PollFlags::IN)], timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(_) => return Ended::Abandoned,
        }
        let mut byte = [0];
        match socket.read(&mut byte) {
            Ok(1) if byte[0] == KILL => return Ended::Killed,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return Ended::Abandoned,
        }
    }
}

/// Waits until the command has ended; buries every orphan meanwhile. `None` if the system has lost it.
fn wait_for(command: Pid) -> Option<WaitStatus> {
    loop {
        match process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => return Some(status),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Kills and buries until no child is left; returns how many are after [`SWEEP_MAX`]. With no child there is no
/// descendant either: theirs would have become ours.
fn sweep() -> usize {
    let give_up = Instant::now() + SWEEP_MAX;
    let mut pause = PAUSES.0;
    loop {
        loop {
            match process::wait(WaitOptions::NOHANG) {
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => break,
                Err(_) => return 0,
            }
        }
        let alive = tree::kill_beneath(&BTreeSet::new());
        if Instant::now() > give_up {
            return alive;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Kills until nothing lives, and leaves burying to the other thread.
fn sweep_until_dead() {
    let give_up = Instant::now() + SWEEP_MAX;
    let mut pause = PAUSES.0;
    while tree::kill_beneath(&BTreeSet::new()) > 0 && Instant::now() < give_up {
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSES.1);
    }
}
