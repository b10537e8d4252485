//! The one integration binary.
#[cfg(test)]
mod cli;
#[cfg(test)]
mod client;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod edges;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod large;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod nvim;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod races;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod scenarios;
mod spec;
#[cfg(test)]
mod words;
