//! Where the agent is: the socket of a state directory, connected to or, when nobody listens, with the agent started
//! first. Not here: how it is started (`start`) and what is said on the connection.
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::process::Pid;

use crate::build::Build;
use crate::error::ClientError;
use crate::start::{self, Start};

/// The longest path that fits into a socket address (`sun_path` has 108 bytes, the last is NUL).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// How long a client that was connected waits for the agent to come back before it believes that it was stopped: longer
/// than a hand-over to a new process takes.
const RETURN_TIMEOUT: Duration = Duration::from_secs(1);

/// How often it looks.
const RETURN_PAUSE: Duration = Duration::from_millis(10);

/// How long a client that was connected leaves it to others to start the agent: the one that asked for a hand-over starts the
/// newer build, and whoever lost the connection with it may have only the older one.
const HEIR_PATIENCE: Duration = Duration::from_millis(300);

/// How a connection comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// The first one: an agent that is not there is started, if there is a way to.
    First,
    /// One after a loss: an agent that died is started again, one that left in good order is not.
    Again,
}

/// Why a connection ended, as far as it can be seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The agent goes on; it ended this connection alone, and has said why if there was something to say.
    Connection,
    /// The agent left in good order. It is started again when somebody wants it.
    Left,
    /// The agent died, or handed over to a newer one: whoever connects reaches another one.
    Replaced,
}

/// Whoever can make a connection to the agent.
pub trait Connector: Send + 'static {
    /// Connects; returns within seconds.
    fn connect(
        &mut self,
        entrance: Entrance,
    ) -> impl Future<Output = Result<tokio::net::UnixStream, ClientError>> + Send;

    /// Returns the build of the agent that it would start. An agent that runs and is older is asked to leave to it.
    fn build(&self) -> Option<&Build> {
        None
    }
}

/// The agent of a state directory.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The state directory.
    pub state_dir: PathBuf,
    /// How to start the agent; `None` only ever connects.
    pub start: Option<Start>,
}

/// What a try to connect came to.
enum Try {
    Connected(UnixStream),
    /// There is no socket: nobody ran here, or the agent left in good order.
    Absent,
    /// There is one that nobody listens on: the agent died, handed over, or is about to listen.
    Dead,
}

impl Endpoint {
    /// Finds the agent as the variables of a person's shell say it: the state directory of `TENON_STATE_DIR`,
    /// `XDG_STATE_HOME` or `HOME`, and the program `tenon` on the `PATH` to start it with. Without that program it only
    /// ever connects.
    ///
    /// # Errors
    /// `NoStateDir` where none of them is an absolute path.
    pub fn of(variables: &BTreeMap<String, String>) -> Result<Self, ClientError> {
        let given = |name: &str| variables.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let absolute = |name: &str| given(name).filter(|path| path.is_absolute());
        let state_dir = match given("TENON_STATE_DIR") {
            Some(own) => Some(own).filter(|path| path.is_absolute()),
            None => absolute("XDG_STATE_HOME")
                .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
                .map(|state| state.join("tenon")),
        };
        let state_dir = state_dir.ok_or(ClientError::NoStateDir)?;
        let path = variables.get("PATH").map(String::as_str).unwrap_or_default();
        let mut programs = path.split(':').map(|directory| Path::new(directory).join("tenon"));
        let program = programs.find(|program| program.is_absolute() && program.is_file());
        let start = program.map(|program| Start::new(program, variables, &state_dir));
        Ok(Self { state_dir, start })
    }

    /// Returns the agent's socket.
    pub fn socket(&self) -> PathBuf {
        self.state_dir.join("run/agent.sock")
    }

    /// Connects, and starts the agent first where there is none. Blocks, at most about half a minute.
    ///
    /// # Errors
    /// Nobody listens and there is no way to start it, it does not start, or the socket is another user's.
    pub fn open(&self) -> Result<UnixStream, ClientError> {
        match (self.attempt()?, &self.start) {
            (Try::Connected(stream), _) => Ok(stream),
            (Try::Absent | Try::Dead, None) => Err(ClientError::NotRunning { socket: self.socket() }),
            (Try::Absent | Try::Dead, Some(start)) => start::start_and_connect(start, || self.connected()),
        }
    }

    /// Connects after a loss: an agent that died or handed over is started again, one that left in good order is not.
    /// Blocks.
    fn reopen(&self) -> Result<UnixStream, ClientError> {
        let lost = Instant::now();
        let patience = if self.start.is_some() { HEIR_PATIENCE } else { RETURN_TIMEOUT };
        loop {
            match self.attempt()? {
                Try::Connected(stream) => return Ok(stream),
                Try::Dead if lost.elapsed() >= patience => return self.open(),
                Try::Absent if lost.elapsed() >= RETURN_TIMEOUT => return Err(ClientError::Left),
                Try::Dead | Try::Absent => std::thread::sleep(RETURN_PAUSE),
            }
        }
    }

