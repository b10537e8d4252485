//! `agent/fetch`. Not here: what is referred to.

wire! {
    /// Bytes of a content, counted from 0.
    #[derive(Copy, Eq)]
    struct FetchRange {
        /// The first byte.
        start: u64,
    }
    optional {
        /// The byte behind the last one; the end of the content if absent.
        end: u64,
    }
}

wire! {
    /// Reads a content by its reference, in pages.
    struct FetchParams {
        /// A `ref` of some event, result or content.
        #[serde(rename = "ref")]
        reference: String,
    }
    optional {
        /// Only these bytes; the beginning if absent.
        range: FetchRange,
    }
}

wire! {
    /// A page of a content, at most 512 KiB: `text` if the whole content is UTF-8, else `base64`.
    struct FetchResult {
        /// What the content is: `text/plain`, an image's type, or `application/octet-stream`.
        mime: String,
        /// How many bytes the whole content has.
        bytes: u64,
        /// The place of the page's first byte. A text begins with a whole character: with the one that the place asked for
        /// lies in.
        start: u64,
    }
    optional {
        /// The page, of whole characters.
        text: String,
        /// The page, in base64.
        base64: String,
        /// Where the next page starts, if the content, or the range asked for, goes on.
        next: u64,
    }
}
