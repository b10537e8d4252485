//! Who drives the writer: a thread, or a simulation that decides when it steps. Not here: what a step does (`writer`).
use std::fmt;
use std::io;
use std::ops::ControlFlow;

/// Something that is driven step by step until it is done.
pub(in crate::journal) trait Work: Send {
    /// Does the next piece; blocks while there is none.
    fn step(&mut self) -> ControlFlow<()>;
}

/// Drives work.
pub(in crate::journal) trait Executor: fmt::Debug {
    /// Takes the work over and returns at once.
    fn start(&self, name: &'static str, work: Box<dyn Work>) -> io::Result<()>;
}

/// The stack of the journal's threads. The database needs less than a tenth of it.
const STACK_BYTES: usize = 512 << 10;

/// Gives each work a thread of its own.
#[derive(Clone, Copy, Debug)]
pub(in crate::journal) struct Threads;

impl Executor for Threads {
    fn start(&self, name: &'static str, mut work: Box<dyn Work>) -> io::Result<()> {
        let run = move || while work.step().is_continue() {};
        std::thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(run).map(drop)
    }
}
