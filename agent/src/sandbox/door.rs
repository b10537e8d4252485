//! The door of a command that may reach some hosts: a listening socket in the command's own network, made by the helper before
//! it is confined and handed out to the agent. Not here: what is served at it (`network`), and for whom (`tools`).
//!
//! A socket belongs to the network it was made in, whoever accepts from it. So at level 3, where the command has a network of
//! its own, nothing but the door leads out of that, and nobody else can knock. At level 2 it listens on the machine's loopback,
//! and Landlock keeps the command to its port.
use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

/// What programs are told about the way to the network, in the names that they know. Some read one case, some the other.
const PROXIES: [&str; 3] = ["http_proxy", "https_proxy", "all_proxy"];

/// The hosts that are a command's own.
pub(crate) const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The agent's end of a command's door.
#[derive(Debug)]
pub(crate) struct Door(OwnedFd);

impl Door {
    /// Returns this end, and the one that the command's launch takes along.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(crate) fn new() -> io::Result<(Self, Arc<OwnedFd>)> {
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        Ok((Self(ours), Arc::new(theirs)))
    }

    /// Returns the socket to serve, once the command has been started. It is set not to block.
    ///
    /// # Errors
    /// The helper made none.
    pub(crate) fn listener(self) -> io::Result<TcpListener> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        // It was sent before the command began, so it is here.
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        recvmsg(&self.0, &mut [IoSliceMut::new(&mut [0])], &mut control, flags)?;
        let rights =
            |message| if let RecvAncillaryMessage::ScmRights(list) = message { Some(list) } else { None };
        let socket = control.drain().filter_map(rights).flatten().next();
        let listener = TcpListener::from(socket.ok_or(io::ErrorKind::UnexpectedEof)?);
        listener.set_nonblocking(true)?;
        Ok(listener)
    }
}

/// Opens the door of this process's network, hands it out, and returns its port.
///
/// # Errors
/// There is no loopback, or nobody to hand it to.
pub(in crate::sandbox) fn open(way_out: &OwnedFd) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let handed = [listener.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&handed));
    sendmsg(way_out, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(port)
}

/// Returns what tells programs to go through the door at a port, but for the hosts `direct`.
pub(in crate::sandbox) fn variables(port: u16, direct: &[String]) -> BTreeMap<String, String> {
    let door = format!("http://127.0.0.1:{port}");
    // In a list of exceptions an address has no brackets.
    let direct: Vec<&str> = direct.iter().map(|host| host.trim_matches(['[', ']'])).collect();
    let lower = PROXIES.map(|name| (name, door.clone())).into_iter().chain([("no_proxy", direct.join(","))]);
    let both =
        lower.flat_map(|(name, value)| [(name.to_owned(), value.clone()), (name.to_uppercase(), value)]);
    // Programs in Java and the built-in clients of Node read none of these by themselves.
    let java =
        ["http", "https"].map(|scheme| format!("-D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort={port}"));
    let others = [("JAVA_TOOL_OPTIONS", java.join(" ")), ("NODE_USE_ENV_PROXY", "1".to_owned())];
    both.chain(others.map(|(name, value)| (name.to_owned(), value))).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_door_is_served_by_whoever_it_was_handed_to() {
        let (door, theirs) = Door::new().unwrap();
        let port = open(&theirs).unwrap();
        let listener = door.listener().unwrap();
        listener.set_nonblocking(false).unwrap();
        let mut knocking = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        knocking.write_all(b"?").unwrap();
        let mut byte = [0];
        listener.accept().unwrap().0.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"?");
        // One that was never opened is no door.
        assert!(Door::new().unwrap().0.listener().is_err());
    }

    #[test]
    fn programs_are_told_in_the_names_that_they_know() {
        let told = variables(7, &LOOPBACK.map(str::to_owned));
        for name in ["HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
            assert_eq!(told[name], "http://127.0.0.1:7", "{name}");
        }
        assert_eq!(
            (told["NO_PROXY"].as_str(), told["no_proxy"].as_str()),
            ("localhost,127.0.0.1,::1", "localhost,127.0.0.1,::1")
        );
    }
}
