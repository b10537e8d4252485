//! Real processes under real supervisors. Not here: the pure parts, which are tested beside their code.
//!
//! The test program is its own supervisor, holder and daemon: it starts itself again with the name of one of the
//! `…_entry` tests and a word that makes that test act. Without the word they do nothing.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::process::record::Record;
use crate::process::{
    Bounds, Daemonised, Ended, Exit, Launch, ProcessError, Running, SUPERVISE, Source, Spawn, Spawner,
    Supervisor, harden, read_record, supervise_main,
};

/// After this a test is stuck and fails. What these trees run lasts far longer.
const STUCK: Duration = Duration::from_secs(20);

/// The arguments that make this program act as one of the entries.
fn entry_arguments(entry: &str) -> Vec<OsString> {
    ["--exact", &format!("process::tests::{entry}"), "--test-threads=1", "--nocapture"]
        .map(OsString::from)
        .to_vec()
}

/// Returns a spawner whose supervisor is this test program. For the tests of other modules too.
pub(crate) fn spawner() -> Spawner {
    Spawner::start(supervisor().with_descriptors_max(Some(256)))
}

/// Returns this test program as a supervisor.
pub(in crate::process) fn supervisor() -> Supervisor {
    Supervisor::new(std::env::current_exe().unwrap(), entry_arguments("supervise_entry"))
}

/// Returns the words after `word` on this program's command line, if it was started to act.
fn told_to(word: &str) -> Option<Vec<String>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != word);
    arguments.next().map(|_| arguments.collect())
}

#[test]
fn supervise_entry() {
    if told_to(SUPERVISE).is_some() {
        let _ = supervise_main();
    }
}

/// Holds a command until it is killed: what the daemon is to a tool. `__hold SCRIPT RECORD`, `__hold_hardened …`.
#[test]
fn hold_entry() {
    let (hardened, arguments) = match (told_to("__hold"), told_to("__hold_hardened")) {
        (Some(arguments), _) => (false, arguments),
        (None, Some(arguments)) => (true, arguments),
        (None, None) => return,
    };
    if hardened {
        harden();
    }
    let launch = Launch { record_path: Some(PathBuf::from(&arguments[1])), ..script(&arguments[0]) };
    block_on(async {
        let result = spawner().run(launch).await.unwrap().wait().await;
        assert_eq!(hardened, matches!(result, Err(ProcessError::Lost)), "{result:?}");
    });
}

#[expect(clippy::disallowed_methods, reason = "tests stand outside of what they test")]
fn this_program(entry: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(entry_arguments(entry)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(STUCK, future).await.expect("a command must not hang") })
}

pub(in crate::process) fn script(text: &str) -> Launch {
    Launch {
        argv: ["/bin/sh", "-c", text].map(OsString::from).to_vec(),
        cwd: PathBuf::from("/"),
        env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        timeout: STUCK,
        output_bytes_max: 1 << 20,
        record_path: None,
        layer: None,
        beside: Vec::new(),
        terminal: None,
        helper: None,
        way_out: None,
        bounds: Bounds::default(),
    }
}

async fn run(launch: Launch) -> (String, String, Exit) {
    collect(spawner().run(launch).await.unwrap()).await
}

/// Follows a command to its end; returns what it wrote to stdout and to stderr, and the end.
async fn collect(mut running: Running) -> (String, String, Exit) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(chunk) = running.next().await {
        match chunk.source {
            Source::Stdout => stdout.extend_from_slice(&chunk.bytes),
            Source::Stderr => stderr.extend_from_slice(&chunk.bytes),
        }
    }
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr), running.wait().await.unwrap())
}

fn make_pipe(path: &Path) {
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, Mode::RWXU, 0).unwrap();
}

/// A named pipe that every process of a tree holds open: it ends when the last of them is dead, to the moment.
struct Lifeline {
    directory: tempfile::TempDir,
    end: std::fs::File,
    said: String,
}

