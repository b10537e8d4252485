//! Waiting for files and folders to change: the kernel tells, nothing is polled. Not here: what a change means.
//!
//! A file is watched by the folder it stands in, so that it may be replaced, deleted and made again; each link on the way to
//! it is watched in its own folder. Where a folder is missing, the last one that is there is watched for its appearance.
//! What cannot be watched (a network's file system, too many watches) is not told: whoever must know looks again.
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

/// Links that are followed on the way to one file: as many as the kernel follows.
const LINKS_MAX: usize = 40;

/// Bytes of events that are read at once.
const EVENTS_BYTES: usize = 4096;

/// What of a folder is told: names that come and go, and files that were written and closed. Not each write: a database may
/// stand beside the file.
const EVENTS: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::CREATE)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// Watches files and folders.
#[derive(Debug)]
pub(crate) struct Watcher {
    inotify: AsyncFd<OwnedFd>,
    /// The names that matter in each watched folder.
    names: BTreeMap<i32, Matter>,
}

/// Which names of a folder matter.
#[derive(Debug)]
enum Matter {
    These(BTreeSet<OsString>),
    All,
}

impl Matter {
    fn has(&self, name: &OsStr) -> bool {
        match self {
            Self::These(names) => names.contains(name),
            Self::All => true,
        }
    }
}

impl Watcher {
    /// Watches nothing yet.
    ///
    /// # Errors
    /// The system gives no more such descriptors.
    pub(crate) fn new() -> io::Result<Self> {
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        #[expect(
            deprecated,
            reason = "an `OwnedFd` stays open and the same as long as it is held, which is what the unsafe successor asks for"
        )]
        let inotify = AsyncFd::new(inotify)?;
        Ok(Self { inotify, names: BTreeMap::new() })
    }

    /// Watches these files, and these folders with all that is directly in them, absolute, and nothing else. Look at them
    /// afterwards: what happened before is not told.
    pub(crate) fn watch(&mut self, files: &[PathBuf], folders: &[PathBuf]) {
        let mut names: BTreeMap<i32, Matter> = BTreeMap::new();
        for (folder, name) in files.iter().chain(folders).flat_map(|file| steps(file)) {
            match add_watch(&self.inotify, &folder, EVENTS) {
                Ok(watch) => match names.entry(watch).or_insert_with(|| Matter::These(BTreeSet::new())) {
                    Matter::These(names) => {
                        names.insert(name);
                    }
                    Matter::All => {}
                },
                Err(error) => tracing::debug!(folder = %folder.display(), %error, "cannot be watched"),
            }
        }
        for folder in folders {
            // One that is absent is watched for its appearance, above.
            if let Ok(watch) = add_watch(&self.inotify, folder, EVENTS) {
                names.insert(watch, Matter::All);
            }
        }
        for gone in self.names.keys().filter(|watch| !names.contains_key(*watch)) {
            // A folder that was deleted has taken its watch along.
            let _gone_already = remove_watch(&self.inotify, *gone);
        }
        self.names = names;
    }

    /// Returns when something has happened to one of the files. Cancelling it loses nothing.
    ///
    /// # Errors
    /// The system refuses to tell.
    pub(crate) async fn changed(&mut self) -> io::Result<()> {
        loop {
            let mut ready = self.inotify.readable().await?;
            let matters = drain(&self.inotify, &self.names)?;
            ready.clear_ready();
            if matters {
                return Ok(());
            }
        }
    }
}

