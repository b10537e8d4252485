//! Framing: what is a message, what ends a stream, and that it never matters how the bytes arrive.
use proptest::prelude::*;

use super::*;

/// Decodes the pieces one after the other, as they would arrive.
fn decode<'a>(codec: &mut Codec, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<Frame>, String> {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(frame) = codec.decode(&mut buffer).map_err(|error| error.to_string())? {
            frames.push(frame);
        }
    }
    while let Some(frame) = codec.decode_eof(&mut buffer).map_err(|error| error.to_string())? {
        frames.push(frame);
    }
    Ok(frames)
}

fn check(input: &[u8], expected: Result<&[&str], &str>) {
    let expected = expected
        .map(|bodies| {
            bodies.iter().map(|body| Frame::Body(Bytes::copy_from_slice(body.as_bytes()))).collect::<Vec<_>>()
        })
        .map_err(str::to_owned);
    assert_eq!(decode(&mut Codec::new(), [input]), expected, "at once");
    assert_eq!(decode(&mut Codec::new(), input.chunks(1)), expected, "byte by byte");
}

#[test]
fn the_first_bytes_decide_the_framing() {
    check(b"Content-Length: 2\r\n\r\n{}", Ok(&["{}"]));
    check(b"CONTENT-length:2\r\n\r\n{}", Ok(&["{}"]));
    check(b"Content-Type: x; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}", Ok(&["{}"]));
    check(b"{}\n{}\n", Ok(&["{}", "{}"]));
    check(b" \r\n\t[]\n", Ok(&["[]"]));
    check(b"GET / HTTP/1.1\r\n\r\n", Err("the first bytes are of no known framing"));
    check(b"hello\n", Err("the first bytes are of no known framing"));
    check(b" Content-Length: 2\r\n\r\n{}", Err("the first bytes are of no known framing"));
    check(b"\xef\xbb\xbf{}\n", Err("the first bytes are of no known framing"));
    check(b"", Ok(&[]));
    check(b"Cont", Ok(&[]));
}

#[test]
fn a_framing_is_kept_for_the_streams_life() {
    check(b"{}\nContent-Length: 2\r\n\n[]\n", Ok(&["{}", "Content-Length: 2\r", "[]"]));
    check(b"Content-Length: 2\r\n\r\n{}{}\n\n", Err("damaged header block: a header without a colon"));
}

#[test]
fn lines_may_be_blank_and_the_last_may_be_open() {
    check(b"{}\n\n  \n{\"a\":1}", Ok(&["{}", "{\"a\":1}"]));
}

#[test]
fn half_a_body_is_no_message() {
    check(b"Content-Length: 10\r\n\r\n{}", Ok(&[]));
}

#[test]
fn an_empty_body_is_a_message() {
    check(b"Content-Length: 0\r\n\r\nContent-Length: 2\r\n\r\n{}", Ok(&["", "{}"]));
}

#[test]
fn damaged_header_blocks_end_the_stream() {
    let damaged: &[(&str, &str)] = &[
        ("Content-Type: x\r\n\r\n", "Content-Length is missing"),
        ("Content-Length: -2\r\n\r\n{}", "Content-Length is no number"),
        ("Content-Length: +2\r\n\r\n{}", "Content-Length is no number"),
        ("Content-Length:\r\n\r\n{}", "Content-Length is no number"),
        ("Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "Content-Length stands twice"),
        ("Content-Length: 16777217\r\n\r\n", "Content-Length is over the limit of a message"),
        (
            "Content-Length: 99999999999999999999999999\r\n\r\n",
            "Content-Length is over the limit of a message",
        ),
        ("Content-Length: 2\r\nwhat\r\n\r\n{}", "a header without a colon"),
    ];
    for (input, reason) in damaged {
        check(input.as_bytes(), Err(&format!("damaged header block: {reason}")));
    }
    let long = format!("Content-Length: 2\r\nX: {}", "x".repeat(HEADER_BYTES_MAX));
    check(long.as_bytes(), Err("damaged header block: it is longer than 8 KiB"));
}

#[test]
fn nothing_follows_a_broken_place() {
    let (mut codec, mut buffer) = (Codec::new(), BytesMut::from("Content-Length: x\r\n\r\n{}"));
    assert!(codec.decode(&mut buffer).is_err());
    buffer.extend_from_slice(b"Content-Length: 2\r\n\r\n{}");
    assert_eq!(codec.decode(&mut buffer).unwrap(), None);
}

#[test]
fn a_claimed_length_reserves_nothing() {
    let (mut codec, mut buffer) = (Codec::new(), BytesMut::from("Content-Length: 16777216\r\n\r\n{"));
    assert_eq!(codec.decode(&mut buffer).unwrap(), None);
    assert!(buffer.capacity() < 1024, "{}", buffer.capacity());
}

#[test]
fn a_message_of_exactly_the_limit_passes() {
    let body = vec![b' '; MESSAGE_IN_BYTES_MAX];
    let mut input = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    input.extend_from_slice(&body);
    let frames = decode(&mut Codec::new(), [input.as_slice()]).unwrap();
    assert_eq!(frames, [Frame::Body(body.into())]);
}

#[test]
fn a_line_over_the_limit_is_passed_over() {
    let input = b"{}\n[12345678]\n{}\n[123456]\n";
    let body = |text: &'static str| Frame::Body(Bytes::from_static(text.as_bytes()));
    let expected = [body("{}"), Frame::Oversized, body("{}"), body("[123456]")];
    for size in 1..=input.len() {
        assert_eq!(decode(&mut Codec::with_limit(8), input.chunks(size)).unwrap(), expected, "{size}");
    }
}

/// Text that may stand in a body of either framing.
fn body() -> impl Strategy<Value = String> {
    "[{\\[][ -~é\\t]{0,60}"
}

fn encode(mut framing: Framing, bodies: &[String]) -> Vec<u8> {
    let mut buffer = BytesMut::new();
    for body in bodies {
        let (head, tail) = body.as_bytes().split_at(1);
        framing.encode(&[head, tail], &mut buffer).unwrap();
    }
    buffer.to_vec()
}

/// Cuts `input` at the places.
fn pieces<'a>(input: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.extend([0, input.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn any_split_of_any_messages_decodes_the_same(
        bodies in prop::collection::vec(body(), 0..8),
        cuts in prop::collection::vec(any::<usize>(), 0..24),
        headers in any::<bool>(),
    ) {
        let framing = if headers { Framing::Headers } else { Framing::Lines };
        let input = encode(framing, &bodies);
        let frames = decode(&mut Codec::new(), pieces(&input, &cuts)).unwrap();
        let expected: Vec<Frame> = bodies.into_iter().map(|body| Frame::Body(body.into())).collect();
        prop_assert_eq!(frames, expected);
    }

    #[test]
    fn any_split_of_any_bytes_decodes_the_same_and_never_panics(
        start in prop::sample::select(vec!["", "Content-Length: 5\r\n\r\n", "{", " [", "content-"]),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        cuts in prop::collection::vec(any::<usize>(), 0..24),
    ) {
        let input = [start.as_bytes(), &noise].concat();
        let whole = decode(&mut Codec::with_limit(32), [input.as_slice()]);
        let split = decode(&mut Codec::with_limit(32), pieces(&input, &cuts));
        prop_assert_eq!(whole, split);
    }
}