    /// Tells why a connection ended that led to the process `peer`. Blocks, at most about a second.
    ///
    /// One that leaves in good order stops listening before it ends its connections. One that dies does both in the order the
    /// kernel likes, after it has given back its memory.
    ///
    /// # Errors
    /// The socket cannot be used.
    pub fn ending(&self, peer: Option<Pid>) -> Result<Ending, ClientError> {
        let lost = Instant::now();
        loop {
            match self.attempt()? {
                Try::Connected(stream) if peer.is_some() && peer_of(&stream) == peer => {
                    if !peer.is_some_and(is_dying) {
                        return Ok(Ending::Connection);
                    }
                    std::thread::sleep(RETURN_PAUSE);
                }
                Try::Connected(_) | Try::Dead => return Ok(Ending::Replaced),
                // A newer one takes the socket's place in two steps.
                Try::Absent if lost.elapsed() >= RETURN_TIMEOUT => return Ok(Ending::Left),
                Try::Absent => std::thread::sleep(RETURN_PAUSE),
            }
        }
    }

    /// Returns a connection if somebody listens.
    fn connected(&self) -> Result<Option<UnixStream>, ClientError> {
        self.attempt().map(|outcome| match outcome {
            Try::Connected(stream) => Some(stream),
            Try::Absent | Try::Dead => None,
        })
    }

    fn attempt(&self) -> Result<Try, ClientError> {
        let socket = self.socket();
        let stream = match connect_path(&socket) {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Try::Absent),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Ok(Try::Dead),
            Err(source) => return Err(ClientError::Unreachable { socket, source }),
        };
        // Keys go over this connection: only to a process of the same person.
        match rustix::net::sockopt::socket_peercred(&stream) {
            Ok(peer) if peer.uid == rustix::process::geteuid() => Ok(Try::Connected(stream)),
            Ok(peer) => Err(ClientError::ForeignOwner { socket, uid: peer.uid.as_raw() }),
            // From a container its process cannot be seen, and the call gives nothing; whose the socket is can be.
            Err(_) => match private_owner(&socket) {
                Ok(owner) if owner == rustix::process::geteuid().as_raw() => Ok(Try::Connected(stream)),
                Ok(uid) => Err(ClientError::ForeignOwner { socket, uid }),
                Err(source) => Err(ClientError::Unreachable { socket, source }),
            },
        }
    }
}

