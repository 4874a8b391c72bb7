//! Settings of a whole account: the commitment to a minimum throughput.

use std::time::Duration;

use crate::model::status::CommitmentStatus;
use crate::model::timestamp::Timestamp;

/// How long a commitment lasts at least (API reference, UpdateAccountSettings).
const COMMITMENT_MIN: Duration = Duration::from_secs(24 * 60 * 60);

/// The commitment to a minimum throughput (On-demand Advantage).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Commitment {
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<Timestamp>,
    /// Set while the commitment is to end as soon as it may.
    pub(crate) ends_early: bool,
}

impl Commitment {
    /// Brings the commitment to `now`: one that was to end has ended.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        if let Some(end) = self.earliest_end().filter(|end| self.ends_early && *end <= now) {
            *self = Self { started: self.started, ended: Some(end), ends_early: false };
        }
    }

    pub(crate) fn status(&self) -> CommitmentStatus {
        match (self.is_on(), self.ends_early) {
            (false, _) => CommitmentStatus::Disabled,
            (true, false) => CommitmentStatus::Enabled,
            (true, true) => CommitmentStatus::EnabledUntilEarliestAllowedEnd,
        }
    }

    /// When a running commitment may end.
    pub(crate) fn earliest_end(&self) -> Option<Timestamp> {
        self.started.filter(|_| self.is_on()).map(|started| started.plus(COMMITMENT_MIN))
    }

    /// Begins a commitment, or cancels the end of a running one.
    pub(crate) fn enable(&mut self, now: Timestamp) {
        if self.is_on() {
            self.ends_early = false;
        } else {
            *self = Self { started: Some(now), ended: None, ends_early: false };
        }
    }

    /// Ends a commitment as soon as it may.
    pub(crate) fn disable(&mut self, now: Timestamp) {
        match self.earliest_end() {
            Some(end) if now < end => self.ends_early = true,
            Some(_) => self.ended = Some(now),
            None => {}
        }
    }

    /// Whether it is in force.
    pub(crate) fn is_on(&self) -> bool {
        self.started.is_some() && self.ended.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    #[test]
    fn a_commitment_lasts_a_day_and_can_be_kept() {
        let mut commitment = Commitment::default();
        commitment.enable(NOW);
        commitment.disable(NOW.plus(Duration::from_secs(60)));
        assert_eq!(commitment.status(), CommitmentStatus::EnabledUntilEarliestAllowedEnd);
        commitment.enable(NOW.plus(Duration::from_secs(120)));
        assert_eq!(commitment.status(), CommitmentStatus::Enabled);
        commitment.disable(NOW.plus(Duration::from_secs(180)));
        commitment.settle(NOW.plus(COMMITMENT_MIN));
        assert_eq!(commitment.status(), CommitmentStatus::Disabled);
        assert_eq!(commitment.ended, Some(NOW.plus(COMMITMENT_MIN)));
    }
}
