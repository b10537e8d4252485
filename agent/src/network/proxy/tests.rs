//! A proxy over real sockets: what it lets through, what it refuses, and what a hostile client can do to it.
use std::net::Ipv4Addr;

use tokio::io::AsyncReadExt as _;

use super::*;
use crate::network::ways::NetworkEnvironment;

/// After this a test is stuck and fails.
const STUCK: Duration = Duration::from_mins(1);

/// More than any buffer on the way holds.
const MUCH: usize = 3 << 20;

/// A proxy, where it listens, and what a server beside it is called.
struct Set {
    proxy: Proxy,
    door: u16,
    server: u16,
    _serving: Task<()>,
}

/// Starts a server that answers each connection with what it was sent to its end, and a proxy that lets `localhost` through; and
/// its address, if it is `near`.
async fn set(near: bool, ways: impl FnOnce(u16) -> NetworkEnvironment) -> Set {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = listener.local_addr().unwrap().port();
    let serving = task::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await.ok();
                to.shutdown().await.ok();
            });
        }
    });
    let near = near.then(|| format!("localhost:{server}").parse().unwrap());
    let egress = Egress { ways: ways(server), near: near.into_iter().collect() };
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let door = listener.local_addr().unwrap().port();
    let admits = Admits(Arc::new(|host| host == "localhost" || host == "far.invalid"));
    let proxy = Proxy::serve(listener, admits, egress, Guests::OwnUser).unwrap();
    Set { proxy, door, server, _serving: serving }
}

async fn plain(near: bool) -> Set {
    set(near, |_| NetworkEnvironment::default()).await
}

/// Sends something through the door and returns all that comes back.
async fn say(door: u16, text: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, door)).await.unwrap();
    let (mut from, mut to) = stream.split();
    let sending = async {
        to.write_all(text).await.ok();
        to.shutdown().await.ok();
    };
    let mut answer = Vec::new();
    let both = async { tokio::join!(sending, from.read_to_end(&mut answer)) };
    // A connection that is closed early has no more to say.
    let ((), _read) = timeout(STUCK, both).await.unwrap();
    answer
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_tunnel_carries_any_bytes_both_ways() {
    let Set { proxy, door, server, _serving } = plain(true).await;
    let head = format!("CONNECT localhost:{server} HTTP/1.1\r\n\r\n");
    let much: Vec<u8> = (0..MUCH).map(|place| u8::try_from(place % 251).unwrap()).collect();
    let answer = say(door, &[head.as_bytes(), &much].concat()).await;
    let greeting = b"HTTP/1.1 200 Connection established\r\n\r\n";
    assert!(answer.starts_with(greeting), "{}", text(&answer[..answer.len().min(200)]));
    assert!(answer[greeting.len()..] == much, "{} of {MUCH} bytes came back", answer.len() - greeting.len());
    let visits = proxy.close().await;
    assert!(visits.reached.contains("localhost") && visits.refused.is_empty(), "{visits:?}");
}

