//! The turn machine: what a turn does next, decided without clock, randomness, I/O or await. Not here: performing it.
//!
//! A turn is a row of steps. A step is one provider request, tried until it works or the budget is spent, and the settlement
//! of every call it produced. The machine is told what happened and answers what to do; the runner performs that and tells
//! the outcome. A recovered turn enters through [`Machine::resume`] and goes on as if it had never stopped.
//!
//! Order of calls: pure calls run as soon as they are complete, at most eight at once; calls with effects wait until the
//! answer is whole and then run one at a time, in the order the model made them.
use std::time::Duration;

use tenon_protocol::ids::CallId;

/// Pure calls that may run at once. More would only queue for the same disk.
pub(crate) const PURE_PARALLEL_MAX: usize = 8;

/// Calls of one step; the rest is refused. No useful answer has more, and a broken model may have thousands.
pub(crate) const CALLS_PER_STEP_MAX: usize = 64;

/// What may happen to a call, as far as order is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// It only reads: at once, beside others.
    Parallel,
    /// It has effects: alone, in its place.
    InTurn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CallState {
    Waiting,
    Running,
    Settled,
}

#[derive(Clone, Debug)]
struct Slot {
    id: CallId,
    order: Order,
    state: CallState,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    /// The turn begins, or goes on after a restart.
    Begin,
    /// The model completed a call; it is recorded durably.
    Proposed {
        /// The call.
        call: CallId,
        /// When it may run.
        order: Order,
    },
    /// The answer is whole.
    AttemptOk {
        /// Whether the model refused to answer.
        refused: bool,
    },
    /// The try failed. `wait` is how long until the next one; `None` when there is none.
    AttemptFailed {
        /// How long to wait, if there is another try.
        wait: Option<Duration>,
    },
    /// The wait is over.
    Waited,
    /// A call is settled durably.
    Settled(CallId),
    /// A person let the turn go on for so many steps more, or ended it.
    LimitAnswered {
        /// How many; 0 ends the turn.
        more: u32,
    },
    /// At the end of the turn a message was found that wants to join it.
    SteersPending,
    /// Somebody interrupted, or the turn's time or money is spent.
    Interrupted,
}

/// What to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Take in steers, build the request from the log and send it.
    Dispatch {
        /// The step, from 1.
        step: u32,
        /// The try, from 1.
        attempt: u32,
    },
    /// Prepare, decide, ask if need be, run and settle a call.
    Run(CallId),
    /// Settle a call as refused: the step has too many.
    Refuse(CallId),
    /// Drop these running calls and settle them as interrupted: the answer they belong to failed.
    Withdraw(Vec<CallId>),
    /// Wait, then try again.
    Wait(Duration),
    /// Ask whether to go on beyond the step limit.
    AskLimit,
    /// End the turn.
    End(Ending),
}

/// How a turn ends, as far as the machine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The model had no more to say.
    Done,
    /// The model refused.
    Refused,
    /// The last try failed.
    Failed,
    /// The steps are used up and nobody let it go on.
    Limit,
    /// It was interrupted; running calls are settled by then.
    Interrupted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Streaming,
    Backoff,
    Settling,
    AskingLimit,
    Ended,
}

/// A turn's place in its own life.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    steps_max: u32,
    step: u32,
    attempt: u32,
    phase: Phase,
    calls: Vec<Slot>,
}

impl Machine {
    /// Makes a turn that has not begun. `steps_max` is at least 1.
    pub(crate) fn new(steps_max: u32) -> Self {
        Self { steps_max: steps_max.max(1), step: 0, attempt: 0, phase: Phase::New, calls: Vec::new() }
    }

    /// Makes a turn that goes on after a restart: `step` and `attempt` as they were counted in the log, `whole` if the
    /// step's answer was, with its calls in order and whether each is settled.
    pub(crate) fn resume(
        steps_max: u32,
        step: u32,
        attempt: u32,
        whole: bool,
        calls: Vec<(CallId, Order, bool)>,
    ) -> Self {
        let slot = |(id, order, settled)| {
            let state = if settled { CallState::Settled } else { CallState::Waiting };
            Slot { id, order, state }
        };
        let phase = if whole { Phase::Settling } else { Phase::New };
        let calls = if whole { calls.into_iter().map(slot).collect() } else { Vec::new() };
        Self { steps_max: steps_max.max(1), step, attempt, phase, calls }
    }

    /// Takes in what happened and returns what to do, in order. What does not fit the phase any more changes nothing.
    pub(crate) fn step(&mut self, input: Input) -> Vec<Effect> {
        match (self.phase, input) {
            (Phase::Ended, _) => Vec::new(),
            (_, Input::Interrupted) => self.interrupt(),
            (Phase::New, Input::Begin) => self.begin(),
            (Phase::Settling, Input::Begin) => self.settle(),
            (Phase::Streaming, Input::Proposed { call, order }) => self.propose(call, order),
            (Phase::Streaming, Input::AttemptOk { refused }) => self.answered(refused),
            (Phase::Streaming, Input::AttemptFailed { wait }) => self.failed(wait),
            (Phase::Backoff, Input::Waited) => self.dispatch(),
            (_, Input::Settled(call)) => self.settled(&call),
            (Phase::AskingLimit, Input::LimitAnswered { more }) => self.limit(more),
            (Phase::Settling, Input::SteersPending) => self.advance(),
            (
                _,
                Input::Begin
                | Input::Proposed { .. }
                | Input::AttemptOk { .. }
                | Input::AttemptFailed { .. }
                | Input::Waited
                | Input::LimitAnswered { .. }
                | Input::SteersPending,
            ) => Vec::new(),
        }
    }

