//! What each kind of block does. Not here: the lines of `client` blocks (`clients`).
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, bail, ensure};

use crate::scenario::lines::FIRST;
use crate::scenario::parse::Block;
use crate::scenario::play::Play;
use crate::scenario::{pattern, prompt, render};

impl Play<'_> {
    pub(super) fn block(&mut self, block: &Block) -> Result<()> {
        match block.kind.as_str() {
            "file" => self.write(&block.arguments, &block.body),
            "remove" => Ok(fs::remove_file(self.home.workspace.join(&block.arguments))?),
            "link" => {
                Ok(std::os::unix::fs::symlink(block.body.trim(), self.home.workspace.join(&block.arguments))?)
            }
            "client" => self.client(block),
            "journal" => self.journal(block),
            "prompt" => self.prompt(block),
            "stable" => self.stable(),
            "tree" => {
                let shown = render::tree(&self.home.workspace)?;
                self.expect(block, &shown)
            }
            "crash" => self.crash(),
            "nowhere" => self.nowhere(&block.body),
            "told" => self.told(block),
            "config" if self.is_started() => self.configure(&block.body),
            // They were read before the play began.
            "play" | "model" | "config" => Ok(()),
            other => bail!("no block is called `{other}`"),
        }
    }

    fn write(&self, path: &str, text: &str) -> Result<()> {
        // The agent watches files of hidden folders: it sees each text, and no half of one.
        let saving = path.starts_with('.').then(|| self.home.person.join(".saving"));
        let path = self.home.workspace.join(path);
        fs::create_dir_all(path.parent().context("a file beneath the workspace")?)?;
        fs::write(saving.as_ref().unwrap_or(&path), text)?;
        if let Some(saving) = saving {
            fs::rename(saving, &path)?;
        }
        if text.starts_with("#!") {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    /// Writes the person's configuration: the block, and what it leaves out of the provider `fake`.
    pub(super) fn configure(&self, own: &str) -> Result<()> {
        let mut text = String::new();
        if !own.lines().any(|line| line.starts_with("model =")) {
            text.push_str("model = \"fake/x\"\n");
        }
        text.push_str(&pattern::filled_text(own, &self.captures)?);
        if !own.contains("[providers.fake]") {
            let url = self.server.base_url(&self.way.wire);
            writeln!(text, "\n[providers.fake]\nwire = \"{}\"\nbase_url = \"{url}\"", self.way.wire)?;
            if let Some(name) = self.scenario.setting("key") {
                writeln!(text, "api_key = {{ env = \"{name}\" }}")?;
            }
        }
        self.home.configure(&text)
    }

    /// Compares a session's log: `journal [of NAME] [data] [TYPE…]`; the session is the last one, or the captured one.
    fn journal(&mut self, block: &Block) -> Result<()> {
        let mut words: Vec<&str> = block.arguments.split_whitespace().collect();
        let session = if words.first() == Some(&"of") {
            let name = *words.get(1).context("of which session?")?;
            words.drain(..2);
            if name == "all" {
                "all".to_owned()
            } else {
                pattern::filled_text(&format!("{{{{{name}}}}}"), &self.captures)?
            }
        } else {
            self.sessions.last().context("no session was opened")?.clone()
        };
        let with_data = words.first() == Some(&"data");
        if with_data {
            words.remove(0);
        }
        let events = self.log(&session)?;
        let shown = render::journal(&events, &words, with_data);
        self.expect(block, &shown)
    }

    /// Compares what the model was sent: `prompt [N] [whole]`; the last request, or the one of that number.
    fn prompt(&mut self, block: &Block) -> Result<()> {
        let words: Vec<&str> = block.arguments.split_whitespace().collect();
        let requests = self.server.requests();
        let number = words.first().and_then(|word| word.parse::<usize>().ok()).unwrap_or(requests.len());
        let request = number.checked_sub(1).and_then(|index| requests.get(index));
        let request =
            request.with_context(|| format!("there is no request {number} of {}", requests.len()))?;
        if words.contains(&"whole") {
            let wire = words.iter().find(|word| word.contains('-')).copied();
            if wire.is_some_and(|wire| wire != self.way.wire) {
                return Ok(());
            }
            let shown = prompt::whole(&request.body);
            return self.expect(block, &shown);
        }
        self.expect(block, &prompt::shown(&prompt::conversation(&request.body)))
    }

    /// Checks that what precedes the conversation was the same in all requests, and that each conversation begins with all
    /// of the one before it.
    fn stable(&self) -> Result<()> {
        let requests = self.server.requests();
        for pair in requests.windows(2) {
            let (before, after) = (&pair[0].body, &pair[1].body);
            ensure!(
                prompt::prefix(before) == prompt::prefix(after),
                "the prefix changed between two requests"
            );
            let (before, after) = (prompt::conversation(before), prompt::conversation(after));
            ensure!(after.starts_with(&before), "the conversation changed:\n{}", prompt::shown(&after));
        }
        Ok(())
    }

    /// Kills the daemon and starts the next one; every client is gone.
    fn crash(&mut self) -> Result<()> {
        for connection in std::mem::take(&mut self.connections).into_values() {
            self.received.push_str(&connection.received);
        }
        self.home.kill()?;
        self.start()
    }

    /// Compares everything a client was sent over its present connection with what it was sent when the scenario was played over
    /// the first carrier: `told [NAME]`.
    fn told(&mut self, block: &Block) -> Result<()> {
        let name = if block.arguments.is_empty() { FIRST } else { block.arguments.as_str() };
        let connection = self.connections.get(name).context("there is no such client")?;
        let shown = self.normal.text(&render::told(&connection.told));
        self.earlier.same(&self.way.wire, block.line, &shown)
    }

    /// Checks that none of the lines stands in anything that was written outside of the workspace, sent to a client, or put
    /// into a prompt.
    fn nowhere(&mut self, body: &str) -> Result<()> {
        let mut places = self.home.written()?;
        for (name, connection) in &self.connections {
            places.push((format!("what client {name} was sent"), connection.received.clone().into_bytes()));
        }
        places.push(("what earlier clients were sent".to_owned(), self.received.clone().into_bytes()));
        for request in self.server.requests() {
            places.push(("a prompt".to_owned(), request.raw.clone().into_bytes()));
        }
        for secret in body.lines().filter(|line| !line.is_empty()) {
            for (place, bytes) in &places {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                ensure!(!found, "`{secret}` stands in {place}");
            }
        }
        Ok(())
    }
}