/// Returns whose socket this is, which is whoever alone may write into its directory.
fn private_owner(socket: &Path) -> io::Result<u32> {
    let directory = std::fs::symlink_metadata(socket.parent().unwrap_or(socket))?;
    let is_closed = directory.is_dir() && directory.mode() & 0o777 == 0o700;
    let owner = std::fs::symlink_metadata(socket)?.uid();
    if is_closed && directory.uid() == owner {
        return Ok(owner);
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may write where its socket lies"))
}

impl Connector for Endpoint {
    fn build(&self) -> Option<&Build> {
        self.start.as_ref()?.build.as_ref()
    }

    async fn connect(&mut self, entrance: Entrance) -> Result<tokio::net::UnixStream, ClientError> {
        // With somebody listening this does not block, and it is what happens nearly always; a thread is only made
        // for the rest.
        let stream = if let Some(stream) = self.connected()? {
            stream
        } else {
            let endpoint = self.clone();
            let open = move || match entrance {
                Entrance::First => endpoint.open(),
                Entrance::Again => endpoint.reopen(),
            };
            tokio::task::spawn_blocking(open).await.map_err(|_| ClientError::Disconnected)??
        };
        let socket = self.socket();
        stream
            .set_nonblocking(true)
            .and_then(|()| tokio::net::UnixStream::from_std(stream))
            .map_err(|source| ClientError::Unreachable { socket, source })
    }
}

/// Returns the process at the other end of a connection; `None` where it cannot be seen from here.
pub fn peer_of(stream: &UnixStream) -> Option<Pid> {
    rustix::net::sockopt::socket_peercred(stream).ok().map(|peer| peer.pid)
}

/// Tells whether a process has given back its memory and with it its arguments, which the kernel does before it closes what the
/// process had open. One that cannot be looked at is not dying.
fn is_dying(process: Pid) -> bool {
    let arguments = std::fs::read(format!("/proc/{}/cmdline", process.as_raw_nonzero()));
    arguments.is_ok_and(|arguments| arguments.is_empty())
}

/// Connects to a socket by its path; one that is too long for an address is reached through its directory.
fn connect_path(socket: &Path) -> io::Result<UnixStream> {
    if socket.as_os_str().as_bytes().len() <= SOCKET_PATH_BYTES_MAX {
        return UnixStream::connect(socket);
    }
    let directory = socket.parent().unwrap_or(Path::new("/"));
    let name = socket.file_name().unwrap_or(OsStr::new(""));
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(directory, flags, Mode::empty())?;
    UnixStream::connect(Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_socket_is_reached_however_long_its_path_is() {
        let temp = tempfile::tempdir().unwrap();
        let state_dir = temp.path().join("d".repeat(120)).join("e".repeat(120));
        let run = state_dir.join("run");
        std::fs::create_dir_all(&run).unwrap();
        let directory = std::fs::File::open(&run).unwrap();
        let short = format!("/proc/self/fd/{}/agent.sock", directory.as_raw_fd());
        let listener = UnixListener::bind(short).unwrap();
        let endpoint = Endpoint { state_dir, start: None };
        endpoint.open().unwrap();
        drop(listener);
        assert!(matches!(endpoint.open(), Err(ClientError::NotRunning { .. })));
    }

    #[test]
    fn the_state_directory_is_found_as_the_agent_finds_it() {
        let state_dir = |variables: &[(&str, &str)]| {
            let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Endpoint::of(&pairs.collect()).ok().map(|endpoint| endpoint.state_dir)
        };
        let all = [("HOME", "/h"), ("XDG_STATE_HOME", "/x"), ("TENON_STATE_DIR", "/t")];
        assert_eq!(state_dir(&all), Some(PathBuf::from("/t")));
        assert_eq!(state_dir(&all[..2]), Some(PathBuf::from("/x/tenon")));
        assert_eq!(state_dir(&all[..1]), Some(PathBuf::from("/h/.local/state/tenon")));
        assert_eq!(
            state_dir(&[("HOME", "/h"), ("XDG_STATE_HOME", "x")]),
            Some(PathBuf::from("/h/.local/state/tenon"))
        );
        assert_eq!(state_dir(&[("HOME", "/h"), ("TENON_STATE_DIR", "t")]), None);
        assert_eq!(state_dir(&[]), None);
    }

    #[test]
    fn the_program_is_that_of_the_path_and_gets_no_key() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("tenon"), "").unwrap();
        let path = format!("relative:/nowhere:{}", temp.path().display());
        let variables = [("HOME", "/h"), ("PATH", &path), ("OPENAI_API_KEY", "test-key")];
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let start = Endpoint::of(&variables).unwrap().start.unwrap();
        assert_eq!(start.program, temp.path().join("tenon"));
        let names: Vec<&str> = start.environment.keys().map(String::as_str).collect();
        assert_eq!(names, ["HOME", "PATH", "TENON_STATE_DIR"]);
    }

    #[test]
    fn the_end_of_a_connection_tells_what_became_of_the_agent() {
        let temp = tempfile::tempdir().unwrap();
        let endpoint = Endpoint { state_dir: temp.path().to_owned(), start: None };
        std::fs::create_dir(temp.path().join("run")).unwrap();
        let listener = UnixListener::bind(endpoint.socket()).unwrap();
        let peer = peer_of(&endpoint.open().unwrap());
        assert_eq!(peer, Some(rustix::process::getpid()));
        assert_eq!(endpoint.ending(peer).unwrap(), Ending::Connection);
        assert_eq!(endpoint.ending(None).unwrap(), Ending::Replaced, "one that is not known is another one");
        drop(listener);
        assert_eq!(endpoint.ending(peer).unwrap(), Ending::Replaced);
        std::fs::remove_file(endpoint.socket()).unwrap();
        assert_eq!(endpoint.ending(peer).unwrap(), Ending::Left);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a process that has ended and is not collected yet")]
    fn a_process_without_memory_is_dying() {
        let mut ended =
            std::process::Command::new("true").stdout(std::process::Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_child(&ended);
        let exited = rustix::process::WaitIdOptions::EXITED | rustix::process::WaitIdOptions::NOWAIT;
        rustix::process::waitid(rustix::process::WaitId::Pid(pid), exited).unwrap();
        assert!(is_dying(pid));
        assert!(!is_dying(rustix::process::getpid()));
        ended.wait().unwrap();
        assert!(!is_dying(pid), "one that is gone is not looked at");
    }

    #[test]
    fn a_socket_belongs_to_whoever_alone_may_write_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let socket = temp.path().join("agent.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        let mode =
            |mode| std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o700);
        assert_eq!(private_owner(&socket).unwrap(), rustix::process::geteuid().as_raw());
        mode(0o770);
        assert_eq!(private_owner(&socket).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn an_agent_that_left_is_told_from_one_that_died() {
        let temp = tempfile::tempdir().unwrap();
        let endpoint = Endpoint { state_dir: temp.path().to_owned(), start: None };
        std::fs::create_dir(temp.path().join("run")).unwrap();
        assert!(matches!(endpoint.attempt(), Ok(Try::Absent)));
        drop(UnixListener::bind(endpoint.socket()).unwrap());
        assert!(matches!(endpoint.attempt(), Ok(Try::Dead)));
        assert!(matches!(endpoint.reopen(), Err(ClientError::NotRunning { .. })));
    }
}
