//! Every tool against a real workspace, and commands under real supervisors. Not here: the pure parts, which are tested
//! beside their code.
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;
#[expect(clippy::disallowed_types, reason = "what a test's callback was told")]
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tenon_protocol::apply::Selected;
use tenon_protocol::change::FileChange;
use tenon_protocol::content::{Content, plain_text};
use tenon_protocol::event::change::StepStatus;
use tenon_protocol::ids::CallId;
use tenon_protocol::request::Subject;
use tenon_protocol::signal::Provisional;
use tenon_protocol::tool::{CallStatus, EffectClass};
use tokio_util::sync::CancellationToken;

use crate::base::digest::Digest;
use crate::changes::blobs::BlobStore;
use crate::changes::blobs::tests::Memory;
use crate::changes::read_set::ReadSet;
use crate::config::Sandbox;
use crate::process::read_record;
use crate::process::tests::spawner;
use crate::sandbox::{Caches, Capturing, Probe};
use crate::tools::context::{Begun, Foresee, Judge, Judgement, Progress, Sight, Withheld, Written};
use crate::tools::settling::Settling;
use crate::tools::{Access, Boxed, Outcome, Prepared, Registry, RunContext, ToolContext, built_in};
use crate::workspace::path::RelPath;
use crate::workspace::repository::{Part, part};
use crate::workspace::root::Root;

/// After this a test is stuck and fails.
const STUCK: Duration = Duration::from_secs(20);

/// A workspace, the tools, and the session's part: reads are noted as a session notes them.
struct World {
    folder: tempfile::TempDir,
    _records: tempfile::TempDir,
    context: ToolContext,
    blobs: Arc<Memory>,
    tools: Registry,
    written: Arc<Told>,
    calls: usize,
}

/// What a session says and hears about files that a command wrote.
#[derive(Debug, Default)]
struct Told {
    /// What a person answers.
    allows: bool,
    /// The questions that were put.
    #[expect(clippy::disallowed_types, reason = "what a test's callback was told")]
    asked: Mutex<Vec<Withheld>>,
    /// The changes that were announced.
    #[expect(clippy::disallowed_types, reason = "as above")]
    begun: Mutex<Vec<Vec<String>>>,
}

