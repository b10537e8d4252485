//! What is planned and applied is what would have been written at once, in whatever portions it is applied.
use proptest::prelude::*;
use serde_json::json;
use tenon_protocol::change::FileChange;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::turn::TurnStarted;

use super::*;
use crate::base::digest::Digest;
use crate::changes::apply::Found;
use crate::changes::blobs::tests::Memory;
use crate::changes::plan::OnDisk;
use crate::changes::slow;
use crate::session::apply::{changed, hunks_of};
use crate::session::plans::Plans;

type Files = BTreeMap<usize, Vec<u8>>;

fn path(file: usize) -> RelPath {
    RelPath::parse(format!("f{file}").as_str()).unwrap()
}

fn version(blobs: &Memory, bytes: Option<&Vec<u8>>) -> Option<Version> {
    bytes.map(|bytes| Version { digest: blobs.put(bytes).unwrap(), mode: 0o644 })
}

fn staged(
    blobs: &Memory,
    file: usize,
    before: Option<&Vec<u8>>,
    after: &Vec<u8>,
    step: Option<&str>,
) -> EventBody {
    let edit = FileEdit {
        path: path(file),
        from: None,
        before: version(blobs, before),
        after: version(blobs, Some(after)),
    };
    ChangeStaged {
        change_id: "c_call".into(),
        files: vec![edit.to_wire(&[])],
        uncovered: Vec::new(),
        plan_id: Some("p_1".into()),
        call_id: Some("x_1".into()),
        step: step.map(str::to_owned),
    }
    .into()
}

/// Plans these edits of `start`, makes the plan whole, and returns it with the files as they would be.
fn planned(blobs: &Memory, start: &Files, edits: &[(usize, String, Option<String>)]) -> (Plans, Files) {
    let (mut plans, mut now) = (Plans::default(), start.clone());
    let started =
        json!({"model": "p/m", "profile": "edit", "messageId": "m_1", "planId": "p_1", "planRev": 1});
    let started: TurnStarted = serde_json::from_value(started).unwrap();
    plans.apply(&started.into(), 1);
    for (file, text, step) in edits {
        let after = text.as_bytes().to_vec();
        plans.apply(&staged(blobs, *file, now.get(file), &after, step.as_deref()), 2);
        now.insert(*file, after);
    }
    let (files, tree) = finish(plans.making().unwrap().1, blobs, "goal").unwrap();
    let whole: Vec<FileChange> = files.iter().map(to_wire).collect();
    let json = json!({"changeId": "c_1", "files": whole, "uncovered": [], "planId": "p_1"});
    plans.apply(&EventBody::read("change.staged", &json.to_string()).unwrap(), 3);
    plans.apply(&PlanReady { plan_id: "p_1".into(), rev: 1, tree, change_id: "c_1".into() }.into(), 4);
    (plans, now)
}

/// Applies some hunks of the plan to files nobody else edits, and tells the plan.
fn apply(blobs: &Memory, plans: &mut Plans, files: &mut Files, chosen: &BTreeMap<RelPath, BTreeSet<u32>>) {
    let plan = plans.get(&"p_1".into()).unwrap().clone();
    let mut written = Vec::new();
    for file in 0..3 {
        let Some(staged) = plan.files.iter().find(|staged| staged.path == path(file)) else { continue };
        let open: BTreeSet<u32> = chosen.get(&staged.path).into_iter().flatten().copied().collect();
        let open: BTreeSet<u32> = open.intersection(&staged.open()).copied().collect();
        if open.is_empty() {
            continue;
        }
        let bytes = files.get(&file);
        let found = bytes.map_or(Found::Absent, |bytes| Found::Contents(Digest::of(bytes)));
        let disk = OnDisk { found, bytes: bytes.cloned().unwrap_or_default(), mode: 0o644 };
        let fit = staged.fit(&open, &disk, blobs).unwrap();
        assert!(fit.clashes.is_empty() && !fit.has_moved && fit.there.is_empty());
        let (edit, bytes) = fit.edit.unwrap();
        files.insert(file, bytes.unwrap());
        written.push(edit.to_wire(&fit.hunks));
    }
    let json =
        json!({"changeId": "c_2", "checkpointId": "k_2", "files": written, "uncovered": [], "planId": "p_1"});
    let told = changed("p_1".into(), &plan, &hunks_of(&written));
    plans.apply(&EventBody::read("change.applied", &json.to_string()).unwrap(), 5);
    plans.apply(&told.into(), 6);
}

fn text() -> impl Strategy<Value = String> {
    let line = |line: &usize| ["a\n", "b\n", "c\r\n"][*line];
    let lines = prop::collection::vec(0_usize..3, 0..10);
    (lines, 0_usize..3)
        .prop_map(move |(lines, last)| lines.iter().map(line).chain([["", "a", "b"][last]]).collect())
}

fn edits() -> impl Strategy<Value = Vec<(usize, String, Option<String>)>> {
    prop::collection::vec((0..3_usize, text(), prop::option::of("[xy]")), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(slow(10_000, 30_000)))]

    #[test]
    fn planned_and_applied_is_written(
        start in prop::collection::btree_map(0..3_usize, text().prop_map(String::into_bytes), 0..3),
        edits in edits(),
        steps_first in any::<bool>(),
    ) {
        let blobs = Memory::default();
        let (mut plans, direct) = planned(&blobs, &start, &edits);
        let plan = plans.get(&"p_1".into()).unwrap().clone();
        let all: BTreeMap<RelPath, BTreeSet<u32>> =
            plan.files.iter().map(|file| (file.path.clone(), file.open())).collect();
        // Every hunk belongs to a step, and no step has another one.
        let mut owned: BTreeMap<RelPath, BTreeSet<u32>> = BTreeMap::new();
        for edit in plan.tree.iter().flat_map(|step| step.edits.iter().flatten()) {
            let path = RelPath::parse(edit.path.as_str()).unwrap();
            owned.entry(path).or_default().extend(edit.hunks.iter().flatten());
        }
        prop_assert_eq!(&owned, &all);
        let mut files = start.clone();
        if steps_first {
            for step in &plan.tree {
                let edits = step.edits.iter().flatten();
                let own = edits.map(|edit| {
                    let hunks = edit.hunks.iter().flatten().copied().collect();
                    (RelPath::parse(edit.path.as_str()).unwrap(), hunks)
                });
                apply(&blobs, &mut plans, &mut files, &own.collect());
            }
        } else {
            apply(&blobs, &mut plans, &mut files, &all);
        }
        let plan = plans.get(&"p_1".into()).unwrap();
        prop_assert!(!plan.is_open());
        prop_assert!(plan.tree.iter().all(|step| step.status == StepStatus::Done) || all.is_empty());
        prop_assert_eq!(files, direct);
    }
}
