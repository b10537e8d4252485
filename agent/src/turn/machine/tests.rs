//! The machine's laws, told as short lives of turns.
use super::*;

fn call(n: u32) -> CallId {
    CallId::from(format!("x_{n}"))
}

fn proposed(n: u32, order: Order) -> Input {
    Input::Proposed { call: call(n), order }
}

/// Feeds inputs and returns every effect, in order.
fn check(machine: &mut Machine, inputs: impl IntoIterator<Item = Input>) -> Vec<Effect> {
    inputs.into_iter().flat_map(|input| machine.step(input)).collect()
}

#[test]
fn an_answer_without_calls_ends_the_turn() {
    let mut machine = Machine::new(5);
    assert_eq!(
        check(&mut machine, [Input::Begin, Input::AttemptOk { refused: false }]),
        [Effect::Dispatch { step: 1, attempt: 1 }, Effect::End(Ending::Done)]
    );
}

#[test]
fn a_steer_found_at_the_end_opens_another_step() {
    let mut machine = Machine::new(5);
    check(&mut machine, [Input::Begin, Input::AttemptOk { refused: false }]);
    assert_eq!(machine.step(Input::SteersPending), [Effect::Dispatch { step: 2, attempt: 1 }]);
}

#[test]
fn pure_calls_start_while_the_answer_streams_and_effects_wait_for_its_end() {
    let mut machine = Machine::new(5);
    machine.step(Input::Begin);
    assert_eq!(machine.step(proposed(1, Order::Parallel)), [Effect::Run(call(1))]);
    assert_eq!(machine.step(proposed(2, Order::InTurn)), []);
    assert_eq!(machine.step(proposed(3, Order::InTurn)), []);
    assert_eq!(machine.step(proposed(4, Order::Parallel)), [Effect::Run(call(4))]);
    assert_eq!(machine.step(Input::AttemptOk { refused: false }), [Effect::Run(call(2))]);
    assert_eq!(check(&mut machine, [Input::Settled(call(4)), Input::Settled(call(1))]), []);
    assert_eq!(machine.step(Input::Settled(call(2))), [Effect::Run(call(3))]);
    assert_eq!(machine.step(Input::Settled(call(3))), [Effect::Dispatch { step: 2, attempt: 1 }]);
}

#[test]
fn at_most_eight_pure_calls_run_at_once() {
    let mut machine = Machine::new(5);
    machine.step(Input::Begin);
    let started = check(&mut machine, (0..12).map(|n| proposed(n, Order::Parallel)));
    assert_eq!(started.len(), PURE_PARALLEL_MAX);
    assert_eq!(machine.step(Input::Settled(call(0))), [Effect::Run(call(8))]);
}

#[test]
fn the_sixty_fifth_call_is_refused() {
    let mut machine = Machine::new(5);
    machine.step(Input::Begin);
    let limit = u32::try_from(CALLS_PER_STEP_MAX).unwrap();
    check(&mut machine, (0..limit).map(|n| proposed(n, Order::InTurn)));
    assert_eq!(machine.step(proposed(limit, Order::InTurn)), [Effect::Refuse(call(limit))]);
}

#[test]
fn a_failed_try_withdraws_its_calls_and_is_tried_again() {
    let mut machine = Machine::new(5);
    check(&mut machine, [Input::Begin, proposed(1, Order::Parallel)]);
    let wait = Duration::from_millis(5);
    assert_eq!(
        machine.step(Input::AttemptFailed { wait: Some(wait) }),
        [Effect::Withdraw(vec![call(1)]), Effect::Wait(wait)]
    );
    assert_eq!(machine.step(Input::Waited), [Effect::Dispatch { step: 1, attempt: 2 }]);
    assert_eq!(machine.step(Input::AttemptFailed { wait: None }), [Effect::End(Ending::Failed)]);
}

#[test]
fn used_up_steps_are_asked_about_once_and_the_answer_decides() {
    let life = [
        Input::Begin,
        proposed(1, Order::InTurn),
        Input::AttemptOk { refused: false },
        Input::Settled(call(1)),
    ];
    let mut machine = Machine::new(1);
    assert_eq!(check(&mut machine, life.clone()).last(), Some(&Effect::AskLimit));
    assert_eq!(machine.step(Input::LimitAnswered { more: 1 }), [Effect::Dispatch { step: 2, attempt: 1 }]);
    let mut machine = Machine::new(1);
    check(&mut machine, life);
    assert_eq!(machine.step(Input::LimitAnswered { more: 0 }), [Effect::End(Ending::Limit)]);
}

#[test]
fn an_interrupt_ends_any_phase_and_nothing_follows_it() {
    let mut machine = Machine::new(5);
    check(&mut machine, [Input::Begin, proposed(1, Order::Parallel)]);
    assert_eq!(
        machine.step(Input::Interrupted),
        [Effect::Withdraw(vec![call(1)]), Effect::End(Ending::Interrupted)]
    );
    assert_eq!(check(&mut machine, [Input::AttemptOk { refused: false }, Input::Settled(call(1))]), []);
}

#[test]
fn a_resumed_turn_goes_on_where_the_log_ends() {
    let mut cut = Machine::resume(5, 2, 1, false, Vec::new());
    assert_eq!(cut.step(Input::Begin), [Effect::Dispatch { step: 2, attempt: 2 }]);
    let mut pending =
        Machine::resume(5, 2, 1, true, vec![(call(6), Order::InTurn, true), (call(7), Order::InTurn, false)]);
    assert_eq!(pending.step(Input::Begin), [Effect::Run(call(7))]);
    assert_eq!(pending.step(Input::Settled(call(7))), [Effect::Dispatch { step: 3, attempt: 1 }]);
    let mut settled = Machine::resume(5, 2, 1, true, vec![(call(7), Order::InTurn, true)]);
    assert_eq!(settled.step(Input::Begin), [Effect::Dispatch { step: 3, attempt: 1 }]);
}