    fn begin(&mut self) -> Vec<Effect> {
        if self.step == 0 { self.advance() } else { self.dispatch() }
    }

    /// Enters the next step, or asks when they are used up.
    fn advance(&mut self) -> Vec<Effect> {
        if self.step >= self.steps_max {
            self.phase = Phase::AskingLimit;
            return vec![Effect::AskLimit];
        }
        self.step += 1;
        self.attempt = 0;
        self.dispatch()
    }

    fn dispatch(&mut self) -> Vec<Effect> {
        self.phase = Phase::Streaming;
        self.attempt += 1;
        self.calls.clear();
        vec![Effect::Dispatch { step: self.step, attempt: self.attempt }]
    }

    fn propose(&mut self, call: CallId, order: Order) -> Vec<Effect> {
        if self.calls.len() >= CALLS_PER_STEP_MAX {
            self.calls.push(Slot { id: call.clone(), order, state: CallState::Running });
            return vec![Effect::Refuse(call)];
        }
        self.calls.push(Slot { id: call, order, state: CallState::Waiting });
        self.start_calls()
    }

    fn answered(&mut self, refused: bool) -> Vec<Effect> {
        self.phase = Phase::Settling;
        if refused && self.calls.is_empty() {
            return self.end(Ending::Refused);
        }
        self.settle()
    }

    fn failed(&mut self, wait: Option<Duration>) -> Vec<Effect> {
        let running: Vec<CallId> = self
            .calls
            .iter()
            .filter(|slot| slot.state != CallState::Settled)
            .map(|slot| slot.id.clone())
            .collect();
        self.calls.clear();
        let mut effects = if running.is_empty() { Vec::new() } else { vec![Effect::Withdraw(running)] };
        match wait {
            Some(wait) => {
                self.phase = Phase::Backoff;
                effects.push(Effect::Wait(wait));
            }
            None => effects.extend(self.end(Ending::Failed)),
        }
        effects
    }

    fn settled(&mut self, call: &CallId) -> Vec<Effect> {
        let Some(slot) = self.calls.iter_mut().find(|slot| slot.id == *call) else { return Vec::new() };
        slot.state = CallState::Settled;
        if self.phase == Phase::Settling { self.settle() } else { self.start_calls() }
    }

    /// Starts what may start; goes on when all are settled.
    fn settle(&mut self) -> Vec<Effect> {
        if self.calls.iter().any(|slot| slot.state != CallState::Settled) {
            return self.start_calls();
        }
        if self.calls.is_empty() {
            // The phase stays: a steer may be found when the end is committed.
            return vec![Effect::End(Ending::Done)];
        }
        self.calls.clear();
        self.advance()
    }

    /// Starts waiting calls as far as their order allows.
    fn start_calls(&mut self) -> Vec<Effect> {
        let whole = self.phase == Phase::Settling;
        let mut effects = Vec::new();
        let mut parallel = self.running(Order::Parallel);
        let mut turn_taken = self.running(Order::InTurn) > 0;
        for slot in &mut self.calls {
            if slot.state != CallState::Waiting {
                continue;
            }
            let may_run = match slot.order {
                Order::Parallel => parallel < PURE_PARALLEL_MAX,
                Order::InTurn => whole && !turn_taken,
            };
            match slot.order {
                Order::Parallel => parallel += usize::from(may_run),
                // Whatever its state, it holds its place: the calls behind it with effects wait.
                Order::InTurn => turn_taken = true,
            }
            if may_run {
                slot.state = CallState::Running;
                effects.push(Effect::Run(slot.id.clone()));
            }
        }
        effects
    }

    fn running(&self, order: Order) -> usize {
        self.calls.iter().filter(|slot| slot.order == order && slot.state == CallState::Running).count()
    }

    fn limit(&mut self, more: u32) -> Vec<Effect> {
        if more == 0 {
            return self.end(Ending::Limit);
        }
        self.steps_max = self.steps_max.saturating_add(more);
        self.advance()
    }

    fn interrupt(&mut self) -> Vec<Effect> {
        let open: Vec<CallId> = self
            .calls
            .iter()
            .filter(|slot| slot.state != CallState::Settled)
            .map(|slot| slot.id.clone())
            .collect();
        let mut effects = if open.is_empty() { Vec::new() } else { vec![Effect::Withdraw(open)] };
        effects.extend(self.end(Ending::Interrupted));
        effects
    }

    fn end(&mut self, ending: Ending) -> Vec<Effect> {
        self.phase = Phase::Ended;
        vec![Effect::End(ending)]
    }
}

#[cfg(test)]
mod tests;
