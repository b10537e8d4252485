//! Running other programs, reading the environment and printing: the tasks' only contact with the world.
//!
//! Not here: the agent's own way of running commands, which is supervised; a task is a developer's tool.

use crate::root::root;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Prints one line to stdout at once; a closed stdout is no failure of a task.
pub(crate) fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    drop(writeln!(stdout, "{line}").and_then(|()| stdout.flush()));
}

/// Returns an environment variable that is set, not empty and UTF-8.
pub(crate) fn environment(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a task is configured by the environment it is called in")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns a command that runs in the root of the project with stdin closed.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "a task runs cargo and its tools; nothing of the agent is here"
    )]
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Returns a command for the cargo that called this task.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(environment("CARGO").as_deref().unwrap_or("cargo"));
    // What cargo told this task about the task's own package would make every other package rebuild.
    // ring's build script looks at the single numbers of the version, too.
    let told = ["MANIFEST_DIR", "MANIFEST_PATH", "MANIFEST_LINKS", "PKG_NAME", "PKG_VERSION"];
    let numbers = ["PKG_VERSION_MAJOR", "PKG_VERSION_MINOR", "PKG_VERSION_PATCH", "PKG_VERSION_PRE"];
    for name in told.iter().chain(&numbers) {
        cargo.env_remove(format!("CARGO_{name}"));
    }
    cargo
}

/// Runs a command with inherited output; fails when it does not end with 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", name(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Returns whether a command ends with 0 within `limit`; it is killed when it does not end.
pub(crate) fn succeeds_within(command: &mut Command, limit: Duration) -> Result<bool> {
    let mut child = command.spawn().with_context(|| format!("cannot start {}", name(command)))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Runs a command and returns its stdout as text; fails when it does not end with 0.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", name(command)))?;
    if !output.status.success() {
        bail!(
            "`{}` ended with {}: {}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("{} printed no UTF-8", name(command)))
}

/// Returns whether `program --version` can be run.
pub(crate) fn is_installed(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    let mut probe = command(program);
    probe.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_does_not_end_is_killed() {
        let limit = Duration::from_millis(10);
        assert!(!succeeds_within(command("sleep").arg("600"), limit).unwrap());
        assert!(succeeds_within(&mut command("true"), Duration::from_mins(1)).unwrap());
        assert!(!succeeds_within(&mut command("false"), Duration::from_mins(1)).unwrap());
    }

    #[test]
    fn a_failure_names_the_command() {
        let failure = run(command("false").arg("--x")).unwrap_err().to_string();
        assert_eq!(failure, "`false --x` ended with exit status: 1");
    }
}
