//! Ephemeral deltas. Not here: anything a client must not miss.

wire! {
    /// Some text of an item that is still growing. It has no seq, may be dropped, and is superseded by the durable event
    /// that closes the item.
    struct Delta {
        /// The item: a message or a call.
        d: String,
        /// The byte offset of `t` in the item's whole text.
        from: u64,
        /// The text.
        t: String,
    }
}