impl Written for Told {
    fn judge(&self) -> Boxed<'_, Option<Judge>> {
        let judge = |path: &RelPath| {
            let is_protected = crate::config::protected::is_protected(&path.to_wire().0);
            if is_protected && part(path) != Some(Part::Data) {
                Judgement::Ask(format!("{path} is protected"))
            } else {
                Judgement::Keep
            }
        };
        Box::pin(std::future::ready(Some(Judge(Arc::new(judge)))))
    }

    fn watched(&self) -> Boxed<'_, usize> {
        Box::pin(std::future::pending())
    }

    fn show(&self, _: Vec<Provisional>, _: u64) {}

    fn is_dropped(&self) -> Boxed<'_, bool> {
        Box::pin(std::future::ready(false))
    }

    fn ask(&self, withheld: Withheld) -> Boxed<'_, bool> {
        self.asked.lock().unwrap().push(withheld);
        Box::pin(std::future::ready(self.allows))
    }

    fn begin(&self, files: Vec<FileChange>) -> Boxed<'_, Option<Begun>> {
        self.begun.lock().unwrap().push(files.into_iter().map(|file| file.path).collect());
        let begun = Begun { change: "c_test".into(), checkpoint: "k_test".into() };
        Box::pin(std::future::ready(Some(begun)))
    }
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let (folder, records) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let blobs = Arc::<Memory>::default();
        let store: Arc<dyn BlobStore> = blobs.clone();
        let context = ToolContext {
            staged: None,
            unsaved: crate::tools::context::Unsaved::default(),
            root: Arc::new(Root::open(folder.path()).unwrap()),
            reads: Arc::new(ReadSet::default()),
            sight: Sight(Arc::new(|path| path.file_name().is_none_or(|name| name != ".secret"))),
            blobs: store,
            spawner: Arc::new(spawner()),
            probe: Arc::new(Probe::nothing()),
            capturing: Arc::new(Capturing::new(records.path().to_owned(), Arc::new(spawner()))),
            caches: Arc::new(Caches::new(records.path().join("caches"), Vec::new())),
            sandbox: Sandbox::default(),
            foresee: Foresee(Arc::new(|command| crate::approvals::foresee(command, &BTreeMap::new()))),
            network: crate::network::Egress::default(),
            permits: crate::network::Admits(Arc::new(|_| false)),
            shadow: None,
            environment: Arc::new(BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())])),
            secrets: crate::base::secret::Secrets::default(),
            records_dir: records.path().to_owned(),
            command_timeout: STUCK,
        };
        Self {
            folder,
            _records: records,
            context,
            blobs,
            tools: built_in(),
            written: Arc::default(),
            calls: 0,
        }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    async fn prepare(&self, tool: &str, arguments: Value) -> Result<Prepared, String> {
        self.tools.get(tool).unwrap().prepare(&self.context, &arguments).await.map_err(|failure| failure.0)
    }

    async fn finish(&mut self, prepared: Prepared, cancel: CancellationToken, progress: Progress) -> Outcome {
        self.calls += 1;
        let call = CallId::from(format!("c_test{}", self.calls));
        let written: Arc<dyn Written> = self.written.clone();
        let context = RunContext { call, cancel, progress, written, settling: Settling::default() };
        let outcome = tokio::time::timeout(STUCK, prepared.work.run(context)).await.unwrap();
        let reads = Arc::make_mut(&mut self.context.reads);
        for (path, digest) in &outcome.reads {
            reads.saw(RelPath::parse(path).unwrap(), *digest);
        }
        outcome
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Outcome {
        match self.prepare(tool, arguments).await {
            Ok(prepared) => self.finish(prepared, CancellationToken::new(), silent()).await,
            Err(failure) => Outcome::failed(failure),
        }
    }

    /// Calls a tool that must do well; returns what the model is told.
    async fn ok(&mut self, tool: &str, arguments: Value) -> String {
        let outcome = self.call(tool, arguments).await;
        assert_eq!(outcome.status, CallStatus::Ok, "{outcome:?}");
        plain_text(&outcome.content)
    }

    /// Calls a tool that must fail; returns what the model is told.
    async fn failed(&mut self, tool: &str, arguments: Value) -> String {
        let outcome = self.call(tool, arguments).await;
        assert_eq!(outcome.status, CallStatus::Failed, "{outcome:?}");
        plain_text(&outcome.content)
    }
}

mod fetch;
mod shell_writes;

fn silent() -> Progress {
    Progress(Arc::new(|_| {}))
}

fn make_pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

#[test]
fn the_tools_are_few_words_in_a_stable_order() {
    let descriptors = built_in().descriptors();
    let names: Vec<_> = descriptors.iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["read", "list", "glob", "grep", "edit", "write", "patch", "shell", "fetch", "plan"]);
    let bytes: usize = descriptors
        .iter()
        .map(|tool| {
            json!({"name": tool.name, "description": tool.description, "parameters": tool.parameters})
                .to_string()
                .len()
        })
        .sum();
    assert!(bytes <= 7_000, "{bytes}");
}

