//! What the model is told when a command failed because it is confined. Not here: whether it was (`sandbox`).
//!
//! It is told from what programs print, so it may be wrong; it only says what could be asked for.
use crate::sandbox::{Level, Needs};

/// What programs say who cannot write.
const READ_ONLY: [&str; 4] = ["read-only file system", "erofs", "os error 30", "errno 30"];

/// What programs say who cannot write where Landlock forbids it, on a line that names git's folder.
const FORBIDDEN: [&str; 2] = ["permission denied", "operation not permitted"];

/// What programs say who have no network.
const NO_NETWORK: [&str; 11] = [
    "network is unreachable",
    "enetunreach",
    "temporary failure in name resolution",
    "eai_again",
    "enotfound",
    "could not resolve host",
    "couldn't resolve host",
    "name or service not known",
    "failed to establish a new connection",
    "dns error",
    "no such host",
];

const WRITE: &str = "[What is outside of the workspace, and protected paths such as .git, are read-only to this command. If it has \
                     to write there, call it again with needs {\"write\": [\"PATH\"]}, the path as narrow as will do]";
const NETWORK: &str = "[This command has no network but its own loopback. If it has to reach hosts, call it again with needs \
                       {\"net\": [\"HOST\"]}, each host by its exact name]";
const THROUGH: &str = "[This command reaches the hosts that it needs through a proxy alone, which HTTP_PROXY, HTTPS_PROXY and ALL_PROXY name. \
                       What does not go through an HTTP proxy has no network: no name can be looked up, and ssh reaches nobody]";
const BOTH: &str = "[This command has no network but its own loopback, and what is outside of the workspace, and protected paths \
                    such as .git, are read-only to it. If it needs more, call it again with needs {\"write\": [\"PATH\"], \
                    \"net\": [\"HOST\"]}]";

/// Returns what to say below the output of a command that failed; nothing where it does not look like a need.
pub(super) fn hint(level: Level, needs: &Needs, output: &str) -> &'static str {
    if level < Level::Confined {
        return "";
    }
    let output = output.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| output.contains(words));
    let is_forbidden =
        |line: &str| FORBIDDEN.iter().any(|words| line.contains(words)) && line.contains(".git");
    match (says(&READ_ONLY) || output.lines().any(is_forbidden), says(&NO_NETWORK)) {
        (false, true) if !needs.net.is_empty() => THROUGH,
        (true, true) if needs.net.is_empty() => BOTH,
        (true, _) => WRITE,
        (false, true) => NETWORK,
        (false, false) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_print_tells_what_they_lack() {
        let check = |output: &str| hint(Level::Isolated, &Needs::default(), output);
        let reaching = Needs { net: ["a.example".to_owned()].into(), ..Needs::default() };
        assert_eq!(check("fatal: Unable to create '/w/.git/index.lock': Read-only file system"), WRITE);
        assert_eq!(check("error: could not lock .git/config: Permission denied"), WRITE);
        assert_eq!(check("npm error code EAI_AGAIN"), NETWORK);
        assert_eq!(check("curl: (6) Could not resolve host: a.example"), NETWORK);
        assert_eq!(check("EROFS: x\ndial tcp: lookup a.example: no such host"), BOTH);
        assert_eq!(check("cat: x: Permission denied"), "");
        assert_eq!(check("error[E0308]: mismatched types"), "");
        assert_eq!(hint(Level::Clean, &Needs::default(), "Read-only file system"), "");
        assert_eq!(hint(Level::Isolated, &reaching, "Could not resolve host: b.example"), THROUGH);
        assert_eq!(hint(Level::Isolated, &reaching, "EROFS, EAI_AGAIN"), WRITE);
    }
}
