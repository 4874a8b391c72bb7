//! The `kinesis-emulator` binary, as a shell or a supervisor sees it.
//!
//! * `starting`: what it says and what is there when it is ready.
//! * `arguments`: flags, their environment variables, and the files that they name.
//! * `exec`: commands that have an emulator of their own.
//! * `ending`: by which signals, with which code, and after whose calls.
//! * `connections`: many of them at a time.
//! * `running`: what the tests share.

#![cfg(all(unix, feature = "server"))]

mod arguments;
mod connections;
mod ending;
mod exec;
mod running;
mod starting;