/// Reads every event there is; returns whether one of them is about a file.
fn drain(inotify: &AsyncFd<OwnedFd>, names: &BTreeMap<i32, Matter>) -> io::Result<bool> {
    let mut buffer = [MaybeUninit::uninit(); EVENTS_BYTES];
    let mut events = Reader::new(inotify.get_ref(), &mut buffer);
    let mut matters = false;
    loop {
        match events.next() {
            Ok(event) => {
                let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                let about_folder = name.is_none() && !event.events().contains(ReadFlags::IGNORED);
                let known = names.get(&event.wd());
                matters |= about_folder || known.zip(name).is_some_and(|(names, name)| names.has(name));
            }
            Err(Errno::AGAIN) => return Ok(matters),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns the folders to watch for a file, each with the name in it that decides.
fn steps(file: &Path) -> Vec<(PathBuf, OsString)> {
    let mut steps = Vec::new();
    let mut at = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = names(file);
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        match next.symlink_metadata() {
            Ok(found) if found.is_symlink() && links < LINKS_MAX => {
                links += 1;
                steps.push((at.clone(), name));
                let Ok(target) = next.read_link() else { break };
                if target.is_absolute() {
                    at = PathBuf::from("/");
                }
                let mut whole = names(&target);
                whole.append(&mut rest);
                rest = whole;
            }
            Ok(found) if found.is_dir() && !rest.is_empty() => at = next,
            // The file itself, or what is missing or in the way of it.
            Ok(_) | Err(_) => {
                steps.push((at, name));
                break;
            }
        }
    }
    steps
}

fn names(path: &Path) -> VecDeque<OsString> {
    let name = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;

    /// A test that waits in vain fails; nothing else takes this long.
    const PATIENCE: Duration = Duration::from_secs(20);

    async fn tells(file: &Path, happens: impl FnOnce()) {
        let mut watcher = Watcher::new().unwrap();
        watcher.watch(&[file.to_owned()], &[]);
        happens();
        tokio::time::timeout(PATIENCE, watcher.changed()).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn every_way_of_saving_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let file = root.join("a/b/config.toml");
        tells(&file, || fs::create_dir(root.join("a")).unwrap()).await;
        tells(&file, || fs::create_dir(root.join("a/b")).unwrap()).await;
        tells(&file, || fs::write(&file, "1").unwrap()).await;
        tells(&file, || fs::write(&file, "2").unwrap()).await;
        fs::write(root.join("a/b/new"), "3").unwrap();
        tells(&file, || fs::rename(root.join("a/b/new"), &file).unwrap()).await;
        tells(&file, || fs::remove_file(&file).unwrap()).await;
        fs::write(root.join("real"), "4").unwrap();
        tells(&file, || symlink("../../real", &file).unwrap()).await;
        tells(&file, || fs::write(root.join("real"), "5").unwrap()).await;
        tells(&file, || fs::rename(root.join("a/b"), root.join("a/c")).unwrap()).await;
        symlink("c", root.join("a/b")).unwrap();
        tells(&file, || fs::write(root.join("real"), "6").unwrap()).await;
        tells(&file, || fs::remove_file(root.join("a/b")).unwrap()).await;
    }

    #[tokio::test]
    async fn everything_in_a_folder_is_told_and_its_coming_too() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let folder = root.join("a/commands");
        let steps: [&dyn Fn(); 6] = [
            &|| fs::create_dir_all(&folder).unwrap(),
            &|| fs::write(folder.join("x.md"), "1").unwrap(),
            &|| fs::write(folder.join("x.md"), "2").unwrap(),
            &|| fs::remove_file(folder.join("x.md")).unwrap(),
            &|| fs::create_dir(folder.join("git")).unwrap(),
            &|| fs::remove_dir_all(&folder).unwrap(),
        ];
        for happens in steps {
            let mut watcher = Watcher::new().unwrap();
            watcher.watch(&[], std::slice::from_ref(&folder));
            happens();
            tokio::time::timeout(PATIENCE, watcher.changed()).await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn what_happens_beside_a_file_is_not_told() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let mut watcher = Watcher::new().unwrap();
        watcher.watch(&[root.join("config.toml")], &[]);
        fs::write(root.join("other"), "1").unwrap();
        assert!(!drain(&watcher.inotify, &watcher.names).unwrap());
        fs::write(root.join("config.toml"), "1").unwrap();
        assert!(drain(&watcher.inotify, &watcher.names).unwrap());
    }

    #[test]
    fn a_circle_of_links_ends() {
        let temp = tempfile::tempdir().unwrap();
        symlink("b", temp.path().join("a")).unwrap();
        symlink("a", temp.path().join("b")).unwrap();
        assert!(steps(&temp.path().join("a")).len() > LINKS_MAX);
    }
}
