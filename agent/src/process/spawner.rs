//! The real spawner: one permanent thread that starts supervisors and buries them. Not here: what a supervisor does.
//!
//! All children come from one thread that lives as long as the daemon, because some programs tie their lives to the
//! *thread* that started them. The thread sleeps in `poll` over a wake-up descriptor and one descriptor a supervisor.
//!
//! With each command the supervisor of the next one is started: it waits for its spec, so that to start the program, which takes
//! longer than most of what a command waits for, is over by then. Nobody's supervisor leaves after a while.
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{self, Pid, PidfdFlags, Signal, WaitOptions};
use tokio::sync::oneshot;

use crate::process::launch::{Boxed, Launch, Layer, ProcessError, Running, Spawn};
use crate::process::live::{Dying, Ends, Outputs, Supervised};
use crate::process::spec::{self, LayerSpec, Spec};
use crate::process::supervisor::SWEEP_MAX;
use crate::process::terminal::{self, TerminalSize};
use crate::process::tree;

/// Launches that may wait for the thread, which takes about a millisecond for each.
const LAUNCHES_WAITING_MAX: usize = 256;

/// How long a supervisor may take to read its spec before it is given up.
const SPEC_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a supervisor that must act is roused. Its command may have stopped it, and do so again.
pub(crate) const ROUSE_EVERY: Duration = Duration::from_millis(50);

/// How long a supervisor that must die may take before it is killed itself, and its tree as orphans.
const DYING_MAX: Duration = SWEEP_MAX.saturating_add(Duration::from_secs(1));

/// How long a supervisor waits for a command: about as long as a model takes between two.
const SPARE_FOR: Duration = Duration::from_secs(30);

/// How long the orphans of a lost supervisor are killed at.
const ORPHANS_MAX: Duration = Duration::from_secs(2);

/// The program that is started as a supervisor: one whose `main` calls [`crate::process::supervise_main`] when its first
/// argument is `__supervise`.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    program: PathBuf,
    arguments: Vec<OsString>,
    descriptors_max: Option<u64>,
}

impl Supervisor {
    /// The running program itself. It is named by the kernel's own link, so that an upgrade that replaces or removes the
    /// file changes nothing for a daemon that is running.
    pub(crate) fn this_program() -> Self {
        Self::new(PathBuf::from("/proc/self/exe"), Vec::new())
    }

    /// Another program, with arguments that come before `__supervise`.
    pub(crate) fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { program, arguments, descriptors_max: None }
    }

    /// Gives commands a soft limit of open descriptors: the one this process had before it raised its own.
    pub(crate) fn with_descriptors_max(mut self, soft: Option<u64>) -> Self {
        self.descriptors_max = soft;
        self
    }
}

/// The word that makes a program a supervisor.
pub(crate) const SUPERVISE: &str = "__supervise";

/// Starts commands under supervisors. Cheap to make: the thread starts with the first command.
///
/// When it is dropped the thread stays until the last supervisor has ended.
#[derive(Debug)]
pub(crate) struct Spawner {
    supervisor: Supervisor,
    /// The way to the thread; an error says why there is none.
    thread: OnceLock<Result<Thread, io::ErrorKind>>,
}

/// The sending half of the permanent thread.
#[derive(Debug)]
struct Thread {
    requests: Option<SyncSender<Request>>,
    /// Makes the thread look at its requests.
    wake: Arc<OwnedFd>,
}

/// A launch, and who waits for it.
#[derive(Debug)]
struct Request {
    spec: Spec,
    terminal: Option<TerminalSize>,
    way_out: Option<Arc<OwnedFd>>,
    /// Gets the ends of the supervisor. If nobody is there any more the ends are dropped, and the supervisor leaves.
    reply: oneshot::Sender<Result<Ends, io::Error>>,
}

impl Spawner {
    /// Returns a spawner; starts nothing yet.
    pub(crate) fn start(supervisor: Supervisor) -> Self {
        Self { supervisor, thread: OnceLock::new() }
    }

