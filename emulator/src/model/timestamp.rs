//! Points in time, in microseconds since the Unix epoch.

use std::time::Duration;

use jiff::fmt::strtime;

use super::decimal;

/// A point in time with microsecond precision. The API shows milliseconds, and takes
/// times that are finer: then what happened within one millisecond is still told
/// apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// The time `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// The time `seconds` seconds after the Unix epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The time `micros` microseconds after the Unix epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1000
    }

    /// The time without the fraction of a millisecond.
    pub(crate) const fn whole_millis(self) -> Self {
        Self(self.0 - self.0 % 1000)
    }

    /// Whole seconds since the Unix epoch.
    pub const fn as_seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The time `duration` later; the end of time if that is out of range.
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }

    /// The time `duration` earlier; the epoch if that is out of range.
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }

    /// The time as Java's `Date` prints it: `Thu Jan 22 01:22:02 UTC 2015`.
    pub(crate) fn java_date(self) -> String {
        self.format("%a %b %d %H:%M:%S UTC %Y")
    }

    /// The time as an HTTP `Date` header has it (RFC 9110, section 5.6.7).
    pub(crate) fn http_date(self) -> [u8; 29] {
        const DAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
        const MONTHS: [&[u8; 3]; 12] = [
            b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
            b"Dec",
        ];
        let time = jiff::tz::Offset::UTC.to_datetime(self.instant());
        let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
        date[..3].copy_from_slice(DAYS[time.weekday().to_monday_zero_offset() as usize]);
        date[5..7].copy_from_slice(&decimal::digits::<2>(time.day() as u64));
        date[8..11].copy_from_slice(MONTHS[time.month() as usize - 1]);
        date[12..16].copy_from_slice(&decimal::digits::<4>(time.year() as u64));
        date[17..19].copy_from_slice(&decimal::digits::<2>(time.hour() as u64));
        date[20..22].copy_from_slice(&decimal::digits::<2>(time.minute() as u64));
        date[23..25].copy_from_slice(&decimal::digits::<2>(time.second() as u64));
        date
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
        strtime::format(pattern, &self.instant().to_zoned(jiff::tz::TimeZone::UTC))
            .expect("the patterns are constants")
    }

    /// The same second. Beyond jiff's year 9999 the last representable one
    /// stands in.
    fn instant(self) -> jiff::Timestamp {
        i64::try_from(self.as_seconds())
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .unwrap_or(jiff::Timestamp::MAX)
    }
}

const fn micros(duration: Duration) -> u64 {
    let micros = duration.as_micros();
    if micros > u64::MAX as u128 { u64::MAX } else { micros as u64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_read_as_java_and_http_spell_them() {
        let time = Timestamp::from_millis(1_421_889_722_999);
        assert_eq!(time.java_date(), "Thu Jan 22 01:22:02 UTC 2015");
        assert_eq!(&time.http_date(), b"Thu, 22 Jan 2015 01:22:02 GMT");
        assert_eq!(time.amz_date(), "20150122T012202Z");
        assert_eq!(
            Timestamp::parse_amz_date("20150122T012202Z"),
            Some(Timestamp::from_seconds(time.as_seconds()))
        );
        assert_eq!(Timestamp::parse_amz_date("yesterday"), None);
    }

    proptest! {
        #[test]
        fn http_dates_are_what_the_pattern_says(millis in prop_oneof![0..300_000_000_000_000_u64, any::<u64>()]) {
            let time = Timestamp::from_millis(millis);
            let expected = time.format("%a, %d %b %Y %H:%M:%S GMT");
            prop_assert_eq!(String::from_utf8(time.http_date().to_vec()), Ok(expected));
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(Timestamp::EPOCH.minus(Duration::from_secs(1)), Timestamp::EPOCH);
        assert_eq!(Timestamp::from_millis(u64::MAX).plus(Duration::MAX).as_micros(), u64::MAX);
        assert_eq!(Timestamp::EPOCH.since(Timestamp::from_millis(5)), Duration::ZERO);
    }
}
