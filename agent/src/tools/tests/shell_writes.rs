//! What commands write is found, committed as a change and told. The tests run where layers can be had; where they cannot the
//! comparison is tested instead.
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::json;
use tenon_protocol::change::FileOp;
use tenon_protocol::content::plain_text;
use tenon_protocol::tool::CallStatus;

use super::World;
use crate::changes::apply::apply;
use crate::changes::blobs::BlobStore as _;
use crate::changes::change::{ChangeSet, FileEdit, Version};
use crate::config::Capture;
use crate::tools::Outcome;
use crate::workspace::path::RelPath;

/// Tells whether this machine has layers; says so where it has none.
async fn has_layers(world: &World) -> bool {
    match world.context.capturing.find().await {
        Ok(()) => true,
        Err(reason) => {
            println!("skipped: no layers here: {reason}");
            false
        }
    }
}

/// Everything below a folder: kind, mode, contents or target.
fn tree(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            let metadata = path.symlink_metadata().unwrap();
            let bytes = if metadata.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if metadata.is_dir() {
                folders.push(path);
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(name, (metadata.mode(), bytes));
        }
    }
    found
}

/// Undoes what an outcome tells, by its events alone.
fn undo(world: &World, outcome: &Outcome) {
    let version = |digest: &Option<String>, mode: Option<u32>| {
        digest.as_ref().map(|digest| Version { digest: digest.parse().unwrap(), mode: mode.unwrap() })
    };
    let back = |file: &tenon_protocol::change::FileChange| FileEdit {
        path: RelPath::parse(&file.path).unwrap(),
        from: None,
        before: version(&file.after, file.after_mode),
        after: version(&file.before, file.before_mode),
    };
    let mut edits: Vec<FileEdit> = outcome.files.iter().map(back).collect();
    edits.sort_by_key(|edit| edit.after.is_some());
    apply(&world.context.root, &ChangeSet::new(edits).unwrap(), &*world.blobs).unwrap();
    for folder in outcome.folders.iter().rev() {
        // One that was a file before is that again.
        if world.path(folder).is_dir() {
            fs::remove_dir(world.path(folder)).unwrap();
        }
    }
}

/// A command that changes files in every way there is; in those of `many_files`.
const OF_EVERY_KIND: &str = "sed -i s/one/1/ src/0.txt src/1.txt; echo three >> src/2.txt; printf x > src/3.txt; \
    cp src/4.txt tmp && mv tmp src/5.txt; mv src/6.txt renamed; chmod 755 src/7.txt; chmod 600 src/8.txt; rm src/9.txt; \
    rm -r gone; mv moved there; printf 'a\\r\\nc\\r\\n' > crlf.txt; printf 'b\\0c' > bin; ln -sfn src/1.txt link; \
    ln -s nowhere new-link; mkdir -p new/deep; echo n > new/deep/n; rm src/10.txt; mkdir src/10.txt; echo in > src/10.txt/in; \
    touch -d @1000 src/11.txt";

fn many_files() -> World {
    let names: Vec<String> = (0..12).map(|number| format!("src/{number}.txt")).collect();
    let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "one\ntwo\n")).collect();
    files.extend([("crlf.txt", "a\r\nb\r\n"), ("bin", "a\0b"), ("gone/deep/x", "x\n"), ("moved/y", "y\n")]);
    let world = World::new(&files);
    symlink("src/0.txt", world.path("link")).unwrap();
    world
}

