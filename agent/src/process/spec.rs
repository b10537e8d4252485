//! What travels over the socket between the spawner and the supervisor. Not here: what either does with it.
//!
//! First the length of the spec, four bytes, with the two descriptors for the command's output and, where there is one, the
//! socket for the helper; then the spec as JSON.
//! Later one byte towards the supervisor, [`KILL`], or the end of the stream; lines of `record` the other way.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use crate::process::launch::{Bounds, Helper};

/// The byte that asks for the death of the tree.
pub(crate) const KILL: u8 = b'k';

/// The largest spec. The kernel takes arguments and environment of 2 MiB; written as JSON they can be four times that.
const SPEC_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Everything that the supervisor must know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The command.
    pub(crate) argv: Vec<OsString>,
    /// Where it starts.
    pub(crate) cwd: OsString,
    /// Its environment.
    pub(crate) env: BTreeMap<String, String>,
    /// How long it may run; `None` is for ever.
    pub(crate) timeout_ms: Option<u64>,
    /// Where the records go, besides the socket.
    pub(crate) record_path: Option<OsString>,
    /// How many descriptors it may open, as a soft limit; `None` leaves what the daemon has.
    pub(crate) descriptors_max: Option<u64>,
    /// Whether both outputs are one terminal, which becomes the command's own.
    pub(crate) has_terminal: bool,
    /// The layer that its writes go to.
    pub(crate) layer: Option<LayerSpec>,
    /// Layers that are seen beside what they cover.
    pub(crate) beside: Vec<LayerSpec>,
    /// What stands between.
    pub(crate) helper: Option<Helper>,
    /// How much of the machine it may take.
    pub(crate) bounds: Bounds,
}

/// A layer as it travels: file names need not be UTF-8.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LayerSpec {
    /// The folder that is covered.
    pub(crate) root: OsString,
    /// Where it is seen with its layer.
    pub(crate) at: OsString,
    /// Where writes go.
    pub(crate) upper: OsString,
    /// The kernel's own folder.
    pub(crate) work: OsString,
    /// Folders beneath the root that are not covered.
    pub(crate) through: Vec<OsString>,
}

/// Descriptors that travel with a spec.
#[derive(Debug)]
pub(crate) struct Handed {
    /// What becomes the command's stdout and stderr.
    pub(crate) outputs: [OwnedFd; 2],
    /// The helper's socket.
    pub(crate) way_out: Option<OwnedFd>,
}

/// The most descriptors that travel.
const HANDED_MAX: usize = 3;

/// Sends a spec, with the descriptors that become the command's stdout and stderr, and the socket of its helper.
pub(crate) fn send(
    mut socket: &UnixStream,
    spec: &Spec,
    outputs: &[OwnedFd; 2],
    way_out: Option<&OwnedFd>,
) -> io::Result<()> {
    let text = serde_json::to_vec(spec)?;
    let length = u32::try_from(text.len()).ok().filter(|_| text.len() <= SPEC_BYTES_MAX);
    let length = length
        .ok_or_else(|| io::Error::new(io::ErrorKind::ArgumentListTooLong, "the command is too long"))?
        .to_le_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDED_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let handed: Vec<_> = outputs.iter().chain(way_out).map(AsFd::as_fd).collect();
    control.push(SendAncillaryMessage::ScmRights(&handed));
    let sent = sendmsg(socket, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL)?;
    socket.write_all(&length[sent..])?;
    socket.write_all(&text)
}

/// Receives what `send` sent.
pub(crate) fn receive(mut socket: &UnixStream) -> io::Result<(Spec, Handed)> {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDED_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got =
        recvmsg(socket, &mut [IoSliceMut::new(&mut length)], &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    let mut handed = control
        .drain()
        .filter_map(
            |message| if let RecvAncillaryMessage::ScmRights(list) = message { Some(list) } else { None },
        )
        .flatten();
    let invalid = |text| io::Error::new(io::ErrorKind::InvalidData, text);
    let outputs = handed.next().zip(handed.next());
    let (stdout, stderr) = outputs.ok_or_else(|| invalid("the descriptors of the output are missing"))?;
    let handed = Handed { outputs: [stdout, stderr], way_out: handed.next() };
    socket.read_exact(&mut length[got..])?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > SPEC_BYTES_MAX {
        return Err(invalid("the spec is too long"));
    }
    let mut text = vec![0; length];
    socket.read_exact(&mut text)?;
    Ok((serde_json::from_slice(&text)?, handed))
}
