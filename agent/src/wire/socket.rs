//! The Unix socket: where it lies, and who may connect. Not here: what a connection says.
//!
//! The directory is the first wall (0700, ours), the socket's mode the second (0600), the peer's user the third. None of
//! them sees a tool in a sandbox, which runs as the same user: that one is told by its user namespace.
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tokio::net::{UnixListener, UnixStream};

/// The directory beneath the state directory.
const DIRECTORY: &str = "run";

/// The socket in it.
const NAME: &str = "agent.sock";

/// Its name while it is made.
const NEW_NAME: &str = "agent.new";

/// The longest path a socket's address holds, in bytes: `sun_path` is 108, its last one zero.
const PATH_BYTES_MAX: usize = 107;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// Something that is not ours stands in the way.
    #[error("{path} {problem}")]
    Unsafe { path: PathBuf, problem: &'static str },
    /// The system refused.
    #[error("cannot {action} {path}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

/// The listening socket. It is removed when this is dropped, unless it is left to the next daemon.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Whether the file stays: clients that connect know then that somebody is about to listen again.
    stays: bool,
    /// The user namespace we live in; `None` where the kernel has none.
    namespace: Option<PathBuf>,
    admits_foreign_namespaces: bool,
}

/// What a peer is to us.
#[derive(Debug)]
pub(crate) enum Peering {
    /// One of our user's own processes.
    Ours,
    /// Our user's, but inside another user namespace: told why, then closed.
    Foreign(Box<RpcError>),
    /// Somebody else: closed without a word.
    Stranger,
}

impl Socket {
    /// Listens at `<state directory>/run/agent.sock`. The caller holds the lock of the state directory, so a socket that is
    /// there is stale; the new one takes its place in one step, since a client that finds none believes that the agent was
    /// stopped. `admits_foreign_namespaces` is the person's `daemon.accept`.
    ///
    /// # Errors
    /// When the directory is a link or another user's, when something that is no socket has the name, or when the system
    /// refuses.
    pub(crate) fn bind(state: &Path, admits_foreign_namespaces: bool) -> Result<Self, SocketError> {
        let path = state.join(DIRECTORY).join(NAME);
        let directory = directory(&state.join(DIRECTORY))?;
        let new = path.with_file_name(NEW_NAME);
        check_stale(&path)?;
        if check_stale(&new)? {
            fs::remove_file(&new).map_err(|source| failed("remove the stale", &new, source))?;
        }
        let listener = listen(&directory, &new).map_err(|source| failed("listen at", &path, source))?;
        // Nobody else gets through the directory anyway.
        fs::set_permissions(&new, Permissions::from_mode(0o600))
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|source| failed("protect", &path, source))?;
        let namespace = match namespace("self") {
            Ok(namespace) => Some(namespace),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(failed("read", Path::new("/proc/self/ns/user"), source)),
        };
        Ok(Self { listener, path, stays: false, namespace, admits_foreign_namespaces })
    }

    /// Returns where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Stops listening and leaves the file to the next daemon, which replaces it.
    pub(super) fn leave_to_heir(mut self) {
        self.stays = true;
    }

    /// Waits for a connection. Dropping the future loses none.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }

    /// Tells who connected.
    pub(super) fn peering(&self, stream: &UnixStream) -> Peering {
        let peer = match stream.peer_cred() {
            Ok(peer) if peer.uid() == geteuid().as_raw() => peer,
            Ok(peer) => {
                tracing::warn!(uid = peer.uid(), "closed: a connection of another user");
                return Peering::Stranger;
            }
            Err(error) => {
                tracing::warn!(%error, "closed: a connection without credentials");
                return Peering::Stranger;
            }
        };
        if self.admits_foreign_namespaces {
            return Peering::Ours;
        }
        self.judge(peer.pid())
    }

    /// Judges a process by its user namespace. One that cannot be looked at is foreign: it is hidden behind a namespace of
    /// processes, or it hides itself.
    fn judge(&self, process: Option<i32>) -> Peering {
        let Some(ours) = &self.namespace else {
            return Peering::Ours;
        };
        let theirs = process.filter(|process| *process > 0).and_then(|process| namespace(process).ok());
        if theirs.as_ref() == Some(ours) {
            return Peering::Ours;
        }
        tracing::info!(?process, "refused: a connection from another user namespace");
        let error = RpcError::new(ErrorKind::Forbidden, "this client runs in another user namespace than the agent")
            .with("reason", "foreignNamespace")
            .retry(Retry::Never)
            .hint("a tool inside a sandbox has no business here")
            .hint("for an editor in a container or a Flatpak set daemon.accept = [\"user-namespace\"] in the configuration");
        Peering::Foreign(Box::new(error))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever starts next removes it too; this only spares clients a refused connection.
        if !self.stays {
            drop(fs::remove_file(&self.path));
        }
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> SocketError {
    SocketError::Io { action, path: path.to_owned(), source }
}

/// Opens the directory, made if it is missing, and sees to it that it is ours alone.
fn directory(path: &Path) -> Result<File, SocketError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => return Err(failed("make", path, source)),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let refused = |problem| SocketError::Unsafe { path: path.to_owned(), problem };
    let metadata = fs::symlink_metadata(path).map_err(|source| failed("look at", path, source))?;
    if !metadata.is_dir() {
        return Err(refused("is no directory"));
    }
    let directory = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|source| failed("open", path, source))?;
    let metadata = directory.metadata().map_err(|source| failed("look at", path, source))?;
    if !is_ours(&metadata) {
        return Err(refused("belongs to another user"));
    }
    if metadata.mode() & 0o7777 != 0o700 {
        directory
            .set_permissions(Permissions::from_mode(0o700))
            .map_err(|source| failed("protect", path, source))?;
    }
    Ok(directory)
}

fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw()
}

/// Returns whether a stale socket is there; anything else that has the name is refused.
fn check_stale(path: &Path) -> Result<bool, SocketError> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(failed("look at", path, source)),
    };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::Unsafe { path: path.to_owned(), problem: "is no socket" });
    }
    if !is_ours(&metadata) {
        return Err(SocketError::Unsafe { path: path.to_owned(), problem: "belongs to another user" });
    }
    Ok(true)
}

/// Tells whether somebody listens at the socket of a state directory.
pub(crate) fn is_listening(state: &Path) -> bool {
    let path = state.join(DIRECTORY).join(NAME);
    if path.as_os_str().as_bytes().len() <= PATH_BYTES_MAX {
        return std::os::unix::net::UnixStream::connect(path).is_ok();
    }
    let Ok(directory) = File::open(state.join(DIRECTORY)) else { return false };
    let short = format!("/proc/self/fd/{}/{NAME}", directory.as_raw_fd());
    std::os::unix::net::UnixStream::connect(short).is_ok()
}

fn listen(directory: &File, path: &Path) -> io::Result<UnixListener> {
    if path.as_os_str().as_bytes().len() <= PATH_BYTES_MAX {
        return UnixListener::bind(path);
    }
    UnixListener::bind(format!("/proc/self/fd/{}/{NEW_NAME}", directory.as_raw_fd()))
}

