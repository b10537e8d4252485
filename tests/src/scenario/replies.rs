//! The `model` block: replies in a few words, separated by blank lines. Not here: serving them (`model_server`).
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use crate::model_server::{Fault, Finish, Gate, Reply, TokenCounts};

/// The replies of a scenario, and the gates the client blocks open.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// The replies, in order.
    pub(crate) list: Vec<Reply>,
    /// Whether the last one goes on for ever.
    pub(crate) repeat_last: bool,
    /// The gates by name.
    pub(crate) gates: BTreeMap<String, Gate>,
}

impl Replies {
    /// Adds the replies of a block.
    pub(crate) fn add(&mut self, body: &str) -> Result<()> {
        let mut reply: Option<Reply> = None;
        for line in body.lines() {
            if line.trim().is_empty() {
                self.list.extend(reply.take());
            } else if line.trim() == "repeat" {
                self.repeat_last = true;
            } else {
                let whole = reply.take().unwrap_or_default();
                reply = Some(self.line(whole, line.trim()).with_context(|| format!("in `{line}`"))?);
            }
        }
        self.list.extend(reply);
        Ok(())
    }

    fn line(&mut self, mut reply: Reply, line: &str) -> Result<Reply> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "text:" => {
                if !reply.text.is_empty() {
                    reply.text.push('\n');
                }
                reply.text.push_str(rest);
            }
            "reasoning:" => rest.clone_into(&mut reply.reasoning),
            "call" => reply = call(reply, rest)?,
            "calls" => {
                // `calls 70 NAME {…}`: the same call so many times.
                let (count, rest) = rest.split_once(' ').context("how many?")?;
                for _ in 0..count.parse::<usize>()? {
                    reply = call(reply, rest)?;
                }
            }
            "deltas" => reply.deltas = rest.parse()?,
            "status" => reply = status(reply, rest)?,
            "fault" => reply.fault = Some(fault(rest)?),
            "gate" => {
                let (name, after) =
                    rest.split_once(' ').map_or((rest, None), |(name, after)| (name, Some(after)));
                let gate = self.gates.entry(name.to_owned()).or_default().clone();
                match after {
                    None => reply.gate = Some(gate),
                    Some(after) => reply.delta_gate = Some((number(after, "after=")?, gate)),
                }
            }
            "finish" => {
                reply.finish = match rest {
                    "length" => Finish::Length,
                    "filter" => Finish::ContentFilter,
                    other => Finish::Word(other.to_owned()),
                }
            }
            "tokens" => {
                let counts: Vec<u64> = rest.split(' ').map(str::parse).collect::<Result<_, _>>()?;
                let [input, output] = counts[..] else { bail!("`tokens INPUT OUTPUT`") };
                reply.usage = Some(TokenCounts { input, output, cached: 0 });
            }
            "refusal" => reply.refusal = true,
            _ => bail!("no line of a reply begins with `{word}`"),
        }
        Ok(reply)
    }
}

/// `NAME [id=ID] ARGUMENTS`, the arguments as they are, however broken.
fn call(reply: Reply, rest: &str) -> Result<Reply> {
    let (name, rest) = rest.split_once(' ').context("a call needs arguments")?;
    let with_id = rest.strip_prefix("id=").and_then(|rest| rest.split_once(' '));
    let (id, arguments) = with_id.map_or((None, rest), |(id, rest)| (Some(id), rest));
    Ok(reply.and_raw_call(id, name, arguments))
}

/// `CODE [retry-after=S] [code=WORD] [sentence]`.
fn status(mut reply: Reply, rest: &str) -> Result<Reply> {
    let mut message = Vec::new();
    for (at, word) in rest.split(' ').enumerate() {
        match word.split_once('=') {
            _ if at == 0 => reply.status = word.parse()?,
            Some(("retry-after", value)) => reply.retry_after = Some(value.to_owned()),
            Some(("code", value)) => value.clone_into(&mut reply.code),
            _ => message.push(word),
        }
    }
    reply.message = message.join(" ");
    Ok(reply)
}

/// `NAME [after=N] [sentence]`.
fn fault(rest: &str) -> Result<Fault> {
    let mut words = rest.split(' ');
    let name = words.next().unwrap_or_default();
    let (mut after, mut message) = (1, Vec::new());
    for word in words {
        if word.starts_with("after=") {
            after = number(word, "after=")?;
        } else {
            message.push(word);
        }
    }
    let message = message.join(" ");
    Ok(match name {
        "cut" => Fault::Cut { after },
        "reset" => Fault::Reset { after },
        "stall" => Fault::Stall { after },
        "no-finish" => Fault::NoFinish { after },
        "done-without-finish" => Fault::DoneWithoutFinish { after },
        "malformed" => Fault::Malformed { after },
        "error-event" => Fault::ErrorEvent { after, message },
        "empty" => Fault::Empty,
        "error-body" => Fault::ErrorBody { message },
        "flood" => Fault::Flood,
        other => bail!("no fault is called `{other}`"),
    })
}

fn number(word: &str, prefix: &str) -> Result<usize> {
    Ok(word.strip_prefix(prefix).with_context(|| format!("`{prefix}N` is wanted"))?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_reply_by_reply() {
        let mut replies = Replies::default();
        let block = "text: a\ntext: b\ncall read {\"path\": \"x\"}\n\nstatus 429 retry-after=1 too many\n\n\
                     text: c\ndeltas 3\nfault cut after=2\n\ntext: d\ngate g after=1\n";
        replies.add(block).unwrap();
        let [first, second, third, fourth] = &replies.list[..] else { panic!("{replies:?}") };
        assert_eq!((first.text.as_str(), first.calls.len()), ("a\nb", 1));
        assert_eq!((second.status, second.message.as_str()), (429, "too many"));
        assert_eq!((third.deltas, third.fault.clone()), (3, Some(Fault::Cut { after: 2 })));
        assert!(fourth.delta_gate.is_some() && replies.gates.contains_key("g"));
        assert!(Replies::default().add("txet: a").is_err());
    }
}