#[tokio::test]
async fn read_pages_numbers_and_is_noted() {
    let mut world = World::new(&[("src/a.rs", "one\ntwo\nthree\n"), ("empty", ""), ("bin", "a\0b")]);
    let arguments = json!({"path": "src/a.rs", "offset": 2, "limit": 1});
    let prepared = world.prepare("read", arguments.clone()).await.unwrap();
    assert_eq!(
        (prepared.effect, prepared.access),
        (EffectClass::Pure, Access::Read(vec!["src/a.rs".to_owned()]))
    );
    let outcome = world.call("read", arguments).await;
    assert_eq!(plain_text(&outcome.content), "     2\ttwo\n[lines 2-2 of 3; go on with offset 3]\n");
    assert_eq!(outcome.reads, [("src/a.rs".to_owned(), Digest::of(b"one\ntwo\nthree\n"))]);
    assert_eq!(world.ok("read", json!({"path": "empty"})).await, "(the file is empty)\n");
    assert!(world.ok("read", json!({"path": "src/a.rs", "offset": 9})).await.contains("none from line 9"));
    assert!(world.failed("read", json!({"path": "bin"})).await.contains("binary file of 3 bytes"));
    assert!(world.failed("read", json!({"path": "src"})).await.contains("list {\"path\": \"src\"}"));
    assert!(world.failed("read", json!({"path": "src/b.rs"})).await.contains("Did you mean `src/a.rs`?"));
    assert!(world.failed("read", json!({"path": "a.rs"})).await.contains("Did you mean `src/a.rs`?"));
    assert!(world.failed("read", json!({})).await.contains("argument `path` is missing"));
}

#[tokio::test]
async fn read_shows_images_and_never_leaves_the_workspace_or_waits_for_a_pipe() {
    let mut world = World::new(&[("secret-keeper", "")]);
    fs::write(world.path("p.png"), b"\x89PNG\r\n\x1a\nrest").unwrap();
    let outcome = world.call("read", json!({"path": "p.png"})).await;
    let Content::Image { mime, data, .. } = &outcome.content[1] else { panic!("{outcome:?}") };
    assert_eq!((mime.as_str(), data.as_deref()), ("image/png", Some("iVBORw0KGgpyZXN0")));
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("f"), "secret").unwrap();
    symlink(outside.path(), world.path("out")).unwrap();
    symlink("p.png", world.path("inside")).unwrap();
    for path in ["out/f", "../f", "/etc/hostname"] {
        let text = world.failed("read", json!({"path": path})).await;
        assert!(text.contains("outside the workspace") || text.contains("out of the workspace"), "{text}");
    }
    // A link that stays inside is read, and rules are asked about both of its names.
    let prepared = world.prepare("read", json!({"path": "inside"})).await.unwrap();
    assert_eq!(prepared.access, Access::Read(vec!["p.png".to_owned(), "inside".to_owned()]));
    make_pipe(&world.path("pipe"));
    assert!(world.failed("read", json!({"path": "pipe"})).await.contains("FIFO"));
}

#[tokio::test]
async fn write_makes_files_and_replaces_only_what_was_read() {
    let mut world = World::new(&[("a.txt", "old\n")]);
    let prepared = world.prepare("write", json!({"path": "new/b.txt", "content": "b\n"})).await.unwrap();
    assert_eq!(prepared.access, Access::Write(vec!["new/b.txt".to_owned()]));
    assert!(prepared.intent[0].before.is_none() && !world.path("new").exists(), "preparing only reads");
    let Some(Subject::Edit { patch, .. }) = &prepared.subject else { panic!("{prepared:?}") };
    assert!(patch.contains("+b"), "{patch}");
    let outcome = world.finish(prepared, CancellationToken::new(), silent()).await;
    assert_eq!(plain_text(&outcome.content), "created new/b.txt: 1 lines added, 0 removed\n");
    assert_eq!((outcome.files.len(), world.text("new/b.txt").as_str()), (1, "b\n"));

    let write = json!({"path": "a.txt", "content": "new\n"});
    assert!(world.failed("write", write.clone()).await.contains("was not read"));
    assert_eq!(world.text("a.txt"), "old\n");
    world.ok("read", json!({"path": "a.txt"})).await;
    let outcome = world.call("write", write.clone()).await;
    assert_eq!((outcome.status, world.text("a.txt").as_str()), (CallStatus::Ok, "new\n"));
    let old = Digest::of(b"old\n");
    assert_eq!(outcome.files[0].before.as_deref(), Some(old.to_string().as_str()));
    assert_eq!(world.blobs.get(old).unwrap(), b"old\n", "the pre-image is kept");
    assert!(world.ok("write", write).await.contains("exactly this content"));
    // What the session wrote itself, it has seen.
    world.ok("write", json!({"path": "a.txt", "content": "newer\n"})).await;
}