    fn request(&self, launch: &Launch) -> Result<oneshot::Receiver<Result<Ends, io::Error>>, ProcessError> {
        check(launch)?;
        let thread =
            self.thread.get_or_init(|| Thread::start(self.supervisor.clone()).map_err(|error| error.kind()));
        let thread = thread.as_ref().map_err(|kind| ProcessError::Supervisor((*kind).into()))?;
        let (reply, answer) = oneshot::channel();
        let spec = spec_of(launch, self.supervisor.descriptors_max);
        let requests = thread.requests.as_ref().ok_or(ProcessError::Busy)?;
        requests
            .try_send(Request { spec, terminal: launch.terminal, way_out: launch.way_out.clone(), reply })
            .map_err(|_| ProcessError::Busy)?;
        thread.wake();
        Ok(answer)
    }
}

impl Spawn for Spawner {
    fn run(&self, launch: Launch) -> Boxed<'static, Result<Running, ProcessError>> {
        let answer = self.request(&launch);
        Box::pin(async move {
            let lost = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            let ends = answer?.await.map_err(lost).flatten().map_err(ProcessError::Supervisor)?;
            let program =
                launch.argv.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
            let running = Supervised::start(ends, launch.timeout, launch.output_bytes_max, &program).await?;
            Ok(Running::new(Box::new(running)))
        })
    }
}

fn check(launch: &Launch) -> Result<(), ProcessError> {
    let has_nul = launch.argv.iter().any(|word| word.as_bytes().contains(&0))
        || launch.env.iter().any(|(name, value)| name.contains('\0') || value.contains('\0'));
    match (has_nul, launch.argv.first().is_some_and(|program| !program.is_empty())) {
        (true, _) => Err(ProcessError::Invalid("a NUL byte cannot be passed to a program")),
        (false, false) => Err(ProcessError::Invalid("no program is named")),
        (false, true) => Ok(()),
    }
}

fn spec_of(launch: &Launch, descriptors_max: Option<u64>) -> Spec {
    Spec {
        argv: launch.argv.clone(),
        cwd: launch.cwd.clone().into_os_string(),
        env: launch.env.clone(),
        timeout_ms: u64::try_from(launch.timeout.as_millis()).ok(),
        record_path: launch.record_path.clone().map(PathBuf::into_os_string),
        descriptors_max,
        has_terminal: launch.terminal.is_some(),
        layer: launch.layer.clone().map(layer_spec),
        beside: launch.beside.iter().cloned().map(layer_spec).collect(),
        helper: launch.helper.clone(),
        bounds: launch.bounds,
    }
}

fn layer_spec(layer: Layer) -> LayerSpec {
    LayerSpec {
        root: layer.root.into_os_string(),
        at: layer.at.into_os_string(),
        upper: layer.upper.into_os_string(),
        work: layer.work.into_os_string(),
        through: layer.through.into_iter().map(PathBuf::into_os_string).collect(),
    }
}

/// Makes the ways for a command's output: ours, and its own, for stdout and stderr in turn.
fn outputs(terminal: Option<TerminalSize>) -> io::Result<(Outputs, [OwnedFd; 2])> {
    if let Some(size) = terminal {
        let (ours, theirs) = terminal::open(size)?;
        let both = [theirs.try_clone()?, theirs];
        return Ok((Outputs::Terminal(ours), both));
    }
    let (stdout, stdout_theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    let (stderr, stderr_theirs) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((Outputs::Pipes { stdout, stderr }, [stdout_theirs, stderr_theirs]))
}

impl Thread {
    fn start(supervisor: Supervisor) -> io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (requests, waiting) = sync_channel(LAUNCHES_WAITING_MAX);
        let state = State { supervisor, waiting, wake: Arc::clone(&wake), children: Vec::new(), spare: None };
        thread::Builder::new().name("spawner".to_owned()).spawn(move || state.live())?;
        Ok(Self { requests: Some(requests), wake })
    }

    fn wake(&self) {
        // Only a counter at its very end refuses, and then the thread is awake.
        let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.requests.take());
        self.wake();
    }
}

/// What the permanent thread owns.
struct State {
    supervisor: Supervisor,
    waiting: Receiver<Request>,
    wake: Arc<OwnedFd>,
    /// Every supervisor that has not been buried, the spare one included.
    children: Vec<Mourned>,
    /// The supervisor that waits for the next command.
    spare: Option<Spare>,
}

/// A supervisor without a command. It leaves when this is dropped.
struct Spare {
    socket: UnixStream,
    handle: Arc<OwnedFd>,
    dying: Dying,
    /// Ends when it is buried.
    buried: oneshot::Receiver<Infallible>,
    since: Instant,
}

