//! The one integration binary.
mod cli;
mod crash;
mod scenarios;
