//! Whether what commands write can be caught in a layer here, and the folder of one layer. Not here: mounting it (`process`)
//! and what becomes of what lies in it (`changes`).
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{XattrFlags, setxattr};
use tokio::sync::OnceCell;

use crate::process::{Bounds, Launch, Layer, Spawn};
use crate::sandbox::staged::{self, StagedFile};
use crate::workspace::layer::Entry;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// How long the attempt may take that finds out whether layers can be had.
const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// How a layer's folder is named, behind the id of its call.
const ENDING: &str = "layer";

/// How that of a shadow tree is named: nothing in it is ever brought into the workspace. Behind it, one that is to be removed.
const SHADOW_ENDING: &str = "shadow";
const SWEPT_ENDING: &str = "swept";

/// The list of what a shadow tree keeps between two commands, beside its layer.
const KEPT: &str = "kept";

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
            beside: Vec::new(),
            terminal: None,
            helper: None,
            way_out: None,
            bounds: Bounds::default(),
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

    /// Returns where a shadow tree lies.
    pub(crate) fn shadow_place(records: &Path, name: &str) -> PathBuf {
        records.join(format!("{name}.{SHADOW_ENDING}"))
    }

    /// Returns a layer that was made earlier, fit for another command, or makes it. Blocks.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn renew(place: PathBuf) -> io::Result<Self> {
        if !place.is_dir() {
            return Self::make(place);
        }
        // The kernel marks its own folder as used up.
        let work = place.join("work");
        remove(&work)?;
        private(&work)?;
        Self::open(place)
    }

    /// Puts a staged file into the layer, before a command runs; in the order of paths. Blocks.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn stage(&self, root: &Root, path: &RelPath, file: &StagedFile) -> io::Result<()> {
        staged::put(&self.upper(), root, path, file)
    }

    /// Empties the layer, but for these folders and entries, which later commands find there, and for folders that are removed.
    /// Blocks.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn keep_only(
        &self,
        root: &Root,
        folders: &[(RelPath, u32)],
        removed: &[RelPath],
        entries: &[&Entry],
    ) -> io::Result<()> {
        let (next, old) = (self.place.join("next"), self.place.join("old"));
        private(&next)?;
        for path in removed {
            staged::put(&next, root, path, &None)?;
        }
        for (path, mode) in folders {
            staged::make_folder(&next, root, path, *mode)?;
        }
        for entry in entries {
            staged::hand_on(&self.upper(), &next, root, &entry.path, entry.is_hidden)?;
        }
        fs::rename(self.upper(), &old)?;
        fs::rename(&next, self.upper())?;
        let paths = folders.iter().map(|(path, _)| path).chain(entries.iter().map(|entry| &entry.path));
        let names: Vec<&[u8]> = paths.map(RelPath::as_bytes).collect();
        fs::write(self.place.join(KEPT), names.join(&0))?;
        remove(&old)
    }

    /// Returns what was kept of earlier commands. Blocks.
    pub(crate) fn kept(&self) -> BTreeSet<Vec<u8>> {
        let names = fs::read(self.place.join(KEPT)).unwrap_or_default();
        names.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
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
        let (upper, work) = (self.upper(), self.place.join("work"));
        Layer { at: root.clone(), root, upper, work, through }
    }

    /// Returns the layer over a folder, seen at another one, for a launch.
    pub(crate) fn layer_at(&self, root: PathBuf, at: PathBuf) -> Layer {
        Layer { at, ..self.layer(root, Vec::new()) }
    }

    /// Removes it and all in it.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn remove(self) -> io::Result<()> {
        remove(&self.place)
    }
}

/// Returns what is to be removed in a folder; nothing where it cannot be read. A turn that goes on makes its shadow tree anew, so
/// the names of those are free at once.
fn left_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let left = entries.filter_map(|path| match path.extension()?.to_str()? {
        ENDING | SWEPT_ENDING => Some(path),
        SHADOW_ENDING => {
            let swept = path.with_extension(SWEPT_ENDING);
            Some(fs::rename(&path, &swept).map_or(path, |()| swept))
        }
        _ => None,
    });
    left.collect()
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