/// Returns what names the user namespace of a process.
fn namespace(process: impl std::fmt::Display) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/user"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    async fn connects(socket: &Socket, path: &Path) -> bool {
        let (client, server) = tokio::join!(UnixStream::connect(path), socket.accept());
        client.is_ok() && matches!(socket.peering(&server.unwrap()), Peering::Ours)
    }

    #[tokio::test]
    async fn the_socket_and_its_directory_are_ours_alone() {
        let state = tempfile::tempdir().unwrap();
        let socket = Socket::bind(state.path(), false).unwrap();
        assert_eq!((mode(socket.path()), mode(&state.path().join("run"))), (0o600, 0o700));
        assert!(connects(&socket, socket.path()).await);
        let path = socket.path().to_owned();
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_and_a_loose_directory_are_mended() {
        let state = tempfile::tempdir().unwrap();
        let run = state.path().join("run");
        fs::create_dir(&run).unwrap();
        fs::set_permissions(&run, Permissions::from_mode(0o755)).unwrap();
        drop(std::os::unix::net::UnixListener::bind(run.join("agent.sock")).unwrap());
        let socket = Socket::bind(state.path(), false).unwrap();
        assert_eq!(mode(&run), 0o700);
        assert!(connects(&socket, socket.path()).await);
    }

    #[tokio::test]
    async fn a_new_socket_takes_the_place_of_a_stale_one_in_one_step() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("run/agent.sock");
        Socket::bind(state.path(), false).unwrap().leave_to_heir();
        let (stop, watched) = (AtomicBool::new(false), path.clone());
        let absent = std::thread::scope(|scope| {
            let watching = scope.spawn(|| {
                let mut absent = 0;
                while !stop.load(Ordering::Relaxed) {
                    let connected = std::os::unix::net::UnixStream::connect(&watched);
                    absent += usize::from(connected.is_err_and(|e| e.kind() == io::ErrorKind::NotFound));
                }
                absent
            });
            for _ in 0..500 {
                Socket::bind(state.path(), false).unwrap().leave_to_heir();
            }
            stop.store(true, Ordering::Relaxed);
            watching.join().unwrap()
        });
        assert_eq!(absent, 0, "there was a moment without a socket");
        assert_eq!(fs::read_dir(state.path().join("run")).unwrap().count(), 1, "nothing else is left");
    }

    #[tokio::test]
    async fn links_and_foreign_things_are_refused() {
        let state = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        symlink(elsewhere.path(), state.path().join("run")).unwrap();
        let refused = Socket::bind(state.path(), false).unwrap_err();
        assert!(refused.to_string().ends_with("run is no directory"), "{refused}");
        fs::remove_file(state.path().join("run")).unwrap();
        fs::create_dir(state.path().join("run")).unwrap();
        for make in
            [|path: &Path| fs::write(path, "kept").unwrap(), |path: &Path| symlink("/nowhere", path).unwrap()]
        {
            let path = state.path().join("run/agent.sock");
            make(&path);
            let refused = Socket::bind(state.path(), false).unwrap_err();
            assert!(refused.to_string().ends_with("agent.sock is no socket"), "{refused}");
            fs::remove_file(path).unwrap();
        }
    }

    #[tokio::test]
    async fn a_long_path_is_listened_at_too() {
        let state = tempfile::tempdir().unwrap();
        let deep = state.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let socket = Socket::bind(&deep, false).unwrap();
        assert_eq!(mode(socket.path()), 0o600);
        let directory = File::open(deep.join("run")).unwrap();
        let short = PathBuf::from(format!("/proc/self/fd/{}/{NAME}", directory.as_raw_fd()));
        assert!(connects(&socket, &short).await);
    }

    #[tokio::test]
    async fn a_process_that_cannot_be_seen_in_our_namespace_is_told_so() {
        let state = tempfile::tempdir().unwrap();
        let mut socket = Socket::bind(state.path(), false).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(matches!(socket.judge(Some(own)), Peering::Ours));
        for hidden in [None, Some(0), Some(i32::MAX)] {
            let Peering::Foreign(error) = socket.judge(hidden) else { panic!("{hidden:?} was not refused") };
            assert_eq!(error.code, 1403);
            assert!(error.data.unwrap().hints[1].contains("daemon.accept"));
        }
        socket.namespace = Some(PathBuf::from("user:[1]"));
        assert!(matches!(socket.judge(Some(own)), Peering::Foreign(_)));
        let (client, server) = tokio::join!(UnixStream::connect(socket.path()), socket.accept());
        let server = server.unwrap();
        assert!(matches!(socket.peering(&server), Peering::Foreign(_)));
        socket.admits_foreign_namespaces = true;
        assert!(matches!(socket.peering(&server), Peering::Ours));
        drop(client);
    }
}