#[tokio::test]
async fn what_a_person_changed_since_is_refused_with_the_difference() {
    let mut world = World::new(&[("a.txt", "one\ntwo\n")]);
    world.ok("read", json!({"path": "a.txt"})).await;
    fs::write(world.path("a.txt"), "one\ntwo\nby a person\n").unwrap();
    for (tool, arguments) in [
        ("write", json!({"path": "a.txt", "content": "mine\n"})),
        ("edit", json!({"path": "a.txt", "old": "one", "new": "1"})),
    ] {
        let text = world.failed(tool, arguments).await;
        assert!(text.contains("+by a person") && text.contains("Read it again"), "{text}");
    }
    world.ok("read", json!({"path": "a.txt"})).await;
    // Changed between the decision and the write.
    let prepared = world.prepare("edit", json!({"path": "a.txt", "old": "one", "new": "1"})).await.unwrap();
    fs::write(world.path("a.txt"), "one\nlast moment\n").unwrap();
    let outcome = world.finish(prepared, CancellationToken::new(), silent()).await;
    assert_eq!((outcome.status, outcome.files.len()), (CallStatus::Failed, 0));
    assert_eq!(world.text("a.txt"), "one\nlast moment\n");
    // Gone altogether: nothing to lose.
    fs::remove_file(world.path("a.txt")).unwrap();
    world.ok("write", json!({"path": "a.txt", "content": "again\n"})).await;
}

#[tokio::test]
async fn edit_replaces_one_place_and_shows_it() {
    let mut world = World::new(&[("a.rs", "fn a() {\n    x();\n}\nfn b() {\n    x();\n}\n")]);
    let once = json!({"path": "a.rs", "old": "x();", "new": "y();"});
    assert!(world.failed("edit", once.clone()).await.contains("was not read"));
    world.ok("read", json!({"path": "a.rs"})).await;
    assert!(world.failed("edit", once).await.contains("occurs 2 times"));
    let told =
        world.ok("edit", json!({"path": "a.rs", "old": "fn b() {\n  x();", "new": "fn b() {\n  z();"})).await;
    assert!(told.contains("white space") && told.contains("     5\t    z();\n"), "{told}");
    let told = world.ok("edit", json!({"path": "a.rs", "old": "fn ", "new": "pub fn ", "all": true})).await;
    assert!(told.contains("2 places"), "{told}");
    assert_eq!(world.text("a.rs"), "pub fn a() {\n    x();\n}\npub fn b() {\n    z();\n}\n");
    assert!(
        world.failed("edit", json!({"path": "b.rs", "old": "a", "new": "b"})).await.contains("Did you mean")
    );
}

fn patch(lines: &[&str]) -> Value {
    json!({"patch": format!("*** Begin Patch\n{}\n*** End Patch\n", lines.join("\n"))})
}

