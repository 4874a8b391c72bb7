//! Looking inside an emulator: what is stored, what was called, who read what,
//! CloudWatch's metrics, and expectations about them.
//!
//! None of this is a call of the service: it touches no limit, no ledger, no
//! metric and no fault.

mod deadline;
mod expectations;
mod journal;
mod ledger;
mod metrics;
mod record;
mod shard;
mod stream;
mod waiting;

pub use crate::service::recorder::journal::{Caller, JournaledCall, Outcome};
pub use crate::service::recorder::ledger::{Origin, Read, Reader};
pub use crate::service::recorder::metrics::{ShardMetric, Statistics, StreamMetric};
pub use expectations::{CallCount, Expectations, Unmet};
pub use journal::Journal;
pub use ledger::Ledger;
pub use metrics::{ConsumerMetrics, Metrics, ShardMetrics, StreamMetrics};
pub use record::Record;
pub use shard::{Consumer, Shard};
pub use stream::StreamView;

use crate::model::arn::{RealmId, ResourceAddress, StreamAddress};
use crate::model::names::StreamName;
use crate::service::Service;

/// Why there is nothing to see, and what to do about it.
const OFF: &str = "no journal, ledger or metrics are kept: start the emulator with \
                   `Builder::journal()`, or the binary with `--journal` (KINESIS_JOURNAL=true)";

/// Insists that calls are recorded.
#[track_caller]
fn require_recording(service: &Service) {
    assert!(service.recorder().is_on(), "{OFF}");
}

/// Which stream a name in the default account and Region, or an ARN, means.
#[track_caller]
fn realm_and_name(service: &Service, name_or_arn: &str) -> (RealmId, String) {
    // A colon is in every ARN and in no name.
    if !name_or_arn.contains(':') {
        let settings = service.settings();
        let realm =
            RealmId { account: settings.account_id.clone(), region: settings.region.clone() };
        return (realm, name_or_arn.to_owned());
    }
    match ResourceAddress::parse(name_or_arn) {
        Some(ResourceAddress::Stream(StreamAddress { realm, name })) => (realm, name.to_string()),
        Some(
            ResourceAddress::Channel(_) | ResourceAddress::Consumer(_) | ResourceAddress::Queue(_),
        )
        | None => {
            panic!("{name_or_arn} is neither a stream's name nor a stream's ARN")
        }
    }
}

/// The address of a stream, if its name can be one's.
#[track_caller]
fn address(service: &Service, name_or_arn: &str) -> Option<StreamAddress> {
    let (realm, name) = realm_and_name(service, name_or_arn);
    Some(StreamAddress { realm, name: StreamName::from_arn_resource(&name)? })
}

/// At most ten lines of many, indented, and how many more there are.
fn listed<T: std::fmt::Display>(lines: impl ExactSizeIterator<Item = T>, indent: &str) -> String {
    const LINES_MAX: usize = 10;
    let count = lines.len();
    let mut text: String = lines.take(LINES_MAX).map(|line| format!("\n{indent}{line}")).collect();
    if count > LINES_MAX {
        text += &format!("\n{indent}… and {} more", count - LINES_MAX);
    }
    text
}