impl Lifeline {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lifeline");
        make_pipe(&path);
        make_pipe(&directory.path().join("go"));
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap();
        let end = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path).unwrap();
        Self { directory, end, said: String::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A script that puts a tree on the lifeline, with everything that makes a process hard to catch: forked twice, in
    /// sessions of its own, deaf to every signal that can be ignored, its output still open. Then it does `then`.
    fn tree(&self, then: &str) -> String {
        format!(
            "exec 9>{}; trap '' HUP INT TERM QUIT TSTP USR1
             (setsid sh -c '(setsid sh -c \"echo up \\$\\$ >&9; exec sleep 300\" &) ; echo up $$ >&9; exec sleep 300' &)
             sh -c 'echo up $$ >&9; exec sleep 300' &
             echo supervisor $PPID >&9
             {then}",
            self.path("lifeline").display()
        )
    }

    /// The same, and the script does not go on before `go`.
    fn tree_that_waits(&self, then: &str) -> String {
        self.tree(&format!("read go < {}; {then}", self.path("go").display()))
    }

    fn go(&self) {
        std::fs::write(self.path("go"), "go\n").unwrap();
    }

    /// Reads until the tree has said as many words as `tree` makes it say.
    fn wait_until_up(&mut self) {
        self.wait_for(4);
    }

    fn wait_for(&mut self, lines: usize) {
        while self.said.lines().count() < lines {
            assert!(!self.ends_within(STUCK, lines), "the tree died too early: {}", self.said);
        }
    }

    /// Tells whether everybody has let go within `limit`; returns early when `lines` have been said.
    fn ends_within(&mut self, limit: Duration, lines: usize) -> bool {
        let until = Instant::now() + limit;
        loop {
            let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).unwrap();
            if poll(&mut [PollFd::new(&self.end, PollFlags::IN)], Some(&left)).unwrap() == 0 {
                return false;
            }
            let mut bytes = [0; 1024];
            let read = self.end.read(&mut bytes).unwrap();
            if read == 0 {
                return true;
            }
            self.said.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            if self.said.lines().count() >= lines {
                return false;
            }
        }
    }

    fn is_dead_within(&mut self, limit: Duration) -> bool {
        self.ends_within(limit, usize::MAX)
    }

    /// The ids that were said after `word`.
    fn pids(&self, word: &str) -> Vec<Pid> {
        let words = self.said.lines().filter_map(|line| line.strip_prefix(word));
        words.map(|pid| Pid::from_raw(pid.trim().parse().unwrap()).unwrap()).collect()
    }
}

/// Reads a pipe to its end; `None` if somebody holds it open for longer than `limit`.
fn read_to_end_within(pipe: impl Read + AsFd, limit: Duration) -> Option<String> {
    let until = Instant::now() + limit;
    let (mut pipe, mut text) = (pipe, Vec::new());
    loop {
        let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).unwrap();
        if poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&left)).unwrap() == 0 {
            return None;
        }
        let mut bytes = [0; 1024];
        match pipe.read(&mut bytes).unwrap() {
            0 => return Some(String::from_utf8(text).unwrap()),
            read => text.extend_from_slice(&bytes[..read]),
        }
    }
}

/// Waits for the end of a process that is not our child.
fn wait_for_end(pid: Pid) {
    if let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) {
        let stuck = Timespec::try_from(STUCK).unwrap();
        assert_eq!(poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&stuck)), Ok(1), "{pid:?} lives");
    }
}

#[test]
fn kill_9_of_the_holder_kills_the_whole_tree_and_leaves_a_record() {
    let mut line = Lifeline::new();
    let record_path = line.path("record");
    let mut holder = this_program("hold_entry")
        .arg("__hold")
        .arg(line.tree("sleep 300"))
        .arg(&record_path)
        .spawn()
        .unwrap();
    line.wait_until_up();
    assert_eq!(read_record(&record_path).unwrap(), Record { spawned: true, exit: None });
    holder.kill().unwrap();
    assert!(line.is_dead_within(STUCK));
    holder.wait().unwrap();
    wait_for_end(line.pids("supervisor")[0]);
    let exit = read_record(&record_path).unwrap().exit.unwrap();
    assert_eq!((exit.ended, exit.signal, exit.survivors), (Ended::Abandoned, Some(9), 0));
}

#[test]
fn without_a_supervisor_the_tree_survives() {
    let mut line = Lifeline::new();
    let text = line.tree("sh -c 'echo up $$ >&9; exec sleep 300'; true");
    #[expect(clippy::disallowed_methods, reason = "the negative control goes around what it controls")]
    let mut holder = Command::new("/bin/sh").args(["-c", &text]).stdout(Stdio::null()).spawn().unwrap();
    line.wait_for(5);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let is_alive = |pid: &Pid| rustix::process::test_kill_process(*pid).is_ok();
    let survivors: Vec<Pid> = line.pids("up").into_iter().filter(is_alive).collect();
    assert_eq!(survivors.len(), 4);
    for pid in survivors {
        kill_process(pid, Signal::KILL).unwrap();
    }
    assert!(line.is_dead_within(STUCK));
}

