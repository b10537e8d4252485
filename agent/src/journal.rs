//! The only writer of durable state: writer, reader pool, ring, schema, migrations, blobs, chains.
//!
//! Not here: what events mean (`projections`).
//!
//! Imports: base, protocol
