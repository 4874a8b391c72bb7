//! What survives the process: a directory of files to which every change is
//! appended before it is answered.
//!
//! The bytes ([`commit_log`], [`recovery`], [`checkpoint`]) know nothing of
//! streams: an *entry* is any bytes, and what was pushed comes back in order.
//! What they mean is said by [`entry`], written by [`store`] and read by
//! [`replay`]. A state that takes the place of another is [`restoring`]'s.
//!
//! # The directory
//! `LOCK` is held by the process that uses it. `log-N`, N rising, have what was
//! appended. `checkpoint-N` is a whole state: it has all that was appended
//! before `log-N`, so that older files can go. What ends in `.part` was never
//! finished and is removed.
//!
//! # A file
//! A header ([`batch::FileHeader`]), then *batches* ([`batch`]): what one write
//! of the log took along, with a checksum. A batch comes back whole or not at
//! all. A log's header says where the log before it ends, so a log is never
//! shortened and never written to again once a write or a sync of it has failed.

mod batch;
pub(crate) mod checkpoint;
pub(crate) mod commit_log;
pub(crate) mod durability;
mod entry;
pub(crate) mod error;
#[cfg(test)]
pub(crate) mod faulty_files;
pub(crate) mod files;
pub(crate) mod recovery;
pub(crate) mod replay;
mod restoring;
pub(crate) mod store;
mod successor;
#[cfg(test)]
mod tests;
pub(crate) mod waiting;
mod writer;

pub use durability::Durability;
pub use error::{DataDirError, DataDirErrorKind};
