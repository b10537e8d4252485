//! The laws of the messages that wait. Not here: what becomes of them in a session.
use proptest::prelude::*;
use tenon_protocol::event::prompt::PromptDelivered;
use tenon_protocol::prompt::Delivery;

use super::*;

/// What can happen to message number `n`.
#[derive(Clone, Debug)]
enum Step {
    Admit(u8, Admission),
    Deliver(u8),
    Withdraw(u8),
    Replace(u8),
    Steer(u8),
    Move(u8, u64),
}

fn id(number: u8) -> MessageId {
    MessageId::from(format!("m_{number}").as_str())
}

fn body(step: &Step) -> EventBody {
    let change = |number: u8, op, position, input| {
        PromptChanged { message_id: id(number), op, input, by: None, turn_id: None, position }.into()
    };
    match step {
        Step::Admit(number, outcome) => PromptAdmitted {
            plan_id: None,
            message_id: id(*number),
            input: vec![Content::text("first")],
            delivery: Delivery::Auto,
            outcome: *outcome,
            turn_id: None,
            position: None,
            by: None,
            key: None,
            context: None,
        }
        .into(),
        Step::Deliver(number) => PromptDelivered { message_id: id(*number) }.into(),
        Step::Withdraw(number) => change(*number, PendingOp::Withdraw, None, None),
        Step::Replace(number) => change(*number, PendingOp::Replace, None, Some(vec![Content::text("new")])),
        Step::Steer(number) => change(*number, PendingOp::Promote, None, None),
        Step::Move(number, place) => change(*number, PendingOp::Requeue, Some(*place), None),
    }
}

fn folded(steps: &[Step]) -> Waiting {
    let mut waiting = Waiting::default();
    for step in steps {
        waiting.apply(&body(step));
    }
    waiting
}

fn ids(list: &VecDeque<Pending>) -> Vec<MessageId> {
    list.iter().map(|pending| pending.id.clone()).collect()
}

/// Steps about messages that are each admitted once, in order of their numbers.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0_u8..7, any::<u8>(), 1_u64..6);
    proptest::collection::vec(step, 0..60).prop_map(|raw| {
        let mut admitted = 0_u8;
        let mut step = |(kind, which, place): (u8, u8, u64)| {
            let number = which % admitted.max(1);
            match kind {
                0 | 1 => {
                    let outcome = if kind == 0 { Admission::Steered } else { Admission::Queued };
                    admitted += 1;
                    Step::Admit(admitted - 1, outcome)
                }
                2 => Step::Deliver(number),
                3 => Step::Withdraw(number),
                4 => Step::Replace(number),
                5 => Step::Steer(number),
                _ => Step::Move(number, place),
            }
        };
        raw.into_iter().map(&mut step).collect()
    })
}

proptest! {
    /// A message waits once, from its admission until it is delivered or withdrawn, whatever else happens to it.
    #[test]
    fn a_message_waits_once_until_it_goes(steps in steps()) {
        let waiting = folded(&steps);
        let mut all = ids(waiting.steers());
        all.extend(ids(waiting.queue()));
        all.sort();
        let mut expected: Vec<MessageId> = Vec::new();
        for step in &steps {
            match step {
                Step::Admit(number, _) => expected.push(id(*number)),
                Step::Deliver(number) | Step::Withdraw(number) => expected.retain(|known| *known != id(*number)),
                Step::Replace(_) | Step::Steer(_) | Step::Move(..) => {}
            }
        }
        expected.sort();
        prop_assert_eq!(all, expected);
        prop_assert_eq!(waiting.len(), waiting.steers().len() + waiting.queue().len());
    }

    /// Without moves both lists are in the order of admission.
    #[test]
    fn who_came_first_goes_first(steps in steps()) {
        let steps: Vec<Step> =
            steps.into_iter().filter(|step| !matches!(step, Step::Steer(_) | Step::Move(..))).collect();
        let order = |list: &VecDeque<Pending>| -> Vec<usize> {
            let place = |pending: &Pending| {
                steps.iter().position(|step| matches!(step, Step::Admit(number, _) if id(*number) == pending.id))
            };
            list.iter().filter_map(place).collect()
        };
        let waiting = folded(&steps);
        prop_assert!(order(waiting.steers()).is_sorted());
        prop_assert!(order(waiting.queue()).is_sorted());
    }
}

#[test]
fn steers_that_came_too_late_go_first_in_their_order() {
    let admit = |number, outcome| Step::Admit(number, outcome);
    let waiting = folded(&[
        admit(0, Admission::Queued),
        admit(1, Admission::Steered),
        admit(2, Admission::Steered),
        Step::Move(1, 1),
        Step::Move(2, 2),
    ]);
    assert_eq!(ids(waiting.queue()), [id(1), id(2), id(0)]);
}

#[test]
fn a_replaced_message_keeps_its_place() {
    let waiting =
        folded(&[Step::Admit(0, Admission::Queued), Step::Admit(1, Admission::Queued), Step::Replace(0)]);
    assert_eq!(ids(waiting.queue()), [id(0), id(1)]);
    assert_eq!(waiting.queue()[0].input, [Content::text("new")]);
}