#[tokio::test]
async fn a_patch_writes_all_of_its_files_or_none() {
    let mut world = World::new(&[("a.txt", "one\ntwo\n"), ("b.sh", "old\n"), ("c.txt", "bye\n")]);
    fs::set_permissions(world.path("b.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let edit_a = ["*** Update File: a.txt", "@@", " one", "-two", "+2"];
    let move_b = ["*** Update File: b.sh", "*** Move to: bin/b.sh", "-old", "+new"];
    let rest = ["*** Add File: d/new.txt", "+made", "*** Delete File: c.txt"];
    let all = patch(&[&edit_a[..], &move_b, &rest].concat());
    let unread = world.failed("patch", all.clone()).await;
    assert!(
        ["`a.txt`", "`b.sh`", "`c.txt`"]
            .iter()
            .all(|name| unread.contains(&format!("{name} exists and was not read"))),
        "{unread}"
    );
    for file in ["a.txt", "b.sh", "c.txt"] {
        world.ok("read", json!({"path": file})).await;
    }
    // One hunk that fits nowhere, and nothing of the patch is written.
    let wrong = patch(&[&edit_a[..], &["@@", "-three"], &move_b, &rest].concat());
    let told = world.failed("patch", wrong).await;
    assert!(
        told.starts_with("Nothing was written. `a.txt`: hunk 2 (line 7 of the patch) is not in the file"),
        "{told}"
    );
    assert_eq!((world.text("a.txt").as_str(), world.path("d").exists()), ("one\ntwo\n", false));

    let prepared = world.prepare("patch", all.clone()).await.unwrap();
    let names = ["a.txt", "b.sh", "bin/b.sh", "d/new.txt", "c.txt"].map(str::to_owned);
    assert_eq!((prepared.access.clone(), prepared.intent.len()), (Access::Write(names.to_vec()), 5));
    let Some(Subject::Edit { files, patch }) = &prepared.subject else { panic!("{prepared:?}") };
    assert!(files.len() == 5 && patch.contains("deleted file mode 100644\n--- a/c.txt"), "{patch}");
    // Somebody edits the last file at the last moment: none is written.
    fs::write(world.path("c.txt"), "wait\n").unwrap();
    let outcome = world.finish(prepared, CancellationToken::new(), silent()).await;
    assert!(plain_text(&outcome.content).starts_with("`c.txt` was changed by somebody else at this moment"));
    assert_eq!((world.text("a.txt").as_str(), outcome.files.len()), ("one\ntwo\n", 0));
    world.ok("read", json!({"path": "c.txt"})).await;

    let told = world.ok("patch", all).await;
    assert_eq!(
        told,
        "wrote a.txt: 1 lines added, 1 removed\nwrote b.sh: it is deleted\ncreated bin/b.sh: 1 lines added, 0 removed\n\
         created d/new.txt: 1 lines added, 0 removed\nwrote c.txt: it is deleted\n"
    );
    assert_eq!((world.text("a.txt").as_str(), world.text("d/new.txt").as_str()), ("one\n2\n", "made\n"));
    assert!(!world.path("c.txt").exists() && !world.path("b.sh").exists());
    assert_eq!(fs::metadata(world.path("bin/b.sh")).unwrap().permissions().mode() & 0o777, 0o755);
}

#[tokio::test]
async fn of_a_patch_some_files_and_hunks_can_be_allowed() {
    let mut world = World::new(&[("a.txt", "1\n2\n3\n"), ("b.txt", "b\n"), ("c.txt", "c\n")]);
    for file in ["a.txt", "b.txt", "c.txt"] {
        world.ok("read", json!({"path": file})).await;
    }
    let all = patch(&[
        "*** Update File: a.txt",
        "-1",
        "+one",
        "@@",
        "-3",
        "+three",
        "*** Update File: b.txt",
        "-b",
        "+B",
        "*** Delete File: c.txt",
    ]);
    let prepared = world.prepare("patch", all.clone()).await.unwrap();
    let chosen = |path: &str, hunks: &[u32]| Selected {
        path: path.to_owned(),
        hunks: Some(hunks.to_vec()),
        path_encoded: None,
    };
    let some = prepared.only(&[chosen("a.txt", &[2]), chosen("c.txt", &[0])]).unwrap();
    assert_eq!(some.intent.len(), 2);
    let outcome = world.finish(some, CancellationToken::new(), silent()).await;
    assert!(plain_text(&outcome.content).contains("This was written to `a.txt`, `c.txt`, and nothing else"));
    assert_eq!((world.text("a.txt").as_str(), world.text("b.txt").as_str()), ("1\n2\nthree\n", "b\n"));
    assert!(!world.path("c.txt").exists());
    let nothing = world.prepare("patch", patch(&["*** Update File: b.txt", "-b", "+B"])).await.unwrap();
    assert!(nothing.only(&[chosen("other.txt", &[1])]).is_err());
}

#[tokio::test]
async fn links_and_pipes_are_not_written_through() {
    let mut world = World::new(&[("real/a.txt", "old\n")]);
    symlink("real/a.txt", world.path("link")).unwrap();
    symlink("real", world.path("folder")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    symlink(outside.path(), world.path("out")).unwrap();
    make_pipe(&world.path("pipe"));
    for (path, expected) in [
        ("link", "name `real/a.txt` itself"),
        ("folder/new", "name `real/new` itself"),
        ("out/new", "out of the workspace"),
        ("../new", "outside the workspace"),
        ("pipe", "FIFO"),
        ("real", "is a folder"),
        (".", "is a folder"),
        ("", "empty"),
    ] {
        let text = world.failed("write", json!({"path": path, "content": "x"})).await;
        assert!(text.contains(expected), "{path}: {text}");
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    assert_eq!(world.text("real/a.txt"), "old\n");
}

#[tokio::test]
async fn a_digest_is_of_exactly_what_would_run() {
    let world = World::new(&[("a", "")]);
    let digest = async |tool: &str, arguments: Value| world.prepare(tool, arguments).await.unwrap().digest;
    let write = digest("write", json!({"path": "b", "content": "1"})).await;
    assert_eq!(write, digest("write", json!({"path": "./b", "content": "1"})).await);
    assert_ne!(write, digest("write", json!({"path": "b", "content": "2"})).await);
    assert_ne!(write, digest("write", json!({"path": "c", "content": "1"})).await);
    let shell = digest("shell", json!({"command": "true"})).await;
    assert_eq!(shell, digest("shell", json!({"command": "true", "cwd": "."})).await);
    assert_ne!(shell, digest("shell", json!({"command": "true "})).await);
    assert_ne!(shell, digest("shell", json!({"command": "true", "timeout_s": 7})).await);
    let mut other = World::new(&[]);
    let same = other.prepare("shell", json!({"command": "true"})).await.unwrap().digest;
    assert_eq!(shell, same);
    other.context.environment = Arc::new(BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())]));
    assert_ne!(shell, other.prepare("shell", json!({"command": "true"})).await.unwrap().digest);
}

#[tokio::test]
async fn a_search_leaves_out_what_may_not_be_read() {
    let mut world = World::new(&[("a.txt", "needle\n"), (".secret", "needle\n")]);
    assert_eq!(world.ok("grep", json!({"pattern": "needle"})).await, "a.txt\n     1: needle\n");
    world.context.sight = Sight(Arc::new(|_| true));
    assert!(world.ok("grep", json!({"pattern": "needle"})).await.contains(".secret"));
}

#[tokio::test]
async fn list_glob_and_grep_find_and_bound() {
    let mut world = World::new(&[
        (".gitignore", "target\n"),
        ("src/a.rs", "fn a() {}\n// needle\nfn c() {}\n"),
        ("src/deep/b.rs", "needle\n"),
        ("target/x.rs", "needle\n"),
    ]);
    fs::create_dir(world.path(".git")).unwrap();
    let listed = world.ok("list", json!({})).await;
    assert!(listed.contains("src/\n  a.rs  30\n  deep/\n") && !listed.contains("target"), "{listed}");
    assert_eq!(world.ok("glob", json!({"pattern": "*.rs"})).await, "src/a.rs\nsrc/deep/b.rs\n");
    assert_eq!(world.ok("glob", json!({"pattern": "*.py"})).await, "no file matches\n");
    let found = world.ok("grep", json!({"pattern": "need.e"})).await;
    assert_eq!(found, "src/a.rs\n     2: // needle\nsrc/deep/b.rs\n     1: needle\n");
    let found = world
        .ok("grep", json!({"pattern": "NEEDLE", "ignore_case": true, "glob": "a.*", "context": 1}))
        .await;
    assert_eq!(found, "src/a.rs\n     1- fn a() {}\n     2: // needle\n     3- fn c() {}\n");
    assert!(world.failed("grep", json!({"pattern": "a("})).await.contains("set literal"));
    assert_eq!(
        world.ok("grep", json!({"pattern": "a(", "literal": true, "path": "src/a.rs"})).await.lines().count(),
        2
    );
    fs::write(world.path("many"), "needle\n".repeat(2_000)).unwrap();
    let found = world.ok("grep", json!({"pattern": "needle", "path": "many"})).await;
    assert!(found.contains("there are more matches") && found.len() < 50 << 10);
    for tool in ["list", "glob", "grep"] {
        let text = world.failed(tool, json!({"path": "srx", "pattern": "x"})).await;
        assert!(text.contains("Did you mean `src`?"), "{tool}: {text}");
    }
    let prepared = world.prepare("grep", json!({"pattern": "needle"})).await.unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome = world.finish(prepared, cancel, silent()).await;
    assert_eq!(outcome.status, CallStatus::Interrupted);
}

#[tokio::test]
async fn shell_runs_streams_and_tells_how_it_ended() {
    let mut world = World::new(&[("sub/f", "")]);
    let prepared =
        world.prepare("shell", json!({"command": "pwd; ls; echo oops >&2", "cwd": "sub"})).await.unwrap();
    assert_eq!(prepared.effect, EffectClass::Command);
    let Some(Subject::Command { argv, cwd, sandbox, .. }) = &prepared.subject else { panic!("{prepared:?}") };
    assert_eq!((argv.last().unwrap().as_str(), cwd.as_str(), *sandbox), ("pwd; ls; echo oops >&2", "sub", 1));
    #[expect(clippy::disallowed_types, reason = "as above")]
    let told = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&told);
    let progress = Progress(Arc::new(move |text| heard.lock().unwrap().push_str(text)));
    let outcome = world.finish(prepared, CancellationToken::new(), progress).await;
    let text = plain_text(&outcome.content);
    let cwd = world.context.root.path().join("sub");
    // Two pipes: which is read first is not said.
    for line in [cwd.display().to_string().as_str(), "f", "oops"] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert_eq!(*told.lock().unwrap(), text);
    assert_eq!((outcome.status, outcome.exit, outcome.reference), (CallStatus::Ok, Some(0), None));
    assert!(read_record(&world.context.records_dir.join("c_test1.jsonl")).unwrap().spawned);

    let outcome = world.call("shell", json!({"command": "echo no; exit 3"})).await;
    assert_eq!((outcome.status, outcome.exit), (CallStatus::Failed, Some(3)));
    assert_eq!(plain_text(&outcome.content), "no\n[exit code 3]");
    assert_eq!(world.ok("shell", json!({"command": "true"})).await, "(no output)");
    assert!(
        world
            .failed("shell", json!({"command": "true", "cwd": "subb"}))
            .await
            .contains("Did you mean `sub`?")
    );
    assert!(world.failed("shell", json!({"command": "true", "cwd": "sub/f"})).await.contains("not a folder"));
    assert!(world.failed("shell", json!({"command": " "})).await.contains("empty"));
}