#[test]
fn the_tree_ends_with_its_command_and_cannot_hold_the_call_up() {
    let mut line = Lifeline::new();
    let (stdout, _, exit) = block_on(async {
        let running = spawner().run(script(&line.tree_that_waits("echo done; exit 7"))).await.unwrap();
        line.wait_until_up();
        line.go();
        collect(running).await
    });
    assert_eq!((stdout.as_str(), exit.code, exit.ended), ("done\n", Some(7), Ended::Itself));
    assert!(line.is_dead_within(Duration::ZERO), "{}", line.said);
}

#[test]
fn dropping_killing_and_time_end_the_tree() {
    block_on(async {
        let spawner = spawner();
        let mut line = Lifeline::new();
        let running = spawner.run(script(&line.tree("sleep 300"))).await.unwrap();
        line.wait_until_up();
        drop(running);
        assert!(line.is_dead_within(STUCK));

        let mut line = Lifeline::new();
        let mut running = spawner.run(script(&line.tree("sleep 300"))).await.unwrap();
        line.wait_until_up();
        running.kill();
        let exit = running.wait().await.unwrap();
        assert_eq!((exit.ended, exit.signal), (Ended::Killed, Some(9)));
        assert!(line.is_dead_within(Duration::ZERO));

        // On a busy machine the first time may be over before the script has taken hold of the lifeline.
        let times = [150, 2_000, 20_000].map(Duration::from_millis);
        let is_dead = async |timeout: Duration| {
            let mut line = Lifeline::new();
            let launch = Launch { timeout, ..script(&line.tree("sleep 300")) };
            let mut running = spawner.run(launch).await.unwrap();
            assert_eq!(running.wait().await.unwrap().ended, Ended::TimedOut);
            line.is_dead_within(Duration::ZERO)
        };
        assert!(is_dead(times[0]).await || is_dead(times[1]).await || is_dead(times[2]).await);
    });
}

#[test]
fn a_command_that_stops_its_supervisor_is_killed_all_the_same() {
    block_on(async {
        let mut line = Lifeline::new();
        let mut running = spawner().run(script(&line.tree("kill -STOP $PPID; sleep 300"))).await.unwrap();
        line.wait_until_up();
        running.kill();
        assert_eq!(running.wait().await.unwrap().ended, Ended::Killed);
        assert!(line.is_dead_within(Duration::ZERO));

        // Dropped, and stopped again after having been roused; and before it has told that the command runs.
        let mut line = Lifeline::new();
        let running =
            spawner().run(script(&line.tree_that_waits("kill -STOP $PPID; sleep 300"))).await.unwrap();
        line.wait_until_up();
        line.go();
        drop(running);
        assert!(line.is_dead_within(STUCK));
        let timeout = Duration::from_millis(10);
        let stop_at_once = Launch { timeout, ..script("kill -STOP $PPID; sleep 300") };
        let mut running = spawner().run(stop_at_once).await.unwrap();
        running.kill();
        assert!(matches!(running.wait().await.unwrap().ended, Ended::Killed | Ended::TimedOut));
    });
}

#[test]
fn a_command_that_kills_its_supervisor_leaves_nothing_in_a_hardened_holder() {
    let mut line = Lifeline::new();
    let mut holder = this_program("hold_entry");
    let text = line.tree_that_waits("kill -9 $PPID; sleep 300");
    let mut holder = holder.arg("__hold_hardened").arg(text).arg(line.path("record")).spawn().unwrap();
    line.wait_until_up();
    line.go();
    assert!(line.is_dead_within(STUCK), "{}", line.said);
    assert!(holder.wait().as_ref().is_ok_and(ExitStatus::success), "the holder saw another end than `Lost`");
}

#[test]
fn output_is_told_apart_and_bounded() {
    let (stdout, stderr, exit) = block_on(run(script("echo out; echo err >&2; exit 3")));
    assert_eq!((stdout.as_str(), stderr.as_str(), exit.code), ("out\n", "err\n", Some(3)));
    assert!(exit.max_rss_kib > 0);
    block_on(async {
        let flood = Launch { output_bytes_max: 100_000, ..script("head -c 3000000 /dev/zero") };
        let mut running = spawner().run(flood).await.unwrap();
        let mut got = 0;
        while let Some(chunk) = running.next().await {
            got += chunk.bytes.len();
        }
        assert_eq!(got, 100_000);
        assert_eq!(running.wait().await.unwrap().code, Some(0));
    });
}

