//! Whether what commands write can be caught in a layer here, and the folder of one layer. Not here: mounting it (`process`)
//! and what becomes of what lies in it (`changes`).
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{XattrFlags, setxattr};
use tokio::sync::OnceCell;

use crate::process::{Launch, Layer, Spawn};

/// How long the attempt may take that finds out whether layers can be had.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How a layer's folder is named, behind the id of its call.
const ENDING: &str = "layer";

/// Finds out, once, whether commands can be given a layer.
#[derive(Debug)]
pub(crate) struct Capturing {
    folder: PathBuf,
    spawner: Arc<dyn Spawn>,
    /// The reason, where they cannot.
    found: OnceCell<Result<(), String>>,
    /// What an earlier daemon left in the folder.
    left: Vec<PathBuf>,
}

impl Capturing {
    /// Takes the folder in which layers are made; it exists. Finds nothing out yet.
    pub(crate) fn new(folder: PathBuf, spawner: Arc<dyn Spawn>) -> Self {
        let left = left_in(&folder);
        Self { folder, spawner, found: OnceCell::new(), left }
    }

    /// Removes what an earlier daemon left, once every call that had a layer is settled. Blocks.
    pub(crate) fn sweep(&self) {
        for place in &self.left {
            if let Err(error) = remove(place) {
                tracing::warn!(%error, "a layer of an earlier start was not removed");
            }
        }
    }

    /// Returns what was found out: an error is why there are no layers, one sentence. `None`: nothing yet.
    pub(crate) fn known(&self) -> Option<Result<(), String>> {
        self.found.get().cloned()
    }

    /// Finds out by running this program beneath a layer, the first time; after that costs nothing.
    pub(crate) async fn find(&self) -> Result<(), String> {
        self.found.get_or_init(|| self.attempt()).await.clone()
    }

    async fn attempt(&self) -> Result<(), String> {
        let place = self.folder.join("probe");
        let outcome = self.attempt_in(&place).await;
        if let Err(reason) = &outcome {
            tracing::info!(%reason, "what commands write is not caught in a layer");
        }
        if let Err(error) = remove(&place) {
            tracing::debug!(%error, "the folder of the probe was not removed");
        }
        outcome
    }

    async fn attempt_in(&self, place: &Path) -> Result<(), String> {
        let told = |error: io::Error| error.to_string();
        // A daemon that was killed meanwhile may have left one.
        remove(place).map_err(told)?;
        let folder = LayerFolder::make(place.to_owned()).map_err(told)?;
        setxattr(folder.upper(), "user.tenon", b"y", XattrFlags::empty()).map_err(|errno| {
            format!("the file system of the state directory keeps no attributes: {errno}")
        })?;
        let root = place.join("root");
        private(&root).map_err(told)?;
        let launch = Launch {
            argv: vec!["/proc/self/exe".into(), "--version".into()],
            cwd: root.clone(),
            env: std::collections::BTreeMap::new(),
            timeout: PROBE_TIMEOUT,
            output_bytes_max: 0,
            record_path: None,
            layer: Some(folder.layer(root, Vec::new())),
            terminal: None,
        };
        let mut running = self.spawner.run(launch).await.map_err(|error| error.to_string())?;
        running.wait().await.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// The folder of one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerFolder {
    place: PathBuf,
    since_ns: i128,
}

impl LayerFolder {
    /// Returns where the layer of a call lies.
    pub(crate) fn place(records: &Path, call: &str) -> PathBuf {
        records.join(format!("{call}.{ENDING}"))
    }

    /// Makes the folders of a layer.
    ///
    /// # Errors
    /// They exist, or cannot be made.
    pub(crate) fn make(place: PathBuf) -> io::Result<Self> {
        private(&place)?;
        private(&place.join("upper"))?;
        private(&place.join("work"))?;
        Self::open(place)
    }

    /// Returns a layer that was made earlier.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn open(place: PathBuf) -> io::Result<Self> {
        // Nothing is made in the outer folder after the two inner ones, so its time is when the layer was made.
        let since = fs::metadata(&place)?;
        let ns = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Ok(Self { since_ns: ns(since.ctime(), since.ctime_nsec()), place })
    }

    /// Returns the folder that holds what was written.
    pub(crate) fn upper(&self) -> PathBuf {
        self.place.join("upper")
    }

    /// Returns when it was made, in nanoseconds since the Unix epoch, by the clock of its file system.
    pub(crate) const fn since_ns(&self) -> i128 {
        self.since_ns
    }

    /// Returns the layer over a folder, for a launch.
    pub(crate) fn layer(&self, root: PathBuf, through: Vec<PathBuf>) -> Layer {
        Layer { root, upper: self.upper(), work: self.place.join("work"), through }
    }

    /// Removes it and all in it.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn remove(self) -> io::Result<()> {
        remove(&self.place)
    }
}

/// Returns the layers in a folder; none where it cannot be read.
fn left_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_layer = |path: &PathBuf| path.extension().is_some_and(|ending| ending == ENDING);
    entries.map(|entry| entry.path()).filter(is_layer).collect()
}

fn private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(path)
}

/// Removes a folder whatever the modes of what is in it; nothing is there: nothing to do. The kernel closes its own folder to
/// everybody, and a command may have closed others.
pub(crate) fn remove(place: &Path) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(place)?;
            fs::remove_dir_all(place)
        }
        outcome => outcome,
    }
}

fn open_up(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}