#[tokio::test]
async fn twenty_files_of_every_kind_are_one_change_and_its_inverse_is_the_tree_before() {
    let mut world = many_files();
    if !has_layers(&world).await {
        return;
    }
    let before = tree(world.folder.path());
    let outcome = world.call("shell", json!({ "command": OF_EVERY_KIND })).await;
    assert_eq!(outcome.status, CallStatus::Ok, "{}", plain_text(&outcome.content));
    let told: Vec<(FileOp, &str)> = outcome.files.iter().map(|file| (file.op, file.path.as_str())).collect();
    let expected = [
        (FileOp::Modify, "bin"),
        (FileOp::Modify, "crlf.txt"),
        (FileOp::Delete, "gone/deep/x"),
        (FileOp::Modify, "link"),
        (FileOp::Delete, "moved/y"),
        (FileOp::Add, "new-link"),
        (FileOp::Add, "new/deep/n"),
        (FileOp::Add, "renamed"),
        (FileOp::Modify, "src/0.txt"),
        (FileOp::Modify, "src/1.txt"),
        (FileOp::Delete, "src/10.txt"),
        (FileOp::Add, "src/10.txt/in"),
        (FileOp::Modify, "src/2.txt"),
        (FileOp::Modify, "src/3.txt"),
        (FileOp::Delete, "src/6.txt"),
        (FileOp::Modify, "src/7.txt"),
        (FileOp::Modify, "src/8.txt"),
        (FileOp::Delete, "src/9.txt"),
        (FileOp::Add, "there/y"),
    ];
    assert_eq!(told, expected);
    assert_eq!(world.text("src/3.txt"), "x");
    assert_eq!(world.text("there/y"), "y\n");
    assert!(!world.path("gone").exists() && !world.path("moved").exists());
    assert_eq!(fs::metadata(world.path("src/11.txt")).unwrap().mtime(), 1000);
    assert_eq!(fs::metadata(world.path("src/7.txt")).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(outcome.conflicts, []);
    assert_eq!(world.written.begun.lock().unwrap().len(), 1, "announced before anything was written");
    undo(&world, &outcome);
    assert_eq!(tree(world.folder.path()), before);
}

#[tokio::test]
async fn what_is_ignored_or_large_is_written_and_told() {
    let mut world = World::new(&[(".gitignore", "target/\n*.log\n"), ("target/old", "o"), ("a", "a\n")]);
    if !has_layers(&world).await {
        return;
    }
    let command = "echo new > target/new; echo x > build.log; rm target/old; mkdir -p node_modules/p; echo '' > node_modules/p/.npmrc; \
        head -c 50000000 /dev/zero > large; echo b > a; git init -q . 2>/dev/null; mkdir empty";
    let outcome = world.call("shell", json!({ "command": command })).await;
    assert_eq!(outcome.status, CallStatus::Ok, "{}", plain_text(&outcome.content));
    let paths: Vec<&str> = outcome.uncovered.iter().map(|uncovered| uncovered.path.as_str()).collect();
    assert_eq!(paths, ["build.log", "large", "node_modules", "target", "empty"], "{:?}", outcome.uncovered);
    assert_eq!(outcome.files.len(), 1);
    assert_eq!((world.text("target/new"), world.text("a")), ("new\n".to_owned(), "b\n".to_owned()));
    assert!(!world.path("target/old").exists() && world.path("node_modules/p/.npmrc").exists());
    assert_eq!(fs::metadata(world.path("large")).unwrap().len(), 50_000_000);
    // Asked about as one, and not there without an answer.
    assert!(!world.path(".git").exists());
    assert_eq!(world.written.asked.lock().unwrap().len(), 1);
    assert!(!world.path("target").join(".tenon-tmp").exists() && world.path("empty").is_dir());
}

#[tokio::test]
async fn protected_paths_are_withheld_until_a_person_allows_them() {
    for allows in [false, true] {
        let mut world = World::new(&[(".gitignore", "hidden/\n"), ("a", "a\n"), (".git/config", "[core]\n")]);
        world.written = std::sync::Arc::new(super::Told { allows, ..super::Told::default() });
        if !has_layers(&world).await {
            return;
        }
        let before = tree(world.folder.path());
        let command = "mkdir -p .idea sub .IDEA hidden .git/hooks; echo '{}' > .idea/a.xml; echo r > sub/.npmrc; \
            echo x > .IDEA/x; echo w > hidden/.envrc; echo h > .git/hooks/pre-commit; echo c >> .git/config; echo b > a";
        let outcome = world.call("shell", json!({ "command": command })).await;
        let protected =
            [".IDEA/x", ".git/config", ".git/hooks/pre-commit", ".idea/a.xml", "hidden/.envrc", "sub/.npmrc"];
        let asked = world.written.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), protected);
        assert!(asked[0].patch.contains("+{}"), "{}", asked[0].patch);
        for name in protected {
            assert_eq!(
                world.path(name).exists() && name != ".git/config",
                allows && name != ".git/config",
                "{name}"
            );
        }
        assert_eq!(world.text(".git/config") == "[core]\nc\n", allows);
        assert_eq!(world.text("a"), "b\n");
        let text = plain_text(&outcome.content);
        assert_eq!(text.contains("sub/.npmrc was not written"), !allows, "{text}");
        if !allows {
            let mut now = tree(world.folder.path());
            now.insert("a".to_owned(), before["a"].clone());
            now.remove("hidden");
            assert_eq!(now, before, "nothing stray is left");
        }
    }
}

