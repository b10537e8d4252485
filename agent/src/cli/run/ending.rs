//! How a run ends: exit code, what is told, and the figures. Pure. Not here: ending it.
use serde::Serialize;
use tenon_protocol::event::turn::{Stop, TurnEnded};
use tenon_protocol::model::Usage;

use crate::cli::failure::{Failure, FailureKind};

/// Why a run ended the turn itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The person interrupted it.
    Interrupt,
    /// `--timeout` was over.
    Timeout,
}

/// What decides how a run ends, beside the turn's own end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// Why this run ended the turn, if it did.
    pub(crate) cause: Option<Cause>,
    /// Whether there was a person to ask.
    pub(crate) attended: bool,
    /// Requests that this run denied because there was nobody.
    pub(crate) denied: u64,
    /// Whether the workspace's trust capped the profile.
    pub(crate) capped: bool,
}

/// The last line of `run --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RunEnded {
    pub(crate) exit: u8,
    pub(crate) stop: Stop,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    pub(crate) usage: Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<f64>,
}

/// Returns what a person is told of an end; `None` for one that is just done.
pub(crate) fn failure(ended: &TurnEnded, circumstances: &Circumstances) -> Option<Failure> {
    match (circumstances.cause, ended.stop) {
        (Some(Cause::Timeout), _) => Some(Failure::new(FailureKind::Limit, "the time of --timeout is over")),
        (Some(Cause::Interrupt), _) | (None, Stop::Interrupted) => {
            Some(Failure::new(FailureKind::Interrupted, "interrupted"))
        }
        (None, Stop::Failed) => Some(failed(ended)),
        (None, Stop::Refused) => Some(Failure::failed("the model refused")),
        (None, Stop::Limit) => Some(limit(ended)),
        (None, Stop::Done) => unattended(ended, circumstances),
        (None, Stop::Unheard(stop)) => Some(Failure::failed(format!("the turn ended: {}", stop.as_str()))),
    }
}

fn failed(ended: &TurnEnded) -> Failure {
    let Some(error) = &ended.error else { return Failure::failed("the turn failed") };
    let failure = Failure::failed(error.message.clone());
    match &error.hint {
        Some(hint) => failure.hint(hint.clone()),
        None => failure,
    }
}

fn limit(ended: &TurnEnded) -> Failure {
    let stopped = |what: &str| Failure::new(FailureKind::Limit, format!("stopped at the limit of {what}"));
    match ended.limit.as_deref() {
        Some("steps") => stopped("steps").hint("`--max-steps N` sets it, `tenon run --continue` goes on"),
        Some("costUsd") => stopped("cost").hint("`--max-cost USD` sets it, `tenon run --continue` goes on"),
        Some("turnTimeoutS") => stopped("time").hint("`limits.turn_timeout_s` in the configuration sets it"),
        Some("output") => stopped("the model's output").hint("`tenon run --continue` goes on"),
        Some(other) => stopped(other),
        None => Failure::new(FailureKind::Limit, "stopped at a limit"),
    }
}

fn unattended(ended: &TurnEnded, circumstances: &Circumstances) -> Option<Failure> {
    let refused = if circumstances.attended { 0 } else { ended.denied.unwrap_or(0) };
    if circumstances.denied == 0 && refused == 0 {
        return None;
    }
    if circumstances.capped && circumstances.denied == 0 {
        let failure =
            Failure::new(FailureKind::Unattended, "something was refused: the workspace is not trusted");
        return Some(
            failure.hint("`tenon trust` trusts it, `--profile edit` allows edits for this run alone"),
        );
    }
    let failure = Failure::new(FailureKind::Unattended, "an approval was needed and nobody could be asked");
    Some(failure.hint(
        "`--profile edit` or `--profile auto` needs fewer, `tenon requests` answers them from elsewhere",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    fn exit(ended: &TurnEnded, circumstances: &Circumstances) -> Exit {
        failure(ended, circumstances).map_or(Exit::Done, |failure| failure.exit())
    }

    fn ended(stop: Stop) -> TurnEnded {
        TurnEnded { stop, usage: Usage::default(), message_id: None, error: None, limit: None, denied: None }
    }

    #[test]
    fn the_stop_decides_the_exit() {
        let alone = Circumstances::default();
        let table = [
            (Stop::Done, Exit::Done),
            (Stop::Failed, Exit::Failed),
            (Stop::Refused, Exit::Failed),
            (Stop::Limit, Exit::Limit),
            (Stop::Interrupted, Exit::Interrupted),
        ];
        for (stop, expected) in table {
            assert_eq!(exit(&ended(stop), &alone), expected, "{stop}");
        }
    }

    #[test]
    fn the_runs_own_reason_goes_before_the_stop() {
        let because = |cause| Circumstances { cause: Some(cause), ..Circumstances::default() };
        assert_eq!(exit(&ended(Stop::Interrupted), &because(Cause::Timeout)), Exit::Limit);
        assert_eq!(exit(&ended(Stop::Done), &because(Cause::Interrupt)), Exit::Interrupted);
    }

    #[test]
    fn a_denial_by_nobody_is_told_and_one_by_a_person_is_not() {
        let done = TurnEnded { denied: Some(1), ..ended(Stop::Done) };
        let attended = Circumstances { attended: true, ..Circumstances::default() };
        assert_eq!(exit(&done, &attended), Exit::Done);
        assert_eq!(exit(&done, &Circumstances::default()), Exit::Unattended);
        assert_eq!(exit(&ended(Stop::Done), &Circumstances { denied: 1, ..attended }), Exit::Unattended);
        let capped = Circumstances { capped: true, ..Circumstances::default() };
        assert!(failure(&done, &capped).unwrap().message.contains("not trusted"));
        assert_eq!(exit(&ended(Stop::Done), &capped), Exit::Done, "untrusted alone is no failure");
    }
}
