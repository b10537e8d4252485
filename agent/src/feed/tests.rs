//! Tests of subscriptions against a real journal.
