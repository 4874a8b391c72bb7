//! Measurements.
//!
//! [`thousand_four`] is the default and tells its own story, of which [`stream`],
//! [`produce`] and [`consume`] are the chapters. All others are data in the
//! [`catalogue`], one file each, and [`play`] plays any of them: [`producers`] put,
//! [`readers`] read, and the marks they leave are judged.

pub mod aggregated;
pub mod catalogue;
pub mod consume;
pub mod drain;
pub mod end_to_end;
pub mod fan_out;
pub mod hot_key;
pub mod large_records;
pub mod merged;
pub mod mixed;
pub mod play;
pub mod produce;
pub mod producers;
pub mod put;
pub mod put_batch;
pub mod readers;
pub mod resharding;
pub mod steady;
pub mod stream;
pub mod thousand_four;
pub mod work;

use std::sync::Arc;

use aws_sdk_kinesis::Client;

use crate::cli::Settings;
use crate::load::keys::KeyPlan;
use crate::report::progress::Progress;

/// What every task of a run shares; a clone is cheap.
#[derive(Debug, Clone)]
pub struct Session {
    /// Calls the target, and counts.
    pub client: Client,
    /// What to do.
    pub settings: Arc<Settings>,
    /// The key of each record.
    pub plan: Arc<KeyPlan>,
    /// Where to show how far it is.
    pub progress: Progress,
}
