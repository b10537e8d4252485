//! Bytes both ways between two connections, until both are at their end or nothing has moved for long. Not here: what they are.
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What is held of each direction: a command whose server is slow waits, and costs no more memory.
const BUFFER_BYTES: usize = 16 * 1024;

/// How long nothing may move in either direction. Clients keep idle connections for about a minute; servers that work on an
/// answer are silent for longer.
const IDLE: Duration = Duration::from_mins(5);

/// Bytes that are read of a client that is refused.
const DRAINED_BYTES_MAX: usize = 256 * 1024;

/// Carries bytes both ways: first what came early of each.
pub(super) async fn relay(
    mut client: TcpStream,
    mut server: TcpStream,
    of_client: &[u8],
    of_server: &[u8],
) -> io::Result<()> {
    server.write_all(of_client).await?;
    client.write_all(of_server).await?;
    let moved = AtomicU64::new(0);
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let both = tokio::try_join!(carry(from_client, to_server, &moved), carry(from_server, to_client, &moved));
    both.map(|_| ())
}

/// Carries bytes one way to their end, and hands the end on.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = patient(from.read(&mut buffer), moved).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        patient(to.write_all(&buffer[..count]), moved).await?;
        moved.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits for something as long as anything moves.
async fn patient<T>(work: impl Future<Output = io::Result<T>>, moved: &AtomicU64) -> io::Result<T> {
    tokio::pin!(work);
    loop {
        let before = moved.load(Ordering::Relaxed);
        match timeout(IDLE, &mut work).await {
            Ok(done) => return done,
            Err(_) if moved.load(Ordering::Relaxed) == before => return Err(io::ErrorKind::TimedOut.into()),
            Err(_) => {}
        }
    }
}

/// Reads what a client still sends, to its end or a bound.
pub(super) async fn drain(client: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut left = DRAINED_BYTES_MAX;
    while left > 0 {
        match client.read(&mut buffer).await? {
            0 => break,
            count => left = left.saturating_sub(count),
        }
    }
    Ok(())
}
