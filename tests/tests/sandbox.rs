//! The sandbox, tried from inside: every case of the table at every level there is, as the user of the tests and, where that is
//! root, as an ordinary one. Level 1 is the control: there each of them has to be possible.
//!
//! The table of `docs/security-cases.md` is what the cases expect; `UPDATE_EXPECT=1` writes it.
mod caches;
mod cases;
mod limits;
mod matrix;
mod none;
mod projects;
mod reaching;
