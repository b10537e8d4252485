//! Ephemeral deltas. Not here: anything a client must not miss.

wire! {
    /// Some text of an item that is still growing. It has no seq, may be dropped, and is superseded by the durable event
    /// that closes the item.
    struct Delta {
        /// The item: a message, a call or a job.
        d: String,
        /// The byte offset of `t` in the item's whole text or output.
        from: u64,
        /// The text; of a job the bytes, in base64.
        t: String,
    }
}
