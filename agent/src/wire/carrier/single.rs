//! The one message of a POST and its answer. Not here: HTTP (`http`).
use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::wire::carrier::Carrier;
use crate::wire::codec::{Frame, Framing, FramingError};
use crate::wire::outbox::Outbox;

/// A connection with one message, which ends once that is answered.
#[derive(Debug)]
pub(crate) struct Single<'a> {
    message: Option<Bytes>,
    wants_answer: bool,
    answer: &'a mut Option<Bytes>,
}

impl<'a> Single<'a> {
    /// Brings `message`; its answer is put into `answer`. A notification gets none.
    pub(crate) fn new(message: Bytes, wants_answer: bool, answer: &'a mut Option<Bytes>) -> Self {
        Self { message: Some(message), wants_answer, answer }
    }
}

impl Carrier for Single<'_> {
    fn framing(&self) -> Framing {
        Framing::Frames
    }

    fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Frame, FramingError>>> {
        match self.message.take() {
            Some(message) => Poll::Ready(Some(Ok(Frame::Body(message)))),
            // Taking the answer makes the connection ask again: nobody has to be woken.
            None if self.wants_answer && self.answer.is_none() => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn poll_send(&mut self, outbox: &mut Outbox, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let message = outbox.pop_frame();
        if self.answer.is_none() {
            *self.answer = message;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
