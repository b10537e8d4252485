//! Damaged streams, made from whole ones by a seeded generator: what holds for every input holds for these. Not here:
//! what single mistakes are answered with (`tests`, and `connection::tests::edges`).
//!
//! A short form runs with every test; `FUZZ_SECONDS` (set by `cargo xtask fuzz`) makes it run that long.
use std::time::{Duration, Instant};

use bytes::BytesMut;
use tenon_protocol::version::HEADER_BYTES_MAX;
use tokio_util::codec::{Decoder as _, Encoder as _};

use crate::wire::codec::{Codec, Frame, Framing};
use crate::wire::message::{Message, Unreadable, parse};

/// Streams of the short form.
const CASES: u64 = 4_000;

/// The limit of a message here: small, so that damaged streams go over it.
const BYTES_MAX: usize = 512;

/// This is a table: what whole streams are made of.
const BODIES: [&str; 9] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"agent/list","params":{"kind":"session"}}"#,
    r#"{"jsonrpc":"2.0","id":"a\u00e9\n","method":"agent\/log","params":{"sessionId":"all","limit":-1e3}}"#,
    r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#,
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"žluťoučký"}}"#,
    r#"{"id":2,"method":"initialize","params":{"capabilities":{"experimental":{"agent":{"protocol":[1]}}}}}"#,
    r#"[{"jsonrpc":"2.0","id":1,"method":"x"},[[[[{"a":[]}]]]]]"#,
    "{}",
    "42",
    r#""Content-Length: 3\r\n\r\n""#,
];

/// This is a table: what damage inserts.
const PIECES: [&[u8]; 16] = [
    b"Content-Length: ",
    b"content-LENGTH:7\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"{",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"\"",
    b"\\",
    b"\"id\":",
    b"\"jsonrpc\":\"2.0\",",
    b"-99999999999999999999",
    b"\xff\xfe",
    b"\xe2\x82",
    b"\0",
    b"null",
];

/// A generator of numbers that is the same everywhere (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`; 0 where there is none.
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

fn stream(numbers: &mut Numbers) -> Vec<u8> {
    let mut framing = *numbers.pick(&[Framing::Headers, Framing::Lines]);
    let mut buffer = BytesMut::new();
    for _ in 0..=numbers.below(4) {
        framing.encode(&[numbers.pick(&BODIES).as_bytes()], &mut buffer).unwrap();
    }
    buffer.to_vec()
}

fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..numbers.below(5) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(24)).min(bytes.len());
        match numbers.below(5) {
            0 => drop(bytes.drain(at..end)),
            1 => drop(bytes.splice(at..at, numbers.pick(&PIECES).iter().copied())),
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << numbers.below(8);
                }
            }
            3 => {
                let copied = bytes[at..end].repeat(1 + numbers.below(40));
                let to = numbers.below(bytes.len() + 1);
                drop(bytes.splice(to..to, copied));
            }
            _ => bytes.truncate(at),
        }
    }
}

/// Cuts a stream into pieces, as a carrier might.
fn pieces<'a>(bytes: &'a [u8], numbers: &mut Numbers) -> Vec<&'a [u8]> {
    let (mut rest, mut cut) = (bytes, Vec::new());
    while !rest.is_empty() {
        let (piece, more) = rest.split_at((1 + numbers.below(40)).min(rest.len()));
        cut.push(piece);
        rest = more;
    }
    cut
}

/// What a stream said until its end, or until it broke.
fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<String>) {
    let mut codec = Codec::with_limit(BYTES_MAX);
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error.to_string())),
            }
        }
        let kept_max = HEADER_BYTES_MAX.max(BYTES_MAX + 1);
        assert!(buffer.len() <= kept_max, "{} bytes are kept for one message", buffer.len());
    }
    loop {
        match codec.decode_eof(&mut buffer) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error.to_string())),
        }
    }
}

/// Compares what we make of a body with what a plain JSON parser makes of it.
fn check_body(body: &[u8], framing: Framing) {
    let plain = serde_json::from_slice::<serde_json::Value>(body);
    match parse(body, framing) {
        Err(Unreadable::NotUtf8) => assert!(std::str::from_utf8(body).is_err()),
        Err(Unreadable::TooDeep) => {}
        Err(Unreadable::NotJson(error)) => assert!(plain.is_err(), "{error}"),
        Ok(Message::Request { method, .. }) => {
            let Ok(plain) = plain else { return };
            assert_eq!(plain["method"], *method);
            assert!(plain["id"].is_i64() || plain["id"].is_string(), "{plain}");
        }
        Ok(Message::Notification { method, .. }) => {
            let Ok(plain) = plain else { return };
            assert_eq!(plain["method"], *method);
            assert!(plain.get("id").is_none(), "{plain}");
        }
        Ok(Message::Response | Message::Invalid { .. }) => {}
    }
}

fn check_stream(bytes: &[u8], numbers: &mut Numbers) {
    let whole = decoded([bytes]);
    assert_eq!(decoded(pieces(bytes, numbers)), whole, "it matters how the bytes arrive");
    for frame in &whole.0 {
        let Frame::Body(body) = frame else { continue };
        assert!(body.len() <= BYTES_MAX, "a body of {} bytes", body.len());
        check_body(body, Framing::Headers);
        check_body(body, Framing::Lines);
        // What came in goes out again as it was, in either framing; a line holds no line end.
        let has_break = body.contains(&b'\n');
        if has_break || !matches!(body.first(), Some(b'{' | b'[')) {
            continue;
        }
        for mut framing in [Framing::Headers, Framing::Lines] {
            let mut again = BytesMut::new();
            framing.encode(&[&body[..1], &body[1..]], &mut again).unwrap();
            assert_eq!(decoded([&again[..]]), (vec![frame.clone()], None));
        }
    }
}

/// Streams until the count or the time is over. The seed of a finding is in its message.
fn run() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how long to look is the caller's to say")]
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut case = 0;
    while deadline.map_or(case < CASES, |deadline| Instant::now() < deadline) {
        let mut numbers = Numbers(case);
        let mut bytes = stream(&mut numbers);
        damage(&mut bytes, &mut numbers);
        let checked =
            std::panic::catch_unwind(move || check_stream(&bytes, &mut Numbers(case.wrapping_add(1))));
        assert!(checked.is_ok(), "case {case} is a finding");
        case += 1;
    }
    case
}

#[test]
fn damaged_streams_break_nothing() {
    let cases = run();
    assert!(cases > 0);
    println!("{cases} streams");
}

#[test]
fn the_streams_reach_every_outcome() {
    let (mut bodies, mut oversized, mut broken, mut damaged, mut invalid) = (0, 0, 0, 0, 0);
    for case in 0..CASES {
        let mut numbers = Numbers(case);
        let mut bytes = stream(&mut numbers);
        damage(&mut bytes, &mut numbers);
        let (frames, error) = decoded([&bytes[..]]);
        broken += u64::from(error.is_some());
        for frame in frames {
            match frame {
                Frame::Oversized | Frame::Binary => oversized += 1,
                Frame::Body(body) => match parse(&body, Framing::Headers) {
                    Ok(Message::Invalid { .. }) => invalid += 1,
                    Ok(_) => bodies += 1,
                    Err(_) => damaged += 1,
                },
            }
        }
    }
    let reached = [bodies, oversized, broken, damaged, invalid];
    assert!(reached.iter().all(|count| *count >= 20), "{reached:?}");
}
