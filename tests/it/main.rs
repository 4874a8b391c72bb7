//! Integration tests.
mod fan_out;
mod smithy;
mod tls;
