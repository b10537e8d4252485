//! Models, limits and prices.
//!
//! Not here: how a model is spoken to (`providers`).
//!
//! Imports: config, base
