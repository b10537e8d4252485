//! Pages of a server of ours, on the loopback, which a person named; and everything that is not fetched.
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;
use crate::tools::limits::FETCH_BYTES_MAX;

/// Serves each connection the next of some answers, and returns its address and, at the end, what was asked.
struct Server {
    host: String,
    asked: std::thread::JoinHandle<Vec<String>>,
}

fn serving(answers: Vec<Vec<u8>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let place = format!("http://{host}");
    let asked = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                request.push(byte[0]);
            }
            asked.push(String::from_utf8(request).unwrap());
            let answer = match String::from_utf8(answer) {
                Ok(text) => text.replace("PLACE", &place).into_bytes(),
                Err(bytes) => bytes.into_bytes(),
            };
            // A reader that has enough goes away.
            stream.write_all(&answer).ok();
        }
        asked
    });
    Server { host, asked }
}

fn answer(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Fetches a path of a server that gives these answers; `PLACE` in them is its address.
async fn fetch(path: &str, answers: Vec<Vec<u8>>) -> (CallStatus, String, Vec<String>) {
    let server = serving(answers);
    let mut world = World::new(&[]);
    world.context.network.near = std::iter::once(server.host.parse().unwrap()).collect();
    let outcome = world.call("fetch", json!({"url": format!("http://{}{path}", server.host)})).await;
    let text = plain_text(&outcome.content).replace(&server.host, "HOST");
    (outcome.status, text, server.asked.join().unwrap())
}

#[tokio::test]
async fn a_page_comes_as_text_and_nothing_of_ours_goes_out() {
    let page =
        answer("200 OK\r\ncontent-type: text/html; charset=utf-8", "<h1>Title</h1><p>One &amp; two</p>");
    let (status, text, asked) = fetch("/a?b=c", vec![page]).await;
    assert_eq!(status, CallStatus::Ok);
    assert_eq!(text, "[http://HOST/a?b=c: 200 OK, text/html, 34 bytes]\n\n# Title\n\nOne & two");
    let request = asked[0].to_lowercase();
    assert!(request.starts_with("get /a?b=c "), "{request}");
    assert!(!request.contains("cookie") && !request.contains("authorization"), "{request}");
    assert!(request.contains("accept-encoding: identity"), "{request}");
}

#[tokio::test]
async fn json_and_text_come_as_they_are_and_an_error_page_is_a_failure_with_its_text() {
    let json = answer("200 OK\r\ncontent-type: application/json", r#"{"a": "<b>"}"#);
    let (status, text, _) = fetch("/", vec![json]).await;
    assert_eq!((status, text.ends_with("\n\n{\"a\": \"<b>\"}")), (CallStatus::Ok, true), "{text}");
    let gone = answer("404 Not Found\r\ncontent-type: text/plain", "no such page");
    let (status, text, _) = fetch("/x", vec![gone]).await;
    assert_eq!(status, CallStatus::Failed);
    assert!(text.contains("404 Not Found") && text.ends_with("no such page"), "{text}");
}

#[tokio::test]
async fn what_is_no_text_is_refused_with_what_it_is() {
    let (status, text, _) = fetch("/", vec![answer("200 OK\r\ncontent-type: image/png", "x")]).await;
    assert_eq!(status, CallStatus::Failed);
    assert!(text.contains("is image/png, 1 bytes"), "{text}");
    let (_, text, _) = fetch("/", vec![answer("200 OK\r\ncontent-type: text/plain", "a\0b")]).await;
    assert!(text.contains("no text"), "{text}");
    let packed = answer("200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip", "x");
    let (_, text, _) = fetch("/", vec![packed]).await;
    assert!(text.contains("compressed (gzip)"), "{text}");
}

#[tokio::test]
async fn a_body_without_end_is_read_up_to_the_bound() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n".to_vec();
    let endless = [head, vec![b'x'; FETCH_BYTES_MAX + (1 << 20)]].concat();
    let (status, text, _) = fetch("/", vec![endless]).await;
    assert_eq!(status, CallStatus::Ok);
    assert!(text.contains("4194304 bytes, and more that was not read"), "{}", &text[..200]);
    assert!(text.len() < 100_000);
}

#[tokio::test]
async fn redirects_stay_on_their_host_are_counted_and_are_looked_at_again() {
    let to = |place: &str| answer(&format!("302 Found\r\nlocation: {place}"), "");
    let page = answer("200 OK\r\ncontent-type: text/plain", "there");
    let (status, text, asked) = fetch("/a", vec![to("/b"), to("PLACE/c"), page]).await;
    assert_eq!((status, asked.len()), (CallStatus::Ok, 3));
    assert!(text.starts_with("[http://HOST/c: 200"), "{text}");
    let (_, text, _) = fetch("/a", vec![to("https://other.example/x")]).await;
    assert!(text.contains("another host") && text.contains("Fetch https://other.example/x"), "{text}");
    for place in ["file:///etc/passwd", "http://me:x@other.example/", "http://0x7f.1/"] {
        let (status, text, _) = fetch("/a", vec![to(place)]).await;
        assert_eq!(status, CallStatus::Failed, "{text}");
    }
    let (_, text, _) = fetch("/", (0..6).map(|_| to("/again")).collect()).await;
    assert!(text.contains("more than 5 redirects"), "{text}");
    // The same host at another port is another place: nobody named that one.
    let (_, text, _) = fetch("/", vec![to("http://127.0.0.1:9/")]).await;
    assert!(text.contains("only addresses of the public internet"), "{text}");
}

#[tokio::test]
async fn what_must_not_be_asked_for_is_refused_before_anybody_is_asked() {
    let world = World::new(&[]);
    for (url, why) in [
        ("http://127.0.0.1:1/", "this machine"),
        ("http://[::1]/", "this machine"),
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("http://10.1.2.3/", "private"),
        ("http://[::ffff:7f00:1]/", "disguise"),
        ("http://2130706433/", "odd way"),
        ("https://me:word@a.example/", "name or a password"),
        ("file:///etc/passwd", "only http and https"),
        ("nonsense", "no address"),
    ] {
        let failure = world.prepare("fetch", json!({"url": url})).await.unwrap_err();
        assert!(failure.contains(why), "{url}: {failure}");
    }
    let prepared = world.prepare("fetch", json!({"url": "https://a.example/x#y"})).await.unwrap();
    assert_eq!(prepared.effect, EffectClass::Network);
    assert_eq!(prepared.access, Access::Network(vec!["a.example".to_owned()]));
}

#[tokio::test]
async fn a_name_that_leads_home_is_refused_when_it_is_looked_up() {
    let mut world = World::new(&[]);
    let outcome = world.call("fetch", json!({"url": "http://localhost:1/"})).await;
    let text = plain_text(&outcome.content);
    assert_eq!(outcome.status, CallStatus::Failed);
    assert!(text.contains("this machine") && text.contains("network.private"), "{text}");
}
