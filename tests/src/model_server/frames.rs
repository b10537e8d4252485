//! From an answer to what is done on the connection, one after the other: send, wait, break. Pure.
//! Not here: the formats (`chat`, `messages`) and sockets (`serve`).
use crate::model_server::reply::{Fault, Gate, Reply};
use crate::model_server::{chat, messages};

/// The two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/messages`
    Messages,
}

impl Format {
    /// Returns the format that is spoken at a path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        match path.split('?').next()? {
            "/v1/chat/completions" => Some(Self::Chat),
            "/v1/messages" => Some(Self::Messages),
            _ => None,
        }
    }
}

/// One event of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The event with its empty line.
    pub(crate) text: String,
    /// Whether it carries a piece of the answer, and counts for `after`.
    pub(crate) is_delta: bool,
}

/// The events of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frames {
    /// The content.
    pub(crate) content: Vec<Frame>,
    /// The finish reason and the counts.
    pub(crate) finish: Vec<String>,
    /// What says that nothing follows.
    pub(crate) done: String,
}

impl Frames {
    /// Adds an event that is no piece of the answer.
    pub(crate) fn head(&mut self, text: String) {
        self.content.push(Frame { text, is_delta: false });
    }

    /// Adds a piece of the answer.
    pub(crate) fn delta(&mut self, text: String) {
        self.content.push(Frame { text, is_delta: true });
    }
}

/// One thing to do on the connection.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Sends a piece of the body.
    Send(Vec<u8>),
    /// Waits for a test.
    Wait(Gate),
    /// Waits for so many milliseconds.
    Pause(u64),
    /// Sends the same piece until the other side gives up.
    Flood(Vec<u8>),
    /// Waits until the other side gives up.
    Stall,
    /// Closes the connection in the middle of the body.
    Cut,
    /// Resets the connection.
    Reset,
    /// Ends the body.
    End,
}

/// Returns what is done for a reply with status 200 to the request of that number.
pub(crate) fn actions(reply: &Reply, format: Format, number: usize) -> Vec<Action> {
    if reply.fault == Some(Fault::Empty) {
        return vec![Action::End];
    }
    let frames = match format {
        Format::Chat => chat::frames(reply, number),
        Format::Messages => messages::frames(reply, number),
    };
    let mut out = Out { actions: Vec::new(), pending: String::new(), comments: reply.comments };
    let gate = reply.delta_gate.as_ref();
    let place = |after: usize| place_after(&frames, after);
    let (gate_at, fault_at) =
        (gate.map(|gate| place(gate.0)), reply.fault.as_ref().map(|fault| place(fault.after())));
    for (index, frame) in frames.content.iter().map(|frame| Some(&frame.text)).chain([None]).enumerate() {
        if let (Some((_, gate)), true) = (gate, gate_at == Some(index)) {
            out.push(reply, Action::Wait(gate.clone()));
        }
        if let (Some(fault), true) = (&reply.fault, fault_at == Some(index)) {
            let next = frame.or(frames.finish.first()).map_or("", String::as_str);
            if out.fault(reply, fault, format, next, &frames.done) {
                return out.actions;
            }
        }
        out.text(frame.map_or("", String::as_str));
        if reply.pause_ms > 0 && frames.content.get(index).is_some_and(|frame| frame.is_delta) {
            out.push(reply, Action::Pause(reply.pause_ms));
        }
    }
    frames.finish.iter().for_each(|text| out.text(text));
    out.text(&frames.done);
    out.push(reply, Action::End);
    out.actions
}

/// Returns the index of the frame that follows that many deltas.
fn place_after(frames: &Frames, after: usize) -> usize {
    let deltas = frames.content.iter().enumerate().filter(|(_, frame)| frame.is_delta);
    match after {
        0 => deltas.map(|(index, _)| index).next().unwrap_or(frames.content.len()),
        after => deltas.map(|(index, _)| index + 1).nth(after - 1).unwrap_or(frames.content.len()),
    }
}

struct Out {
    actions: Vec<Action>,
    /// Events that no action separates are sent together, as servers do that do not flush.
    pending: String,
    comments: bool,
}

