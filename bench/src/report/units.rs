//! Numbers with their units, written the same way in every report.

/// A count with a comma at each thousand: `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut written = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// A time with three digits that matter, in the unit that suits it: `1.23 ms`.
#[must_use]
pub fn time(us: f64) -> String {
    let (amount, unit) = match us {
        _ if us >= 120e6 => (us / 60e6, "min"),
        _ if us >= 999.5e3 => (us / 1e6, "s"),
        _ if us >= 999.5 => (us / 1e3, "ms"),
        _ if us >= 0.9995 || us == 0.0 => (us, "µs"),
        _ => (us * 1e3, "ns"),
    };
    format!("{} {unit}", three_digits(amount))
}

/// Bytes in powers of 1,000, with three digits that matter: `1.05 MB`.
#[must_use]
pub fn bytes(bytes: f64) -> String {
    let (amount, unit) = match bytes {
        _ if bytes >= 999.5e6 => (bytes / 1e9, "GB"),
        _ if bytes >= 999.5e3 => (bytes / 1e6, "MB"),
        _ if bytes >= 999.5 => (bytes / 1e3, "kB"),
        _ => (bytes, "B"),
    };
    format!("{} {unit}", three_digits(amount))
}

/// A rate without its unit: whole from 100 up, three digits below.
#[must_use]
pub fn rate(per_second: f64) -> String {
    three_digits(per_second)
}

/// A part of a whole: `37.5 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// `1 record`, `2 records`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Three digits that matter, and no fewer before the point than there are.
#[must_use]
pub fn three_digits(number: f64) -> String {
    match number.abs() {
        _ if number == 0.0 => "0".to_owned(),
        size if size >= 99.95 && number >= 0.0 => count(number.round() as u64),
        size if size >= 99.95 => format!("-{}", count(size.round() as u64)),
        size if size >= 9.995 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, counted, time};

    #[test]
    fn three_digits_matter_at_every_size() {
        for (us, written) in [
            (0.0, "0 µs"),
            (0.12, "120 ns"),
            (87.0, "87.0 µs"),
            (999.4, "999 µs"),
            (999.6, "1.00 ms"),
            (1_234.0, "1.23 ms"),
            (99_960.0, "100 ms"),
            (1_500_000.0, "1.50 s"),
            (300e6, "5.00 min"),
        ] {
            assert_eq!(time(us), written);
        }
        assert_eq!(bytes(1_048_576.0), "1.05 MB");
        assert_eq!(bytes(14.0), "14.0 B");
    }

    #[test]
    fn thousands_are_set_apart() {
        let written = [0, 999, 1_000, 1_234_567].map(count);
        assert_eq!(written, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(counted(1, "record"), "1 record");
    }
}