#[tokio::test]
async fn what_a_person_saves_while_a_command_runs_stays_and_is_a_conflict() {
    let mut world = World::new(&[("a", "base\n"), ("b", "base\n")]);
    if !has_layers(&world).await {
        return;
    }
    // Outside of the workspace: a FIFO beneath a layer is one of its own.
    // Its read makes known what both began with.
    world.call("read", json!({"path": "a"})).await;
    let (pipe, a) = (world.context.records_dir.join("pipe"), world.path("a"));
    super::make_pipe(&pipe);
    let at = pipe.clone();
    let person = std::thread::spawn(move || {
        // Opens when the command has written and waits for this.
        let pipe = fs::OpenOptions::new().write(true).open(at).unwrap();
        fs::write(a, "a person's\n").unwrap();
        drop(pipe);
    });
    let command = format!("echo command > a; echo command > b; read line < {}; true", pipe.display());
    let outcome = world.call("shell", json!({ "command": command })).await;
    person.join().unwrap();
    assert_eq!((world.text("a").as_str(), world.text("b").as_str()), ("a person's\n", "command\n"));
    assert_eq!(outcome.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["b"]);
    let [conflict] = &outcome.conflicts[..] else { panic!("{outcome:?}") };
    let text = |reference: &Option<String>| {
        let digest = reference.as_ref().unwrap().strip_prefix("b3:").unwrap().parse().unwrap();
        String::from_utf8(world.blobs.get(digest).unwrap()).unwrap()
    };
    let texts = [&conflict.base, &conflict.ours, &conflict.theirs].map(text);
    assert_eq!(texts, ["base\n", "command\n", "a person's\n"]);
    assert!(plain_text(&outcome.content).contains("somebody else"));
}

#[tokio::test]
async fn without_layers_the_same_files_are_found_and_their_inverse_is_the_tree_before() {
    let files = [("a.txt", "one\ntwo\n"), ("crlf", "a\r\nb\r\n"), ("bin", "a\0b"), ("gone/deep/x", "x\n")];
    let mut world = World::new(&files);
    world.context.sandbox.capture = Capture::Compared;
    symlink("a.txt", world.path("link")).unwrap();
    let before = tree(world.folder.path());
    let command = "sed -i s/one/1/ a.txt; printf 'a\\r\\nc\\r\\n' > crlf; printf 'b\\0c' > tmp && mv tmp bin; rm -r gone; \
        ln -sfn crlf link; mkdir -p new/deep; echo n > new/deep/n; chmod 600 crlf";
    let outcome = world.call("shell", json!({ "command": command })).await;
    assert_eq!(outcome.status, CallStatus::Ok, "{}", plain_text(&outcome.content));
    let told: Vec<(FileOp, &str)> = outcome.files.iter().map(|file| (file.op, file.path.as_str())).collect();
    let expected = [
        (FileOp::Modify, "a.txt"),
        (FileOp::Modify, "bin"),
        (FileOp::Modify, "crlf"),
        (FileOp::Delete, "gone/deep/x"),
        (FileOp::Modify, "link"),
        (FileOp::Add, "new/deep/n"),
    ];
    assert_eq!((told, outcome.uncovered.len()), (expected.to_vec(), 0));
    assert_eq!(world.written.begun.lock().unwrap().len(), 0, "it is there already");
    undo(&world, &outcome);
    // Folders that it removed come back with what was in them.
    assert_eq!(tree(world.folder.path()), before);
}