impl Out {
    fn text(&mut self, text: &str) {
        if self.comments && !text.is_empty() {
            self.pending.push_str(":\n\n: still here\r\n\r\n");
        }
        self.pending.push_str(text);
    }

    fn push(&mut self, reply: &Reply, action: Action) {
        let pending = std::mem::take(&mut self.pending).into_bytes();
        if !pending.is_empty() {
            let size = reply.chunk_bytes.unwrap_or(pending.len()).max(1);
            self.actions.extend(pending.chunks(size).map(|piece| Action::Send(piece.to_vec())));
        }
        self.actions.push(action);
    }

    /// Adds a fault; tells whether the answer ends with it. `next` is the event that does not come any more.
    fn fault(&mut self, reply: &Reply, fault: &Fault, format: Format, next: &str, done: &str) -> bool {
        match fault {
            Fault::Cut { .. } => {
                self.text(&next.chars().take(next.chars().count() / 2).collect::<String>());
                self.push(reply, Action::Cut);
            }
            Fault::Reset { .. } => self.push(reply, Action::Reset),
            Fault::Stall { .. } => self.push(reply, Action::Stall),
            Fault::NoFinish { .. } | Fault::Empty | Fault::ErrorBody { .. } => self.push(reply, Action::End),
            Fault::DoneWithoutFinish { .. } => {
                self.text(done);
                self.push(reply, Action::End);
            }
            Fault::Malformed { .. } => {
                self.text("data: {\"choices\":[{\"delta\":{\"content\":\n\n");
                return false;
            }
            Fault::ErrorEvent { message, .. } => {
                self.text(&match format {
                    Format::Chat => chat::error_event(message),
                    Format::Messages => messages::error_event(message),
                });
                self.push(reply, Action::End);
            }
            Fault::Flood => {
                let text = "x".repeat(64 * 1024);
                let event = match format {
                    Format::Chat => chat::text_event(&text),
                    Format::Messages => messages::text_event(&text),
                };
                self.push(reply, Action::Flood(event.into_bytes()));
            }
        }
        true
    }
}

/// Splits a text into that many pieces of about the same length, between characters; none is empty.
pub(crate) fn split(text: &str, pieces: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let size = chars.len().div_ceil(pieces.max(1)).max(1);
    chars.chunks(size).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(reply: &Reply, format: Format) -> String {
        let actions = actions(reply, format, 0);
        let bytes: Vec<u8> = actions
            .iter()
            .flat_map(|action| if let Action::Send(bytes) = action { bytes.clone() } else { Vec::new() })
            .collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn both_formats_say_the_same_and_end_properly() {
        let reply = Reply::text("abcd").deltas(2).and_call("read", &serde_json::json!({"path": "a"}));
        let chat = sent(&reply, Format::Chat);
        assert!(chat.contains(r#""content":"ab""#) && chat.ends_with("data: [DONE]\n\n"), "{chat}");
        let messages = sent(&reply, Format::Messages);
        assert!(
            messages.contains(r#""text":"ab""#) && messages.contains("event: message_stop"),
            "{messages}"
        );
    }

    #[test]
    fn a_fault_comes_after_as_many_deltas_as_it_says() {
        for format in [Format::Chat, Format::Messages] {
            for after in 0..4 {
                let reply = Reply::text("abcd").deltas(4).fault(Fault::NoFinish { after });
                let text = sent(&reply, format);
                for (index, letter) in ["\"a\"", "\"b\"", "\"c\"", "\"d\""].iter().enumerate() {
                    assert_eq!(text.contains(letter), index < after, "{after} {letter}: {text}");
                }
                assert!(!text.contains("[DONE]") && !text.contains("message_delta"), "{text}");
            }
        }
    }

    #[test]
    fn texts_are_split_between_characters() {
        assert_eq!(split("a😀b", 3), ["a", "😀", "b"]);
        assert_eq!(split("abcde", 2), ["abc", "de"]);
        assert!(split("", 3).is_empty());
    }
}
