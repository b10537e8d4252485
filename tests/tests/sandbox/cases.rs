//! The cases: what is tried, and at which level it is possible. Not here: trying it (`matrix`).
use std::fmt::Write as _;
use std::path::Path;

/// What is tried. The levels 1, 2 and 3 follow: whether it is possible there.
pub(super) struct Case {
    /// What it is, in a few words: the row of the page.
    pub(super) name: &'static str,
    /// The command, for `sh`; it succeeds if it was possible. `$PROBE` is the program of `tests/probes`, `$OUT` a folder outside.
    pub(super) command: &'static str,
    /// Whether it is possible at levels 1, 2 and 3.
    pub(super) possible: [bool; 3],
    /// Who can do it at level 1 at all.
    pub(super) by: By,
}

/// Who can do something without a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Everybody.
    All,
    /// Root alone: it is not tried by others.
    Root,
    /// Whoever this machine lets: some switch such things off for everybody.
    Some,
}

const fn case(name: &'static str, command: &'static str, possible: [bool; 3], by: By) -> Case {
    Case { name, command, possible, by }
}

use By::{All, Root, Some};

/// Refused at levels 2 and 3.
const FROM_2: [bool; 3] = [true, false, false];
/// Refused at level 3.
const FROM_3: [bool; 3] = [true, true, false];
/// Possible everywhere.
const NEVER: [bool; 3] = [true, true, true];

/// Every case.
pub(super) const CASES: &[Case] = &[
    case("write in the workspace", "echo x > made && rm made", NEVER, All),
    case("a temporary file", "f=$(mktemp) && rm $f", NEVER, All),
    case("write outside, by path", "echo x > $OUT/path", FROM_2, All),
    case("write outside, through a link", "ln -sf $OUT link && echo x > link/linked", FROM_2, All),
    case("write outside, through /proc/self/root", "echo x > /proc/self/root$OUT/rooted", FROM_2, All),
    case("empty a file outside", "truncate -s 0 $OUT/kept", FROM_2, All),
    case("remove a file outside", "rm $OUT/removed", FROM_2, All),
    case("make a link outside", "ln -s x $OUT/symlink", FROM_2, All),
    case("modes of a file outside", "chmod 600 $OUT/kept", FROM_3, All),
    case("times of a file outside", "touch -c -d @1 $OUT/kept", FROM_3, All),
    case("`.git/config`", "echo '# x' >> .git/config", FROM_3, All),
    case("a hook", "echo x > .git/hooks/pre-commit", FROM_3, All),
    case("moving `.git` away", "mv .git away && mv away .git", FROM_3, All),
    case("a folder of secrets", "cat ~/.ssh/id", FROM_3, All),
    case("the agent's state", "ls ~/.local/state/tenon/journal.db", FROM_3, All),
    case("others' temporary files", "cat $SHARED", FROM_3, All),
    case("TCP", "$PROBE tcp $TCP", FROM_2, All),
    case("UDP", "$PROBE udp $UDP", FROM_2, All),
    case("a server and its client on the loopback", "$PROBE loopback", [true, false, true], All),
    case("a Unix socket, by path", "$PROBE unix $OUT/socket", FROM_2, All),
    case("a Unix socket, abstract", "$PROBE abstract $ABSTRACT", FROM_2, All),
    case("a Unix datagram from a pair", "$PROBE datagram $OUT/datagrams", FROM_2, All),
    case("a pair of Unix sockets", "$PROBE pair", NEVER, All),
    case("the agent's own socket", "$PROBE reach ~/.local/state/tenon/run/agent.sock", FROM_2, All),
    case("a signal", "$PROBE signal $OTHER", FROM_2, All),
    case("the environment of another process", "cat /proc/$OTHER/environ", FROM_2, All),
    case("ptrace", "$PROBE trace", FROM_2, Some),
    case("memory by process_vm_readv", "$PROBE read-memory", FROM_2, Some),
    case("io_uring", "$PROBE ring", FROM_2, Some),
    case("keys of the session", "$PROBE keys", FROM_2, Some),
    case("perf events", "$PROBE measure", FROM_2, Some),
    case("a user namespace", "$PROBE namespace", FROM_2, Some),
    case("typing into the terminal (TIOCSTI)", "$PROBE type", FROM_2, Some),
    case("a mount", "$PROBE mount $OUT && umount $OUT", FROM_2, Root),
    case("capabilities", "$PROBE capabilities", FROM_2, Root),
];

/// Every case of a command that needs the host `localhost`, of which a person named the port `$NAMED`.
pub(super) const REACHING: &[Case] = &[
    case("the host that it needs", "$PROBE through localhost $NAMED", NEVER, All),
    case("the same place by another name", "$PROBE through 127.0.0.1 $NAMED", FROM_2, All),
    case("a port of this machine that nobody named", "$PROBE through localhost $TCP", FROM_2, All),
    case("TCP past the proxy", "$PROBE tcp $TCP", FROM_2, All),
    case("UDP", "$PROBE udp $UDP", FROM_2, All),
    case("TCP by a message that opens its connection", "$PROBE fast-open $TCP", FROM_2, Some),
    case("another protocol of streams (MPTCP)", "$PROBE mptcp $TCP", FROM_2, Some),
    case("waiting for others to connect", "$PROBE serve", [true, false, true], All),
];

/// Returns the page.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# What a command can do at each sandbox level\n\n\
         Written by the test that tries each of these, as root and as an ordinary user (`tests/tests/sandbox`); level 1 is the \
         control.\n`$PROBE` is `tests/probes/sandbox.rs`, `$OUT` a folder of the person outside of the workspace, `$OTHER` \
         another process of theirs.\nWhat a command writes in the workspace is looked at besides when it ends, and what is \
         protected is withheld then.\n\n",
    );
    page.push_str(&table(CASES));
    page.push_str(
        "\n## With a need for a host\n\n\
         The need is `net:localhost`, of which a person named the port `$NAMED` in `network.private`; `$TCP` and `$UDP` are others.\n\
         `$PROBE through` goes through the proxy that the environment names, as programs do; at level 1 there is none.\n\
         At level 2 this is so from Linux 6.7 on, and whoever answers at the proxy's own port can be reached besides.\n\n",
    );
    page.push_str(&table(REACHING));
    page
}

fn table(cases: &[Case]) -> String {
    let mut table =
        String::from("| case | command | level 1 | level 2 | level 3 |\n| --- | --- | --- | --- | --- |\n");
    for case in cases {
        let [one, two, three] = case.possible.map(|possible| if possible { "possible" } else { "refused" });
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {} | `{}` | {one} | {two} | {three} |", case.name, case.command);
    }
    table
}

/// Returns where the page lies.
pub(super) fn page_path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security-cases.md")
}
