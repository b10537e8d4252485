//! What every module may use: clock, ids, digests, tasks, secrets, how a message mentions a file.
//!
//! Not here: anything that knows a session, an event or a file of the product.
//!
//! Imports: protocol (ids)
pub(crate) mod base64;
pub(crate) mod causes;
pub(crate) mod clock;
pub(crate) mod deceptive;
pub(crate) mod digest;
pub(crate) mod ids;
pub(crate) mod mention;
pub(crate) mod secret;
pub(crate) mod task;
pub(crate) mod uri;
