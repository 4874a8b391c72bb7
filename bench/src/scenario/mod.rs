//! Measurements. So far one: put a thousand records, read them with four tasks.
//!
//! [`thousand_four`] is the story; [`stream`], [`produce`] and [`consume`] are
//! its chapters, so that the next scenario can be told from the same parts.

pub mod consume;
pub mod produce;
pub mod stream;
pub mod thousand_four;

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
