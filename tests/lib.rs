//! The workspace's integration tests are in `it/`. This library has nothing but the
//! Rust in the pages, as doc tests.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../docs/rust.md")]
mod rust_guide {}
