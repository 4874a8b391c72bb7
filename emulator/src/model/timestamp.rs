//! Points in time, in milliseconds since the Unix epoch.

use std::time::Duration;

use jiff::fmt::strtime;

/// A point in time with millisecond precision, as the API reports arrivals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// The time `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The time `seconds` seconds after the Unix epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_seconds(self) -> u64 {
        self.0 / 1000
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The time `duration` later; the end of time if that is out of range.
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The time `duration` earlier; the epoch if that is out of range.
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// The time as Java's `Date` prints it: `Thu Jan 22 01:22:02 UTC 2015`.
    pub(crate) fn java_date(self) -> String {
        self.format("%a %b %d %H:%M:%S UTC %Y")
    }

    /// The time as an HTTP `Date` header has it (RFC 9110, section 5.6.7).
    pub(crate) fn http_date(self) -> String {
        self.format("%a, %d %b %Y %H:%M:%S GMT")
    }

    /// The time as `X-Amz-Date` has it: `20150122T012202Z`.
    pub(crate) fn amz_date(self) -> String {
        self.format("%Y%m%dT%H%M%SZ")
    }

    /// Reads an `X-Amz-Date`.
    pub(crate) fn parse_amz_date(text: &str) -> Option<Self> {
        let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
        let seconds = parsed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
        u64::try_from(seconds).ok().map(Self::from_seconds)
    }

    fn format(self, pattern: &str) -> String {
        // Beyond jiff's year 9999 the last representable day stands in.
        let instant = i64::try_from(self.as_seconds())
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .unwrap_or(jiff::Timestamp::MAX);
        strtime::format(pattern, &instant.to_zoned(jiff::tz::TimeZone::UTC))
            .expect("the patterns are constants")
    }
}

const fn millis(duration: Duration) -> u64 {
    let millis = duration.as_millis();
    if millis > u64::MAX as u128 { u64::MAX } else { millis as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_java_and_http_spell_them() {
        let time = Timestamp::from_millis(1_421_889_722_999);
        assert_eq!(time.java_date(), "Thu Jan 22 01:22:02 UTC 2015");
        assert_eq!(time.http_date(), "Thu, 22 Jan 2015 01:22:02 GMT");
        assert_eq!(time.amz_date(), "20150122T012202Z");
        assert_eq!(
            Timestamp::parse_amz_date("20150122T012202Z"),
            Some(Timestamp::from_seconds(time.as_seconds()))
        );
        assert_eq!(Timestamp::parse_amz_date("yesterday"), None);
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Timestamp::EPOCH.minus(Duration::from_secs(1)), Timestamp::EPOCH);
        assert_eq!(Timestamp::from_millis(u64::MAX).plus(Duration::MAX).as_millis(), u64::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::from_millis(5)), Duration::ZERO);
    }
}