impl Spare {
    /// Tells whether it can still be given a command: nothing has ended it, and not for too long.
    fn is_fit(&self) -> bool {
        let ended = poll(&mut [PollFd::new(&*self.handle, PollFlags::IN)], Some(&Timespec::default()));
        ended == Ok(0) && self.since.elapsed() < SPARE_FOR
    }
}

/// A supervisor, and who is told when it is gone.
struct Mourned {
    child: Child,
    /// Becomes readable when it ends.
    handle: Arc<OwnedFd>,
    /// Set when it has been told to end its tree.
    dying: Dying,
    /// Since when that has been known here.
    dying_since: Option<Instant>,
    /// Dropped when it is buried: the other half ends then.
    _grave: oneshot::Sender<Infallible>,
}

impl Mourned {
    /// Lets a supervisor that must die go on if somebody has stopped it, its own command perhaps; in the end kills it.
    fn hurry(&mut self) {
        if self.dying.is_set() {
            let since = *self.dying_since.get_or_insert_with(Instant::now);
            let signal = if since.elapsed() < DYING_MAX { Signal::CONT } else { Signal::KILL };
            let _ = process::pidfd_send_signal(&*self.handle, signal);
        }
    }
}

impl State {
    fn live(mut self) {
        loop {
            let has_callers = self.serve();
            if !has_callers || self.spare.as_ref().is_some_and(|spare| !spare.is_fit()) {
                self.spare = None;
            }
            if !has_callers && self.children.is_empty() {
                return;
            }
            let descriptors =
                self.children.iter().map(|mourned| PollFd::new(&*mourned.handle, PollFlags::IN));
            let mut descriptors: Vec<PollFd<'_>> =
                std::iter::once(PollFd::new(&*self.wake, PollFlags::IN)).chain(descriptors).collect();
            // The clock runs only while somebody is dying, which is a matter of milliseconds.
            let is_any_dying = self.children.iter().any(|mourned| mourned.dying_since.is_some());
            let spare_for = self.spare.as_ref().map(|spare| SPARE_FOR.saturating_sub(spare.since.elapsed()));
            let timeout = if is_any_dying { Some(ROUSE_EVERY) } else { spare_for };
            let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
            let _ = poll(&mut descriptors, timeout.as_ref());
            let _ = rustix::io::read(&*self.wake, &mut [0_u8; 8]);
            self.bury();
            self.children.iter_mut().for_each(Mourned::hurry);
        }
    }

