//! How the process ends: THE table of exit codes. Not here: which failure is which (`failure`).
use std::process::ExitCode;

/// The outcome of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what was asked.
    Done,
    /// It failed, the model refused, or the agent is leaving.
    Failed,
    /// The arguments or the configuration are wrong.
    Usage,
    /// A limit was reached: steps, cost, `--timeout`.
    Limit,
    /// There is no such session.
    NoSession,
    /// An approval was needed and nobody could give it.
    Unattended,
    /// The agent at the other end of `tenon attach` is another one now.
    Replaced,
    /// A person interrupted it.
    Interrupted,
    /// A person's own command ended with this code.
    Command(u8),
}

/// Every exit code and what it means, as `--help` shows it.
const TABLE: [(Exit, u8, &str); 8] = [
    (Exit::Done, 0, "done; a call that a rule denied is told to the model and is no failure"),
    (Exit::Failed, 1, "failed, refused, or the agent is leaving"),
    (Exit::Usage, 2, "wrong usage or invalid configuration"),
    (Exit::Limit, 3, "a limit: steps, cost, --timeout"),
    (Exit::NoSession, 4, "no such session"),
    (Exit::Unattended, 5, "an approval was needed and nobody could give it"),
    // The number that the mail system gave to "try again" (EX_TEMPFAIL).
    (Exit::Replaced, 75, "attach: the agent died or made way for a newer one; start it again"),
    (Exit::Interrupted, 130, "interrupted"),
];

impl Exit {
    /// Returns the number.
    pub(crate) fn code(self) -> u8 {
        if let Self::Command(code) = self {
            return code;
        }
        TABLE.iter().find(|(exit, ..)| *exit == self).map_or(1, |(_, code, _)| *code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Returns the table as a section of the help.
pub(crate) fn help() -> String {
    let rows = TABLE.iter().map(|(_, code, meaning)| format!("  {code:>3}  {meaning}\n"));
    format!(
        "Exit codes:\n{}`tenon jobs run` and `attach` end with the code of the command.\n",
        rows.collect::<String>()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_its_own_code_and_stands_in_the_help() {
        let codes: Vec<u8> = TABLE.iter().map(|(exit, ..)| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 75, 130]);
        assert!(help().contains("\n    5  an approval was needed"));
    }
}
