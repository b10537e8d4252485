//! Following a command to its end: collecting, showing, interrupting. Not here: what its end means.
use crate::base::secret::{Redacting, Secrets};
use crate::process::{Chunk, Exit, ProcessError, Running, Source};
use crate::tools::RunContext;
use crate::tools::context::Progress;
use crate::tools::limits::PROGRESS_BYTES_MAX;
use crate::tools::output::Collected;

/// A command that ended.
#[derive(Debug)]
pub(super) struct Followed {
    /// What it printed, both outputs as they came.
    pub(super) output: Collected,
    /// Whether its end was asked for.
    pub(super) is_cancelled: bool,
    /// Whether it was ended because it printed too much.
    pub(super) printed_too_much: bool,
    /// How it ended.
    pub(super) end: Result<Exit, ProcessError>,
}

/// Follows a command to its end; of what it prints `secrets` are taken out before anybody sees it. When the call is cancelled its
/// tree is killed, and what it had printed is kept; so it is when it prints more than `output_bytes_max`. Dropping the future kills
/// the tree too.
pub(super) async fn follow(
    mut running: Running,
    context: &RunContext,
    secrets: &Secrets,
    output_bytes_max: u64,
) -> Followed {
    let mut output = Collected::default();
    let mut redacting = BySource::of(secrets);
    let mut live = Live::new(&context.progress);
    let (mut is_cancelled, mut printed_too_much) = (false, false);
    let mut printed = 0_u64;
    loop {
        // `next` is cancel safe: no output is lost when the other branch wins.
        let chunk = tokio::select! {
            chunk = running.next() => chunk,
            () = context.cancel.cancelled(), if !is_cancelled => {
                is_cancelled = true;
                running.kill();
                continue;
            }
        };
        let Some(Chunk { source, bytes }) = chunk else { break };
        printed = printed.saturating_add(bytes.len() as u64);
        if printed > output_bytes_max && !printed_too_much {
            printed_too_much = true;
            running.kill();
        }
        let bytes = redacting.of_source(source).push(bytes.into());
        output.push(&bytes);
        live.show(source, &bytes);
    }
    for (source, bytes) in redacting.finish() {
        output.push(&bytes);
        live.show(source, &bytes);
    }
    let end = running.wait().await;
    Followed { output, is_cancelled, printed_too_much, end }
}

/// What takes secrets out of each of the two outputs.
struct BySource {
    stdout: Redacting,
    stderr: Redacting,
}

impl BySource {
    fn of(secrets: &Secrets) -> Self {
        Self { stdout: secrets.stream(), stderr: secrets.stream() }
    }

    const fn of_source(&mut self, source: Source) -> &mut Redacting {
        match source {
            Source::Stdout => &mut self.stdout,
            Source::Stderr => &mut self.stderr,
        }
    }

    fn finish(self) -> [(Source, Vec<u8>); 2] {
        [(Source::Stdout, self.stdout.finish()), (Source::Stderr, self.stderr.finish())]
    }
}

/// Shows output as it comes, whole characters only.
struct Live<'a> {
    progress: &'a Progress,
    /// The beginning of a character whose end has not come, for stdout and stderr.
    begun: [Vec<u8>; 2],
    shown: usize,
}

impl<'a> Live<'a> {
    fn new(progress: &'a Progress) -> Self {
        Self { progress, begun: [Vec::new(), Vec::new()], shown: 0 }
    }

    fn show(&mut self, source: Source, bytes: &[u8]) {
        if self.shown > PROGRESS_BYTES_MAX {
            return;
        }
        let begun = match source {
            Source::Stdout => &mut self.begun[0],
            Source::Stderr => &mut self.begun[1],
        };
        begun.extend_from_slice(bytes);
        let rest = begun.split_off(begun.len() - unfinished(begun));
        let ready = std::mem::replace(begun, rest);
        if ready.is_empty() {
            return;
        }
        self.shown += ready.len();
        (self.progress.0)(&String::from_utf8_lossy(&ready));
        if self.shown > PROGRESS_BYTES_MAX {
            (self.progress.0)("\n[more output is not shown while it runs]\n");
        }
    }
}

/// Returns how many bytes at the end begin a character that is not complete.
fn unfinished(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let Some(back) = tail.iter().rev().position(|byte| byte & 0xc0 != 0x80) else { return 0 };
    let needs = match tail[tail.len() - 1 - back] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    if back + 1 < needs { back + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_is_cut_waits_for_its_end() {
        let check = |bytes: &[u8], expected| assert_eq!(unfinished(bytes), expected, "{bytes:x?}");
        check(b"abc", 0);
        check("é".as_bytes(), 0);
        check(&"é".as_bytes()[..1], 1);
        check(&"a€".as_bytes()[..3], 2);
        check(&"😀".as_bytes()[..3], 3);
        check("😀".as_bytes(), 0);
        check(b"\x80\x80\x80\x80", 0);
        check(b"", 0);
    }
}
