//! Which caches get copies, and how long those are kept. Not here: that commands use them (`tests/tests/sandbox/caches.rs`).
use super::*;

fn world() -> (tempfile::TempDir, PathBuf, Arc<Caches>) {
    let temp = tempfile::tempdir().unwrap();
    let base = temp.path().canonicalize().unwrap();
    for folder in ["home/.cargo/bin", "home/.npm", "home/.ssh", "work", "state"] {
        fs::create_dir_all(base.join(folder)).unwrap();
    }
    let caches = Arc::new(Caches::new(base.join("state/caches"), vec![base.join("state")]));
    (temp, base, caches)
}

fn check(base: &Path, caches: &Caches, variables: &[(&str, &str)], wanted: &[&str], expected: &[&str]) {
    let inner = |path: &str| base.join(path);
    let mut env: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, path)| ((*name).to_owned(), inner(path).display().to_string()))
        .collect();
    env.insert("HOME".to_owned(), inner("home").display().to_string());
    let wanted: Vec<PathBuf> = wanted.iter().map(|path| inner(path)).collect();
    let found: Vec<PathBuf> =
        caches.of(&inner("work"), &env, &wanted).into_iter().map(|cache| cache.place).collect();
    assert_eq!(found, expected.iter().map(|path| inner(path)).collect::<Vec<_>>());
}

#[test]
fn the_table_parses() {
    let table: Table = toml::from_str(include_str!("../../../data/caches.toml")).unwrap();
    assert!(table.cache.len() > 10);
    for known in &table.cache {
        assert!(known.path.is_relative() && known.path.components().count() > 0, "{:?}", known.path);
    }
}

#[test]
fn caches_that_are_there_or_will_be_get_copies() {
    let (_temp, base, caches) = world();
    check(&base, &caches, &[], &[], &["home/.cargo", "home/.npm"]);
    check(&base, &caches, &[], &["home/go/pkg"], &["home/.cargo", "home/.npm", "home/go/pkg"]);
    fs::create_dir_all(base.join("opt/mod")).unwrap();
    check(&base, &caches, &[("GOMODCACHE", "opt/mod")], &[], &["home/.cargo", "home/.npm", "opt/mod"]);
    // One in another is in its copy.
    fs::create_dir_all(base.join("home/go/pkg/mod")).unwrap();
    check(&base, &caches, &[], &[], &["home/.cargo", "home/.npm", "home/go/pkg"]);
}

#[test]
fn what_the_agent_or_the_workspace_has_is_no_cache() {
    let (_temp, base, caches) = world();
    for place in ["work/cargo", "work", "state/inner", "home/.ssh/x", ".", "absent"] {
        if place != "absent" {
            fs::create_dir_all(base.join(place)).unwrap();
        }
        check(&base, &caches, &[("CARGO_HOME", place)], &[], &["home/.npm"]);
    }
    std::os::unix::fs::symlink(base.join("work"), base.join("home/go")).unwrap();
    check(&base, &caches, &[], &["home/go/pkg"], &["home/.cargo", "home/.npm"]);
}

#[test]
fn two_commands_at_one_time_have_two_sets_and_later_ones_the_first() {
    let (_temp, base, caches) = world();
    let env = BTreeMap::from([("HOME".to_owned(), base.join("home").display().to_string())]);
    let work = base.join("work");
    let of = caches.of(&work, &env, &[]);
    let first = caches.lay(&work, &of).unwrap();
    let second = caches.lay(&work, &of).unwrap();
    assert_ne!(first.set, second.set);
    let upper = first.copies[0].1.upper.clone();
    fs::create_dir_all(upper.join("bin")).unwrap();
    for name in ["bin/planted", "config.toml", "kept"] {
        fs::write(upper.join(name), vec![b'x'; 10_000]).unwrap();
    }
    let set = first.set.clone();
    drop(first);
    // What is no cache is not handed on.
    let third = caches.lay(&work, &of).unwrap();
    assert_eq!(third.set, set);
    assert!(
        upper.join("kept").exists() && !upper.join("config.toml").exists() && !upper.join("bin").exists()
    );
    // What is used stays.
    caches.clear(false);
    assert!(upper.join("kept").exists());
    drop((second, third));
    let told = kept::copies(&base.join("state/caches"));
    assert_eq!(told.iter().map(|copies| copies.workspace.clone()).collect::<Vec<_>>(), [work]);
    assert!(told[0].bytes >= 10_000);
    caches.sweep(1 << 30);
    assert!(upper.join("kept").exists());
    assert!(caches.clear(true) >= 10_000 && upper.join("kept").exists());
    caches.sweep(9_999);
    assert!(!upper.exists());
    assert_eq!(kept::copies(&base.join("state/caches")), []);
}
