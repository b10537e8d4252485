//! Who may knock at a door. Not here: what they ask for (`head`).
use std::net::SocketAddr;

use tokio::net::TcpStream;

/// Where the system lists the connections of this network, by the family of their sockets. The columns are those of the kernel's
/// `proc_net_tcp.rst`.
const TABLES: [&str; 2] = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];

/// The largest table that is read: some hundred thousand connections.
const TABLE_BYTES_MAX: u64 = 32 << 20;

/// Who may knock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guests {
    /// Whoever can: the door is in a network that only the command has.
    Anybody,
    /// Programs of the user that runs the agent: the door is on the machine's loopback, where others could knock too.
    OwnUser,
}

impl Guests {
    /// Tells whether the other end of a connection may be served.
    pub(super) async fn admit(self, stream: &TcpStream) -> bool {
        let Self::OwnUser = self else { return true };
        let (Ok(theirs), Ok(ours)) = (stream.peer_addr(), stream.local_addr()) else { return false };
        let own = rustix::process::geteuid().as_raw();
        let looking = tokio::task::spawn_blocking(move || owner(theirs, ours) == Some(own));
        looking.await.unwrap_or(false)
    }
}

/// Returns the user who holds the socket of one end of a connection.
fn owner(theirs: SocketAddr, ours: SocketAddr) -> Option<u32> {
    TABLES.iter().find_map(|table| {
        let file = std::fs::File::open(table).ok()?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::io::Read::take(file, TABLE_BYTES_MAX), &mut text).ok()?;
        owner_in(&text, theirs.port(), ours.port())
    })
}

/// Finds the owner by both ports: the connection is one of the loopback, where no second one has the same. What nobody holds any
/// more is listed as root's, with no inode.
fn owner_in(table: &str, theirs: u16, ours: u16) -> Option<u32> {
    let ends_with = |address: &str, port: u16| {
        let (host, own) = address.rsplit_once(':')?;
        (is_loopback(host) && u16::from_str_radix(own, 16) == Ok(port)).then_some(())
    };
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, local, remote, _, _, _, _, user, _, inode, ..] = columns[..] else { return None };
        ends_with(local, theirs)?;
        ends_with(remote, ours)?;
        (inode != "0").then(|| user.parse().ok()).flatten()
    })
}

/// Whether an address of the table, words of four bytes in the machine's order, is 127.0.0.1, perhaps in the form of IPv6.
fn is_loopback(host: &str) -> bool {
    let word = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
    let mapped = format!("{:08X}", u32::from_ne_bytes([0, 0, 0xff, 0xff]));
    host == word || host == format!("0000000000000000{mapped}{word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_owner_of_a_connection_is_found() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap();
        let _client = TcpStream::connect(place).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        assert!(Guests::OwnUser.admit(&stream).await && Guests::Anybody.admit(&stream).await);
        let (theirs, ours) = (stream.peer_addr().unwrap(), stream.local_addr().unwrap());
        assert_eq!(owner(theirs, ours), Some(rustix::process::geteuid().as_raw()));
        assert_eq!(owner(ours, SocketAddr::new(theirs.ip(), 1)), None);
    }

    #[test]
    fn what_nobody_holds_is_nobodys() {
        let here = format!("{:08X}", u32::from_ne_bytes([127, 0, 0, 1]));
        let far = format!("{:08X}", u32::from_ne_bytes([192, 0, 2, 1]));
        let table = |local: &str, user: &str, inode: &str| {
            let end = "00000000:00000000 00:00000000 00000000";
            format!("  sl  …\n   0: {local}:0010 {here}:0020 01 {end}  {user}        0 {inode} 1 0\n")
        };
        assert_eq!(owner_in(&table(&here, "1000", "77"), 16, 32), Some(1000));
        assert_eq!(owner_in(&table(&here, "1000", "77"), 16, 33), None);
        assert_eq!(owner_in(&table(&here, "0", "0"), 16, 32), None);
        assert_eq!(owner_in(&table(&far, "1000", "77"), 16, 32), None);
        assert_eq!(owner_in("nothing", 16, 32), None);
    }
}
