//! What survives the process.

mod directory;
mod restarts;
