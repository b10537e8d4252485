//! Numbers both sides agree on. Not here: negotiation (`handshake`).

/// The protocol's major version. Within it there are only additions.
pub const PROTOCOL: u32 = 1;

/// The largest message the agent accepts, in bytes.
pub const MESSAGE_IN_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The largest message the agent sends, in bytes; larger content goes by reference.
pub const MESSAGE_OUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of one event as JSON: what a message holds beside what stands around an event.
pub const EVENT_BYTES_MAX: usize = MESSAGE_OUT_BYTES_MAX - (64 << 10);

/// Bytes of a text, or of an image as base64, that stands in a content itself; larger ones stand there by reference.
pub const CONTENT_BYTES_MAX: usize = 1024 * 1024;

/// The largest block of LSP headers, in bytes.
pub const HEADER_BYTES_MAX: usize = 8 * 1024;

/// How deep JSON may nest.
pub const JSON_DEPTH_MAX: usize = 128;

/// Requests of one connection that may wait for their answer; beyond it the connection is not read.
pub const IN_FLIGHT_MAX: usize = 256;

/// Events of one page.
pub const PAGE_EVENTS_MAX: usize = 1_000;

/// Bytes of one page.
pub const PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Text carried inside an event or result, in bytes; beyond it stands a reference.
pub const INLINE_BYTES_MAX: usize = 65_536;

/// Messages that may wait in a session's queue.
pub const QUEUE_LEN_MAX: usize = 64;

/// Bytes of a session's snapshot.
pub const SNAPSHOT_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a message's input as JSON: what an event holds beside its other members, below [`MESSAGE_OUT_BYTES_MAX`].
pub const INPUT_BYTES_MAX: usize = 3 << 20;

/// Bytes of the messages that wait in one session together, as JSON.
pub const QUEUE_BYTES_MAX: usize = 16 << 20;

/// Bytes of a session's title.
pub const TITLE_BYTES_MAX: usize = 1 << 10;