    /// Serves every launch that waits; `false` when none can come any more.
    fn serve(&mut self) -> bool {
        loop {
            match self.waiting.try_recv() {
                Ok(request) => {
                    // A caller that left lets go of the ends here, and the supervisor of them.
                    let (ends, is_attempt) = (self.spawn(&request), request.spec.record_path.is_none());
                    drop(request.reply.send(ends));
                    // What leaves no record is no command but an attempt, which nothing follows.
                    if self.spare.is_none() && !is_attempt {
                        // Without one the next command starts its own.
                        self.spare = self.start().ok();
                    }
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Hands a supervisor the spec: the one that waits for it, else a new one.
    fn spawn(&mut self, request: &Request) -> io::Result<Ends> {
        let (outputs, theirs) = outputs(request.terminal)?;
        let send =
            |socket: &UnixStream| spec::send(socket, &request.spec, &theirs, request.way_out.as_deref());
        let waiting = self.spare.take().filter(Spare::is_fit);
        // One that was killed at this moment is no reason for the command to fail: nothing of it has run.
        let given = waiting.filter(|spare| send(&spare.socket).is_ok());
        let supervisor = if let Some(spare) = given {
            spare
        } else {
            let new = self.start()?;
            send(&new.socket)?;
            new
        };
        let Spare { socket, handle, dying, buried, since: _ } = supervisor;
        Ok(Ends { socket, outputs, handle, dying, buried })
    }

    /// Starts a supervisor. Its environment is empty: what the daemon was born with is nobody's business down there. Nor does it
    /// hold the daemon's stderr, which somebody may be waiting to see closed.
    fn start(&mut self) -> io::Result<Spare> {
        let (socket, theirs) = UnixStream::pair()?;
        let child = {
            #[expect(clippy::disallowed_methods, reason = "the one place that spawns in the daemon")]
            let mut command = Command::new(&self.supervisor.program);
            command
                .arg0("tenon")
                .args(&self.supervisor.arguments)
                .arg(SUPERVISE)
                .env_clear()
                .current_dir("/");
            command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?
        };
        let handle = Arc::new(process::pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?);
        let (grave, buried) = oneshot::channel();
        let dying = Dying::new(Arc::clone(&self.wake));
        let mourned = Mourned {
            child,
            handle: Arc::clone(&handle),
            dying: dying.clone(),
            dying_since: None,
            _grave: grave,
        };
        self.children.push(mourned);
        socket.set_write_timeout(Some(SPEC_TIMEOUT))?;
        Ok(Spare { socket, handle, dying, buried, since: Instant::now() })
    }

    /// Takes leave of the supervisors that have ended.
    fn bury(&mut self) {
        let mut gone = Vec::new();
        let mut was_killed = false;
        for mut mourned in std::mem::take(&mut self.children) {
            match mourned.child.try_wait() {
                Ok(None) => self.children.push(mourned),
                Ok(Some(status)) => {
                    was_killed |= status.code().is_none();
                    gone.push(mourned);
                }
                Err(_) => gone.push(mourned),
            }
        }
        if was_killed && matches!(process::child_subreaper(), Ok(Some(_))) {
            self.kill_orphans();
        }
        // Only now, so that whoever waits finds the orphans dead.
        drop(gone);
    }

    /// A supervisor that was killed, by its own command perhaps, leaves its tree to us if we are a subreaper (as the
    /// daemon is, see `harden`): then every child that is no supervisor is such an orphan.
    fn kill_orphans(&self) {
        let supervisors: BTreeSet<i32> =
            self.children.iter().map(|mourned| Pid::from_child(&mourned.child).as_raw_pid()).collect();
        let give_up = Instant::now() + ORPHANS_MAX;
        while tree::kill_beneath(&supervisors) > 0 && Instant::now() < give_up {
            thread::sleep(Duration::from_millis(2));
        }
        for pid in tree::children_but(&supervisors).into_iter().filter_map(Pid::from_raw) {
            let _ = process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::{script, supervisor};

    fn state() -> State {
        let (_, waiting) = sync_channel(1);
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap());
        State { supervisor: supervisor(), waiting, wake, children: Vec::new(), spare: None }
    }

    /// Runs a command and returns the supervisor it got.
    fn supervisor_of(state: &mut State) -> i32 {
        let spec = spec_of(&script("exit 0"), None);
        let request = Request { spec, terminal: None, way_out: None, reply: oneshot::channel().0 };
        let ends = state.spawn(&request).unwrap();
        let pid = state.children.iter().find(|mourned| Arc::ptr_eq(&mourned.handle, &ends.handle));
        let pid = Pid::from_child(&pid.unwrap().child).as_raw_pid();
        let mut told = String::new();
        io::Read::read_to_string(&mut &ends.socket, &mut told).unwrap();
        assert!(told.contains("exited"), "{told}");
        pid
    }

    #[test]
    fn a_command_gets_the_supervisor_that_waits_unless_that_has_ended() {
        let mut state = state();
        state.spare = state.start().ok();
        let waiting = Pid::from_child(&state.children[0].child).as_raw_pid();
        assert_eq!(supervisor_of(&mut state), waiting);
        assert!(state.spare.is_none());
        assert_ne!(supervisor_of(&mut state), waiting);
        state.spare = state.start().ok();
        let spare = state.spare.as_ref().unwrap();
        let killed = Pid::from_child(&state.children.last().unwrap().child);
        process::pidfd_send_signal(&*spare.handle, Signal::KILL).unwrap();
        poll(&mut [PollFd::new(&*spare.handle, PollFlags::IN)], None).unwrap();
        assert_ne!(supervisor_of(&mut state), killed.as_raw_pid());
        // One that is not needed leaves by itself.
        let spare = state.start().unwrap();
        let handle = Arc::clone(&spare.handle);
        drop(spare);
        poll(&mut [PollFd::new(&*handle, PollFlags::IN)], None).unwrap();
        for mourned in &mut state.children {
            mourned.child.wait().unwrap();
        }
    }
}