#[tokio::test]
async fn long_output_keeps_both_ends_and_the_rest_can_be_read() {
    let mut world = World::new(&[]);
    let outcome = world.call("shell", json!({"command": "seq 1 5000"})).await;
    let text = plain_text(&outcome.content);
    assert!(text.starts_with("1\n2\n") && text.ends_with("\n5000\n"), "{text}");
    let reference = outcome.reference.unwrap();
    assert!(text.contains(&reference));
    let page = world.ok("read", json!({"path": reference, "offset": 2_500, "limit": 2})).await;
    assert!(page.starts_with("  2500\t2500\n  2501\t2501\n"), "{page}");
    let nothing = format!("b3:{}", Digest::of(b"never kept"));
    assert!(world.failed("read", json!({"path": nothing})).await.contains("nothing is kept"));
    assert!(world.failed("read", json!({"path": "b3:xyz"})).await.contains("no reference"));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the switch for slow tests is ambient")]
async fn a_command_ends_with_its_time_and_with_its_call() {
    let mut world = World::new(&[]);
    let arguments = json!({"command": "echo begun; sleep 600"});
    if std::env::var_os("RUN_SLOW_TESTS").is_some() {
        let mut text = String::new();
        // On a busy machine the first time may be over before it has said anything.
        for seconds in [1, 5, 25] {
            world.context.command_timeout = Duration::from_secs(seconds);
            let outcome = world.call("shell", arguments.clone()).await;
            assert_eq!((outcome.status, outcome.exit), (CallStatus::Failed, None));
            text = plain_text(&outcome.content);
            assert!(text.contains(&format!("[ended after {seconds} s")), "{outcome:?}");
            if text.starts_with("begun\n") {
                break;
            }
        }
        assert!(text.starts_with("begun\n[ended after"), "{text}");
    }
    world.context.command_timeout = STUCK;
    let prepared = world.prepare("shell", arguments.clone()).await.unwrap();
    let cancel = CancellationToken::new();
    let begun = cancel.clone();
    // Cancelled as soon as it has said something.
    let progress = Progress(Arc::new(move |_| begun.cancel()));
    let outcome = world.finish(prepared, cancel.clone(), progress).await;
    assert_eq!(outcome.status, CallStatus::Interrupted);
    assert!(plain_text(&outcome.content).starts_with("begun\n[interrupted"), "{outcome:?}");
    let prepared = world.prepare("shell", arguments).await.unwrap();
    let outcome = world.finish(prepared, cancel, silent()).await;
    assert_eq!(outcome.status, CallStatus::Interrupted, "cancelled before it began");
}

#[tokio::test]
async fn a_plan_is_counted_and_handed_on() {
    let mut world = World::new(&[]);
    let steps = json!({"steps": [
        {"id": "a", "title": "look", "status": "completed"},
        {"id": "b", "title": "do", "status": "in_progress", "files": ["x"]},
        {"title": "test"},
        {"id": "d", "title": "not this", "status": "dropped"}
    ]});
    let prepared = world.prepare("plan", steps).await.unwrap();
    assert_eq!((prepared.effect, &prepared.access), (EffectClass::Pure, &Access::Nothing));
    let outcome = world.finish(prepared, CancellationToken::new(), silent()).await;
    assert_eq!(plain_text(&outcome.content), "ok: 1 of 3 done");
    let plan = outcome.plan.unwrap();
    assert_eq!((plan[1].status, plan[2].id.as_str()), (StepStatus::Active, "3"));
    let twice = json!({"steps": [{"id": "a", "title": "x"}, {"id": "a", "title": "y"}]});
    assert!(world.failed("plan", twice).await.contains("two steps have the id `a`"));
    assert!(world.failed("plan", json!({"steps": [{"id": "a"}]})).await.contains("title"));
}

#[test]
fn titles_are_one_line() {
    let tools = built_in();
    let check = |tool: &str, arguments: Value, expected: &str| {
        assert_eq!(tools.get(tool).unwrap().title(&arguments), expected);
    };
    check("read", json!({"path": "a\nb"}), "read a …");
    check("shell", json!({"command": "cargo test\nls"}), "cargo test …");
    check("shell", json!({}), "shell");
    check("plan", json!({"steps": [{"title": "do it", "status": "active"}]}), "plan: do it");
    check("grep", json!([]), "search");
}
