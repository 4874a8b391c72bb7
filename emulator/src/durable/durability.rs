//! How safe what was written is when it is answered, and why nothing can be written.

use std::fmt;
use std::io;
use std::str::FromStr;

use super::commit_log::PENDING_BYTES_MAX;

/// What an answer promises about what was written before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// It is synced to the disk: it survives a power failure.
    #[default]
    EveryWrite,
    /// The operating system has it, and syncs it within about a second: it
    /// survives the end of this process, and a power failure loses what was
    /// written in the last second or so.
    EverySecond,
    /// The operating system has it: it survives the end of this process, and a
    /// power failure loses what the operating system had not written yet.
    Os,
}

impl Durability {
    const ALL: [(Self, &str); 3] =
        [(Self::EveryWrite, "every-write"), (Self::EverySecond, "every-second"), (Self::Os, "os")];
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(durability, _)| durability == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.iter().find(|(_, name)| *name == text);
        named.map(|(durability, _)| *durability).ok_or_else(|| {
            format!("{text:?} is not a durability: write every-write, every-second or os")
        })
    }
}

/// A place in all that was pushed, in bytes since the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Lsn(pub(super) u64);

impl Lsn {
    /// How many bytes were pushed before it.
    pub(crate) fn bytes(self) -> u64 {
        self.0
    }
}

/// Why nothing can be written just now. It ends by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The disk is full.
    NoRoom(String),
    /// The file system has refused for another reason.
    Failed(String),
    /// More is waiting to be written than may be kept in memory.
    TooMuchPending,
    /// The log is closed.
    Closed,
}

impl Refusal {
    pub(super) fn new(error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::NoRoom(error.to_string()),
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom(error) => write!(
                f,
                "the data directory has no room left ({error}); reads go on, and writes do as soon \
                 as there is room"
            ),
            Self::Failed(error) => write!(
                f,
                "the data directory cannot be written ({error}); reads go on, and writes do as \
                 soon as it can be"
            ),
            Self::TooMuchPending => write!(
                f,
                "the data directory's disk is too slow: {} MiB wait to be written; try again later",
                PENDING_BYTES_MAX / (1024 * 1024)
            ),
            Self::Closed => f.write_str("the emulator is shutting down"),
        }
    }
}
