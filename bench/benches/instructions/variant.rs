//! What is switched on in an emulator that is counted.

use std::time::Duration;

use clap::ValueEnum;
use http::StatusCode;
use kinesis_emulator::{ErrorKind, Latency, Limits, Operation};

use crate::puts;

/// How many puts are made in the shorter run: a few of the log's segments are
/// filled, so that what is paid once per segment is in the count.
pub(crate) const PUTS: u64 = 2_000;

/// Something that can be switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Variant {
    Off,
    Limits,
    FaultElsewhere,
    FaultOfAnotherStream,
    FaultToCome,
    FaultFires,
    Latency,
    Journal,
    All,
}

impl Variant {
    /// The name as it is given on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().expect("no variant is left out").get_name().to_owned()
    }

    /// What the table says.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Limits => "limits of AWS, nothing throttled",
            Self::FaultElsewhere => "a fault rule for another operation",
            Self::FaultOfAnotherStream => "a fault rule for another stream",
            Self::FaultToCome => "a fault rule for this stream, not due yet",
            Self::FaultFires => "a fault rule that fires after the put",
            Self::Latency => "a fixed latency, not waited for",
            Self::Journal => "a journal",
            Self::All => "limits, a rule for another stream, latency, journal",
        }
    }

    /// Makes the calls.
    pub(crate) fn put(self, puts: u64) {
        let mut builder = puts::builder();
        if matches!(self, Self::Limits | Self::All) {
            builder = builder.limits(Limits::aws());
        }
        if matches!(self, Self::Latency | Self::All) {
            builder = builder.latency(Latency::fixed(Duration::from_millis(15)));
        }
        if matches!(self, Self::Journal | Self::All) {
            builder = builder.journal();
        }
        let emulator = builder.in_process();
        puts::create_stream(&emulator);
        let on = |operation| emulator.faults().on(operation);
        let mut expected = StatusCode::OK;
        let _rule = match self {
            Self::Off | Self::Limits | Self::Latency | Self::Journal => None,
            Self::FaultElsewhere => Some(on(Operation::GetRecords).internal_failure()),
            Self::FaultOfAnotherStream | Self::All => {
                Some(on(Operation::PutRecord).stream("invoices").internal_failure())
            }
            Self::FaultToCome => {
                let rule = on(Operation::PutRecord).stream(puts::STREAM);
                Some(rule.reject(ErrorKind::ProvisionedThroughputExceeded).after(u64::MAX))
            }
            Self::FaultFires => {
                // In process there is no connection to drop.
                expected = StatusCode::BAD_GATEWAY;
                let rule = on(Operation::PutRecord).stream(puts::STREAM);
                Some(rule.drop_connection_after_commit())
            }
        };
        puts::put(&emulator, puts, expected);
    }
}
