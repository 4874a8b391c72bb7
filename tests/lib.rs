//! The workspace's integration tests are in `it/`; this library is empty.