/// Stages in a world what an outcome of one of its commands staged, as a session does.
fn stage(world: &mut World, outcome: &Outcome) {
    let mut staged: BTreeMap<RelPath, Option<Version>> = world
        .context
        .staged
        .iter()
        .flat_map(|staged| staged.all())
        .map(|(path, at)| (path.clone(), at))
        .collect();
    for file in outcome.staged.iter().flat_map(|staged| &staged.files) {
        let edit = FileEdit::from_wire(file).unwrap();
        staged.insert(edit.path, edit.after);
    }
    world.context.staged = Some(std::sync::Arc::new(staged.into_iter().collect()));
}

fn plan_turn(world: &mut World) {
    world.context.staged = Some(std::sync::Arc::default());
    world.context.shadow = Some(world.context.records_dir.join("t_test.shadow"));
}

#[tokio::test]
async fn what_a_command_of_a_plan_stages_is_what_it_would_have_done() {
    let (mut direct, mut planned) = (many_files(), many_files());
    if !has_layers(&direct).await {
        return;
    }
    direct.ok("shell", json!({ "command": OF_EVERY_KIND })).await;
    plan_turn(&mut planned);
    let before = tree(planned.folder.path());
    // In two halves, so that the second sees what the first staged.
    let (first, second) = OF_EVERY_KIND.split_at(OF_EVERY_KIND.find("rm -r gone").unwrap());
    for half in [first, second] {
        let outcome = planned.call("shell", json!({ "command": half })).await;
        assert_eq!(outcome.status, CallStatus::Ok, "{}", plain_text(&outcome.content));
        assert_eq!((outcome.files.len(), outcome.uncovered.len()), (0, 0));
        stage(&mut planned, &outcome);
        assert_eq!(tree(planned.folder.path()), before, "the disk is untouched");
    }
    let staged = planned.context.staged.clone().unwrap();
    let disk = |path: &RelPath| crate::changes::apply::on_disk(&planned.context.root, path);
    let mut edits: Vec<FileEdit> = staged
        .all()
        .map(|(path, after)| {
            let now = disk(path);
            let digest = crate::base::digest::Digest::of(&now.bytes);
            let before = (now.found != crate::changes::apply::Found::Absent)
                .then_some(Version { digest, mode: now.mode });
            FileEdit { path: path.clone(), from: None, before, after }
        })
        .collect();
    edits.sort_by_key(|edit| edit.after.is_some());
    apply(&planned.context.root, &ChangeSet::new(edits).unwrap(), &*planned.blobs).unwrap();
    // A plan is about files: a folder that is empty then stays.
    let files = |world: &World| {
        let mut found = tree(world.folder.path());
        found.retain(|name, _| !world.path(name).symlink_metadata().unwrap().is_dir());
        found
    };
    assert_eq!(files(&planned), files(&direct));
}

#[tokio::test]
async fn what_no_plan_holds_is_there_for_later_commands_and_told_once() {
    let mut world =
        World::new(&[(".gitignore", "out/\n"), ("out/old", "old\n"), ("a", "a\n"), ("sub/in/x", "x\n")]);
    if !has_layers(&world).await {
        return;
    }
    plan_turn(&mut world);
    let before = tree(world.folder.path());
    let first = "rm out/old; echo new > out/new; mkdir empty; head -c 40000000 /dev/zero > large; echo b > a";
    let outcome = world.call("shell", json!({ "command": first })).await;
    stage(&mut world, &outcome);
    let told = plain_text(&outcome.content);
    for part in ["is staged: a]", "large (larger than 32 MiB)", "out (ignored"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let second = "ls out; wc -c < large; cat a; test -d empty && echo folder";
    let told = world.ok("shell", json!({ "command": second })).await;
    assert_eq!(told, "new\n40000000\nb\nfolder\n");
    let outcome = world.call("shell", json!({ "command": "rm -r out large sub; echo a > a" })).await;
    stage(&mut world, &outcome);
    assert_eq!(world.ok("shell", json!({ "command": "ls; cat a" })).await, "a\nempty\na\n");
    assert_eq!(tree(world.folder.path()), before);
}
