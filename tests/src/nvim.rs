//! The real Neovim with the project's own client, run on a script of `clients/nvim/tests`. Not here: what the scripts expect,
//! and bringing Neovim, which `cargo xtask test` does.
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::home::{Home, provider};
use crate::model_server::ModelServer;
use crate::running::Running;
use crate::surroundings::{binary, neovim};

/// Returns a home whose model is that server's.
///
/// # Errors
/// The file system refuses.
pub fn home(server: &ModelServer) -> Result<Home> {
    let home = Home::new()?;
    home.configure(&format!("model = \"fake/any\"\n{}", provider("openai-chat", server)))?;
    Ok(home)
}

/// A Neovim that runs a script: each line says what was tested and whether it held.
#[derive(Debug)]
pub struct Script {
    running: Running,
    lines: Vec<String>,
}

impl Script {
    /// Starts `clients/nvim/tests/NAME.lua` in the workspace of a home; `None` where there is no Neovim.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(home: &Home, name: &str) -> Result<Option<Self>> {
        let Some(neovim) = neovim() else { return Ok(None) };
        let script = client().join("tests").join(name).with_extension("lua").display().to_string();
        let mut command = home.command_of(&neovim, &["--headless", "--clean", "-n", "-l", &script]);
        command.env("TENON", binary()?);
        Ok(Some(Self { running: Running::start(command)?, lines: Vec::new() }))
    }

    /// Waits for its end; everything it tested has to hold.
    ///
    /// # Errors
    /// Something does not, or it says nothing for too long.
    pub fn finish(mut self) -> Result<()> {
        while let Some(line) = self.running.line()? {
            self.lines.push(line);
        }
        let done = self.running.finish()?;
        let whole = self.lines.iter().any(|line| line == "done, 0 failed");
        ensure!(done.code == Some(0) && whole, "{}\n{done:#?}", self.lines.join("\n"));
        Ok(())
    }
}

/// Returns the folder of the client.
pub fn client() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/nvim")
}
