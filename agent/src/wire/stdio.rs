//! Standard input and output as a connection. Not here: the connection itself.
//!
//! Standard output is taken over before anything else runs: whatever prints from then on prints to standard error, and
//! cannot break the framing.
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;

use rustix::fs::{FileType, Mode, OFlags};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

/// What a connection reads from.
pub(crate) type Reader = Pin<Box<dyn AsyncRead + Send>>;

/// What a connection writes to.
pub(crate) type Writer = Pin<Box<dyn AsyncWrite + Send>>;

/// The two descriptors, taken from everybody else.
#[derive(Debug)]
pub(crate) struct Stdio {
    pub(super) input: OwnedFd,
    pub(super) output: OwnedFd,
}

impl Stdio {
    /// Takes over standard input and output. From here on descriptor 1 is standard error, and 0 is empty.
    ///
    /// # Errors
    /// When one of them is closed.
    pub(crate) fn take_over() -> io::Result<Self> {
        let input = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
        let output = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
        let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::stdio::dup2_stdin(null)?;
        rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
        Ok(Self { input, output })
    }

    /// Opens them for a connection, inside a runtime.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn open(self) -> io::Result<(Reader, Writer)> {
        let reader: Reader = match kind(&self.input)? {
            Kind::Pipe => Box::pin(pipe::Receiver::from_owned_fd(reopen(&self.input, OFlags::RDONLY)?)?),
            Kind::Socket => Box::pin(stream(self.input)?),
            Kind::File => Box::pin(tokio::fs::File::from_std(File::from(self.input))),
        };
        let writer: Writer = match kind(&self.output)? {
            Kind::Pipe => Box::pin(pipe::Sender::from_owned_fd(reopen(&self.output, OFlags::WRONLY)?)?),
            Kind::Socket => Box::pin(stream(self.output)?),
            Kind::File => Box::pin(tokio::fs::File::from_std(File::from(self.output))),
        };
        Ok((reader, writer))
    }
}

/// How a descriptor is waited for.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Without a thread.
    Pipe,
    /// Without a thread.
    Socket,
    /// A file or a terminal: it cannot be waited for, a thread of the runtime reads or writes it.
    File,
}

fn kind(descriptor: &OwnedFd) -> io::Result<Kind> {
    let kind = FileType::from_raw_mode(rustix::fs::fstat(descriptor)?.st_mode);
    Ok(if kind == FileType::Fifo {
        Kind::Pipe
    } else if kind == FileType::Socket {
        Kind::Socket
    } else {
        Kind::File
    })
}

/// Opens a pipe anew. Waiting without blocking is a property of the open file, which the parent shares: changing it there
/// would change it for the parent too.
fn reopen(descriptor: &OwnedFd, access: OFlags) -> io::Result<OwnedFd> {
    use std::os::fd::AsRawFd as _;
    let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

fn stream(descriptor: OwnedFd) -> io::Result<UnixStream> {
    let stream = StdUnixStream::from(descriptor);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Echoes one message through `stdio`.
    async fn check(stdio: Stdio, mut to: impl AsyncWrite + Unpin, mut from: impl AsyncRead + Unpin) {
        let (mut reader, mut writer) = stdio.open().unwrap();
        to.write_all(b"hello").await.unwrap();
        to.flush().await.unwrap();
        let mut buffer = [0; 5];
        reader.read_exact(&mut buffer).await.unwrap();
        writer.write_all(&buffer).await.unwrap();
        writer.flush().await.unwrap();
        let mut answer = [0; 5];
        from.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"hello");
    }

    #[tokio::test]
    async fn pipes_are_waited_for_and_the_parents_end_stays_as_it_was() {
        let (input, to) = rustix::pipe::pipe().unwrap();
        let (from, output) = rustix::pipe::pipe().unwrap();
        let shared = input.try_clone().unwrap();
        let to = pipe::Sender::from_owned_fd(to).unwrap();
        let from = pipe::Receiver::from_owned_fd(from).unwrap();
        check(Stdio { input, output }, to, from).await;
        assert!(!rustix::fs::fcntl_getfl(&shared).unwrap().contains(OFlags::NONBLOCK));
    }

    #[tokio::test]
    async fn sockets_serve_too() {
        let (input, to) = StdUnixStream::pair().unwrap();
        let (from, output) = StdUnixStream::pair().unwrap();
        let (to, from) = (stream(to.into()).unwrap(), stream(from.into()).unwrap());
        check(Stdio { input: input.into(), output: output.into() }, to, from).await;
    }

    #[tokio::test]
    async fn files_serve_too() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("in"), "hello").unwrap();
        let input = File::open(directory.path().join("in")).unwrap().into();
        let output = File::create(directory.path().join("out")).unwrap().into();
        let (mut reader, mut writer) = Stdio { input, output }.open().unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        writer.write_all(text.as_bytes()).await.unwrap();
        writer.flush().await.unwrap();
        assert_eq!(std::fs::read_to_string(directory.path().join("out")).unwrap(), "hello");
    }
}
