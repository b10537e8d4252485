//! How much a tool may take in and give out, each limit with its reason. Not here: limits of one file or one search
//! (`workspace`).
use std::time::Duration;

/// The most lines of an answer. Beyond this a model reads worse, not better.
pub(super) const OUTPUT_LINES_MAX: usize = 2_000;

/// The most bytes of an answer: some 12,000 tokens, which a dozen of still leave room in every context window.
pub(super) const OUTPUT_BYTES_MAX: usize = 50 << 10;

/// The most bytes of an output that are kept whole to be paged: a verbose build, and what one blob may weigh.
pub(super) const KEPT_BYTES_MAX: usize = 8 << 20;

/// The most bytes of a running command's output that are shown as they come. What is beyond no person reads along.
pub(super) const PROGRESS_BYTES_MAX: usize = 1 << 20;

/// The largest image, in bytes: in base64 it stays under the 5 MB that providers take.
pub(super) const IMAGE_BYTES_MAX: usize = 3 << 20;

/// The most bytes of a difference in a failure: enough for a few edits; a larger one is better read as a file.
pub(super) const DIFFERENCE_BYTES_MAX: usize = 4 << 10;

/// The most bytes of a patch a person is shown in a question: what is longer nobody reads, and an event has to carry it.
pub(super) const PATCH_BYTES_MAX: usize = 256 << 10;

/// The most lines around an edit that the model is shown to check itself.
pub(super) const EXCERPT_LINES_MAX: usize = 12;

/// The most bytes of file contents that are remembered to tell later what changed.
pub(super) const REMEMBERED_BYTES_MAX: usize = 16 << 20;

/// How long a search or a listing may take: what it has found by then is better than a model that waits.
pub(super) const SEARCH_TIMEOUT: Duration = Duration::from_secs(10);

/// How long names are compared to find what somebody may have meant.
pub(super) const HINT_TIMEOUT: Duration = Duration::from_secs(1);

/// The most matching lines of one search: more says that the pattern is too wide.
pub(super) const MATCHES_MAX: usize = 300;

/// The most lines of context on either side of a match.
pub(super) const CONTEXT_LINES_MAX: usize = 20;

/// The most entries of one listing.
pub(super) const ENTRIES_MAX: usize = 500;

/// The deepest listing.
pub(super) const DEPTH_MAX: usize = 16;

/// How deep a listing goes when the call does not say: the folder, and one look into its folders.
pub(super) const DEPTH_DEFAULT: usize = 2;

/// The longest a command may run: what takes longer is no step of a conversation.
pub(super) const COMMAND_TIMEOUT_MAX: Duration = Duration::from_mins(10);

/// How long a page may take, redirects included: who waits longer reads something else.
pub(super) const FETCH_TIMEOUT: Duration = Duration::from_mins(1);

/// The most bytes of a page that are read: what is beyond no model reads.
pub(super) const FETCH_BYTES_MAX: usize = 4 << 20;

/// The most redirects that are followed; browsers take some twenty, honest pages one or two.
pub(super) const REDIRECTS_MAX: usize = 5;

/// The longest command, in bytes: far below what the kernel takes as one argument (128 KiB).
pub(super) const COMMAND_BYTES_MAX: usize = 64 << 10;

/// The longest title of a call, in characters: one line of a wide terminal.
pub(super) const TITLE_CHARS_MAX: usize = 120;

/// The most steps of a plan: what no person would read is no plan.
pub(super) const STEPS_MAX: usize = 100;

/// The longest title of a step, in characters.
pub(super) const STEP_CHARS_MAX: usize = 300;

/// Bytes of the files that all steps of a plan name together.
pub(super) const STEP_FILES_BYTES_MAX: usize = 128 << 10;
