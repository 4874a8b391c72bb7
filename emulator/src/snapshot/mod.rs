//! Snapshots: a whole emulator at one moment, as a value and as a file.
//!
//! # The file
//! One JSON object per line (UTF-8, each line ended by a line feed), so that
//! standard tools can look inside:
//!
//! 1. The header: `format` is `kinesis-emulator-snapshot`, `version` is 1.
//!    Then when it was taken, and how far ids and request ids had been drawn.
//! 2. Per realm one `realm`; then, for each of its streams in the order of
//!    names, one `stream`, and for each of its shards one `shard` followed by
//!    its `record`s, oldest first; then the realm's `change`s that are under way.
//! 3. The `end`: how many of each there are, and the CRC-32 (as in gzip) of all
//!    bytes before this line.
//!
//! Times are milliseconds since the Unix epoch unless the name says seconds;
//! data is base64; hash keys are decimals in quotes. A record's index is its
//! place: `first_index` of its shard, and counting. What a queue knows of a
//! record names its shard and index. A reader takes versions up
//! to its own, and no member that it does not know.

mod error;
mod file;
pub(crate) mod read;
pub(crate) mod rows;
pub(crate) mod to_come;
pub(crate) mod write;

use std::fmt;

use crate::engine::entropy::Drawn;
use crate::engine::frozen::Frozen;
use crate::model::timestamp::Timestamp;

pub use error::{SnapshotError, SnapshotErrorKind};

/// A whole emulator at one moment: streams, records, consumers, queues and what
/// they have handed out, changes that are under way, ids that are still to be
/// drawn.
///
/// A value: it never changes, clones share it, and any number of emulators can
/// be built from it, each with a life of its own. Records are shared, not
/// copied. Open subscriptions are not part of it.
#[derive(Clone)]
pub struct Snapshot {
    frozen: Frozen,
    request_ids: Drawn,
}

impl Snapshot {
    pub(crate) fn new(frozen: Frozen, request_ids: Drawn) -> Self {
        Self { frozen, request_ids }
    }

    /// When it was taken, by the emulator's clock.
    pub fn taken(&self) -> Timestamp {
        self.frozen.taken()
    }

    pub(crate) fn frozen(&self) -> &Frozen {
        &self.frozen
    }

    pub(crate) fn request_ids(&self) -> Drawn {
        self.request_ids
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("taken", &self.taken()).finish_non_exhaustive()
    }
}
