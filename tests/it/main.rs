//! Integration tests.
mod smithy;
