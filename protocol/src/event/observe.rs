//! `observe.*`: events of a subscription itself, without seq and epoch.
use std::collections::BTreeMap;

use crate::cursor::Cursor;
use crate::ids::SessionId;

wire! {
    /// The subscription begins.
    struct ObserveOpened {
        /// The first place that is kept.
        first: Cursor,
        /// The end of the log now.
        head: Cursor,
        /// The log's epoch.
        epoch: u64,
    }
    optional {
        /// With `tree`: behind which place in the log of each descendant its events follow.
        descendants: BTreeMap<SessionId, Cursor>,
    }
}

wire! {
    /// The history is delivered; what follows happens now.
    struct ObserveLive {}
}

wire! {
    /// How far a filtered subscription has read; after every 1,000 events.
    struct ObserveCursor {
        /// The place.
        cursor: Cursor,
    }
}

wire! {
    /// The subscription ended.
    struct ObserveClosed {
        /// Why.
        reason: String,
        /// Where to go on.
        cursor: Cursor,
    }
}
