//! Tests of the journal against real files.