#[tokio::test]
async fn a_plain_request_goes_to_the_server_as_its_own() {
    let Set { proxy: _proxy, door, server, _serving } = plain(true).await;
    let asked =
        format!("POST http://localhost:{server}/a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    let heard = text(&say(door, asked.as_bytes()).await);
    let expected = format!(
        "POST /a?b HTTP/1.1\r\nhost: localhost:{server}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi"
    );
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn what_is_not_admitted_is_refused_by_name() {
    let Set { proxy, door, .. } = plain(true).await;
    let answer = text(&say(door, b"CONNECT Evil.example.:443 HTTP/1.1\r\n\r\n").await);
    assert!(
        answer.starts_with("HTTP/1.1 403 evil.example is not among the needs of this command\r\n"),
        "{answer}"
    );
    assert!(answer.contains("needs {\"net\": [\"evil.example\"]}"), "{answer}");
    let answer = text(&say(door, b"GET http://evil.example/ HTTP/1.1\r\n\r\n").await);
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let visits = proxy.close().await;
    assert!(visits.refused.contains("evil.example") && visits.reached.is_empty(), "{visits:?}");
}

#[tokio::test]
async fn a_name_that_leads_home_is_refused_where_no_person_named_it() {
    // The control is above: the same name, named.
    let Set { proxy, door, server, _serving } = plain(false).await;
    let answer = text(&say(door, format!("CONNECT localhost:{server} HTTP/1.1\r\n\r\n").as_bytes()).await);
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("this machine"), "{answer}");
    let visits = proxy.close().await;
    assert!(visits.out_of_reach["localhost"].contains("network.private"), "{visits:?}");
    assert!(visits.reached.is_empty());
    // Another port of a host that was named at one.
    let Set { proxy: _proxy, door, .. } = plain(true).await;
    let answer = text(&say(door, b"CONNECT localhost:9 HTTP/1.1\r\n\r\n").await);
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

#[tokio::test]
async fn a_persons_proxy_is_gone_through() {
    // The server that answers with what it is sent stands for the proxy: what it says to a tunnel is no success.
    let ways = |server| NetworkEnvironment {
        http_proxy: Some(format!("http://me:word@127.0.0.1:{server}")),
        https_proxy: Some(format!("http://127.0.0.1:{server}")),
        ..NetworkEnvironment::default()
    };
    let Set { proxy: _proxy, door, _serving, .. } = set(false, ways).await;
    let heard = text(&say(door, b"GET http://far.invalid/a HTTP/1.1\r\n\r\n").await);
    let expected = "GET http://far.invalid/a HTTP/1.1\r\nhost: far.invalid\r\nproxy-authorization: Basic bWU6d29yZA==\r\n\
                    connection: close\r\n\r\n";
    assert_eq!(heard, expected);
    let heard = text(&say(door, b"CONNECT far.invalid:443 HTTP/1.1\r\n\r\n").await);
    assert!(heard.starts_with("HTTP/1.1 502") && heard.contains("refused far.invalid"), "{heard}");
}

#[tokio::test]
async fn who_speaks_nonsense_is_told_so_and_nobody_else_is_hurt() {
    let Set { proxy: _proxy, door, server, _serving } = plain(true).await;
    let long = vec![b'x'; 1 << 20];
    for nonsense in [&b"\0\xff\x16\x03\x01 garbage\r\n\r\n"[..], b"GET / HTTP/1.1\r\n\r\n", &long] {
        let answer = text(&say(door, nonsense).await);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    // Whoever says nothing holds a place, and no more than his own.
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS_MAX - 1 {
        silent.push(TcpStream::connect((Ipv4Addr::LOCALHOST, door)).await.unwrap());
    }
    let head = format!("CONNECT localhost:{server} HTTP/1.1\r\n\r\nhi");
    assert!(text(&say(door, head.as_bytes()).await).ends_with("\r\n\r\nhi"));
    // More of them than there are places wait outside, until those within are given up.
    for _ in 0..CONNECTIONS_MAX {
        silent.push(TcpStream::connect((Ipv4Addr::LOCALHOST, door)).await.unwrap());
    }
    silent.truncate(CONNECTIONS_MAX - 1);
    assert!(text(&say(door, head.as_bytes()).await).ends_with("\r\n\r\nhi"));
}

#[tokio::test]
async fn everything_ends_with_the_proxy() {
    let Set { proxy, door, server, _serving } = plain(true).await;
    let mut open = TcpStream::connect((Ipv4Addr::LOCALHOST, door)).await.unwrap();
    open.write_all(format!("CONNECT localhost:{server} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
    let mut greeting = [0; 39];
    open.read_exact(&mut greeting).await.unwrap();
    proxy.close().await;
    // Closed or reset: nothing comes any more.
    let ended = timeout(STUCK, open.read(&mut [0])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, door)).await.is_err());
}