#[test]
fn what_cannot_start_says_why_and_is_recorded_as_not_started() {
    block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let check = async |name: &str, launch: Launch, expected: &str| {
            let path = directory.path().join(name);
            let result = spawner().run(Launch { record_path: Some(path.clone()), ..launch }).await;
            let failure = result.map(|_| ()).unwrap_err();
            let text = failure.to_string();
            assert!(text.contains(expected), "{name}: {failure:?}");
            assert_eq!(read_record(&path).unwrap(), Record::default());
        };
        let missing = Launch { argv: vec!["/no/such/program".into()], ..script("") };
        check("program", missing, "cannot start `/no/such/program`: No such file").await;
        check(
            "cwd",
            Launch { cwd: "/no/such/place".into(), ..script("true") },
            "/no/such/place does not exist",
        )
        .await;
        check("nul", Launch { argv: vec!["a\0b".into()], ..script("") }, "NUL").await;
        check("long", script(&"x".repeat(200_000)), "too long").await;
    });
}

#[test]
fn an_exit_is_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("record");
    let launch = Launch { record_path: Some(path.clone()), ..script("kill -TERM $$") };
    let (_, _, exit) = block_on(run(launch));
    assert_eq!((exit.code, exit.signal, exit.ended), (None, Some(15), Ended::Itself));
    assert_eq!(read_record(&path).unwrap(), Record { spawned: true, exit: Some(exit) });
}

#[test]
fn a_command_starts_with_a_clean_slate() {
    let argv = |words: &[&str]| Launch { argv: words.iter().map(OsString::from).collect(), ..script("") };
    let stdout = |launch| block_on(run(launch)).0;
    assert_eq!(stdout(argv(&["/usr/bin/env"])), "PATH=/usr/bin:/bin\n");
    assert_eq!(stdout(argv(&["/bin/cat"])), "", "stdin is empty");
    assert_eq!(stdout(script("ulimit -S -n")), "256\n");
    assert_eq!(stdout(argv(&["ls", "/proc/self/fd"])), "0\n1\n2\n3\n", "3 is the folder that is listed");
    let signals = stdout(argv(&["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]));
    // 32 and 33 belong to the C library, which lets nobody change them.
    let set = |line: &str| {
        u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap() & !(0b11 << 31)
    };
    assert_eq!(signals.lines().map(set).collect::<Vec<_>>(), [0, 0], "{signals}");
}

/// The session of this process; 0 where its leader is outside of our PID namespace, as in many a container. `getsid` of
/// rustix takes that for impossible.
fn own_session() -> i32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    fields.split_whitespace().nth(3).unwrap().parse().unwrap()
}

/// `__daemonise LOG FACTS`: becomes a daemon, says so on stdout, and tells what it is to whoever opens FACTS.
#[test]
fn daemon_entry() {
    let Some(arguments) = told_to("__daemonise") else { return };
    let daemonised = Daemonised::enter(1, Path::new(&arguments[0])).unwrap();
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let own = rustix::process::getpid().as_raw_pid();
    let session = own_session();
    let umask = rustix::process::umask(Mode::empty()).bits();
    #[expect(clippy::disallowed_methods, reason = "the test looks at what a daemon must have changed")]
    let cwd = std::env::current_dir().unwrap();
    daemonised.ready();
    let leads = own == session;
    let facts = format!(
        "descriptors {descriptors} leads {leads} umask {umask:o} cwd {} session {session}",
        cwd.display()
    );
    std::fs::write(&arguments[1], facts).unwrap();
}

#[test]
fn a_daemon_keeps_nothing_of_its_starter() {
    let directory = tempfile::tempdir().unwrap();
    let (log, facts) = (directory.path().join("log/daemon.log"), directory.path().join("facts"));
    make_pipe(&facts);
    let mut starter = this_program("daemon_entry");
    starter.arg("__daemonise").args([&log, &facts]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = starter.spawn().unwrap();
    assert!(child.wait().unwrap().success(), "the process that was spawned leaves at once");
    let stdout = read_to_end_within(child.stdout.take().unwrap(), STUCK);
    let stderr = read_to_end_within(child.stderr.take().unwrap(), STUCK);
    // The daemon lives all this time: it waits for somebody to open this pipe.
    let facts = std::fs::read_to_string(&facts).unwrap();
    assert!(stdout.as_ref().is_some_and(|text| text.ends_with("ready\n")), "stdout stayed open: {stdout:?}");
    assert!(stderr.is_some(), "stderr stayed open");
    // 0, 1, 2, the pipe, and the folder that is listed.
    assert!(facts.starts_with("descriptors 5 leads false umask 77 cwd / session"), "{facts}");
    assert!(!facts.ends_with(&format!("session {}", own_session())), "{facts}");
    let mode = std::os::unix::fs::PermissionsExt::mode(&log.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
