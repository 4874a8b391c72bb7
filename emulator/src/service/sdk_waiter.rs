//! Waiters of AWS SDKs: they ask for a state, and where it has not come yet they
//! ask again ten seconds later, for a change that is over in a fraction of one.
//!
//! Their question is therefore answered when whatever has begun is over (ours:
//! AWS answers at once). SDKs mark it: their user agent has a word `m/…` of
//! features by letter, and `B` is the waiter.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{HeaderMap, USER_AGENT};

use crate::model::timestamp::Timestamp;

use super::Service;
use super::envelope::TARGET;

/// A change that takes longer is one that somebody wants to see.
const HELD_MAX: Duration = Duration::from_secs(1);
/// Waiters ask by describing.
const ASKING: &[u8] = b"Kinesis_20131202.Describe";

impl Service {
    /// When to answer the question of a waiter, if it is one and something is
    /// about to happen.
    pub(super) fn waiters_time(&self, request: &Request<Bytes>) -> Option<Timestamp> {
        let lasting = self.settings().state_delay;
        if lasting.is_zero()
            || lasting > HELD_MAX
            || !is_waiter(request.headers())
            || !self.clock().moves_by_itself()
        {
            return None;
        }
        let now = self.clock().now();
        let over = now.plus(lasting);
        (self.engine.next_deadline(now) <= over).then_some(over)
    }
}

fn is_waiter(headers: &HeaderMap) -> bool {
    let asks = headers.get(TARGET).is_some_and(|name| name.as_bytes().starts_with(ASKING));
    asks && headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).is_some_and(has_mark)
}

fn has_mark(user_agent: &str) -> bool {
    let features = user_agent.split(' ').filter_map(|word| word.strip_prefix("m/"));
    features.flat_map(|letters| letters.split(',')).any(|letter| letter == "B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_are_told_by_their_mark() {
        for (agent, expected) in [
            ("Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 m/e,Z,B,N cfg/retry-mode#standard", true),
            ("aws-sdk-rust/1.3.15 ua/2.1 api/kinesis/1.130.0 m/B", true),
            ("Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 m/e,Z,N,b,BB", false),
            ("B m B/", false),
            ("", false),
        ] {
            assert_eq!(has_mark(agent), expected, "{agent}");
        }
    }
}
