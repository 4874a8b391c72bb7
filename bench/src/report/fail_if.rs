//! `--fail-if 'p99>20ms,lost>0'`: conditions under which a run counts as failed.
//!
//! Absent: and, or, arithmetic. Conditions are separated by commas, and one that is met
//! is enough.

use std::fmt;
use std::str::FromStr;

use super::measures::{MEASURES, Selector, Unit};
use super::run::Run;

/// What is refused; met by none, a run passes.
#[derive(Debug, Clone)]
pub struct FailIf(Vec<Condition>);

#[derive(Debug, Clone)]
struct Condition {
    /// As given, without spaces around it.
    text: String,
    selector: Selector,
    comparison: Comparison,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
    Unequal,
}

/// Longer ones first, for `>` begins `>=`.
const COMPARISONS: [(&str, Comparison); 6] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    (">", Comparison::Above),
    ("<", Comparison::Below),
];

/// Why an expression cannot be used, with the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    expression: String,
    /// Characters before the place.
    at: usize,
    width: usize,
    reason: String,
}

impl FailIf {
    /// A sentence for each condition that a run meets.
    ///
    /// # Errors
    /// When a run did not measure what a condition asks for: that is no pass.
    pub fn met_by(&self, run: &Run) -> Result<Vec<String>, String> {
        let mut met = Vec::new();
        for Condition { text, selector, comparison, limit } in &self.0 {
            let value = selector.of(run).map_err(|reason| format!("--fail-if {text}: {reason}"))?;
            if comparison.holds(value, *limit) {
                let unit = selector.measure.unit;
                met.push(format!(
                    "{} of {} is {}, and --fail-if refuses {text}",
                    text_of_measure(text),
                    run.label,
                    exactly(unit, value, *limit)
                ));
            }
        }
        Ok(met)
    }
}

impl Comparison {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Equal => value == limit,
            Self::Unequal => value != limit,
        }
    }
}

/// What the help says about `--fail-if`.
#[must_use]
pub fn help() -> String {
    let mut help = "Conditions, separated by commas: [PHASE.]MEASURE, one of > >= < <= == !=, \
                    and a value with its unit (us ms s, B kB KiB MB MiB, %). If a run meets one \
                    of them, exit with 1.\n\
                    p99 alone is that of the first phase; others are consume.p99, end_to_end.p99 \
                    and uncorrected.p99.\n\nMeasures:\n"
        .to_owned();
    for measure in MEASURES {
        help += &format!("  {:<20}{}\n", measure.name, measure.help);
    }
    help
}

impl FromStr for FailIf {
    type Err = Malformed;

    fn from_str(expression: &str) -> Result<Self, Malformed> {
        let mut conditions = Vec::new();
        let mut begin = 0;
        for part in expression.split(',') {
            conditions.push(condition(expression, begin, part)?);
            begin += part.len() + 1;
        }
        Ok(Self(conditions))
    }
}

/// Reads one condition, `part`, which begins at a byte of the expression.
fn condition(expression: &str, begin: usize, part: &str) -> Result<Condition, Malformed> {
    let malformed = |piece: &str, reason: String| {
        // Pieces are slices of the part, so their distance is their place.
        let offset = piece.as_ptr() as usize - part.as_ptr() as usize;
        Malformed {
            expression: expression.to_owned(),
            at: expression[..begin + offset].chars().count(),
            width: piece.chars().count().max(1),
            reason,
        }
    };
    let text = part.trim();
    if text.is_empty() {
        let advice = "a condition is missing here, such as p99>20ms";
        return Err(malformed(&part[..0], advice.to_owned()));
    }
    let name_end = text.find(['<', '>', '=', '!']).unwrap_or(text.len());
    let (name, rest) = (text[..name_end].trim_end(), &text[name_end..]);
    let found = COMPARISONS.iter().find(|(sign, _)| rest.starts_with(sign));
    let Some((sign, comparison)) = found else {
        let reason = match rest {
            "" => "a comparison is missing after this: one of > >= < <= == !=",
            _ => "this is not a comparison: write one of > >= < <= == !=",
        };
        return Err(malformed(if rest.is_empty() { name } else { &rest[..1] }, reason.to_owned()));
    };
    let selector = Selector::parse(name).map_err(|reason| malformed(name, reason))?;
    let value = rest[sign.len()..].trim();
    let limit = limit(value, selector.measure.unit, selector.measure.name).map_err(|reason| {
        malformed(if value.is_empty() { sign_at(rest) } else { value }, reason)
    })?;
    Ok(Condition { text: text.to_owned(), selector, comparison: *comparison, limit })
}

fn sign_at(rest: &str) -> &str {
    &rest[..1]
}

/// Reads a value in the units of its measure.
fn limit(text: &str, unit: Unit, name: &str) -> Result<f64, String> {
    let unit_at =
        text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(text.len());
    let (number, suffix) = (&text[..unit_at], text[unit_at..].trim());
    let example = match unit {
        Unit::Time => "20ms",
        Unit::Count | Unit::Rate => "100",
        Unit::Bytes => "64MiB",
        Unit::ByteRate => "1MB",
        Unit::Share => "40%",
    };
    if text.is_empty() {
        return Err(format!("a value is missing after this, such as {example}"));
    }
    let number: f64 =
        number.parse().map_err(|_| format!("this is not a number; write it like {example}"))?;
    let bytes = match suffix {
        "B" => Some(1.0),
        "kB" | "KB" => Some(1e3),
        "KiB" => Some(1_024.0),
        "MB" => Some(1e6),
        "MiB" => Some(1_048_576.0),
        "GB" => Some(1e9),
        "GiB" => Some(1_073_741_824.0),
        _ => None,
    };
    let factor = match (unit, suffix) {
        (Unit::Time, "us" | "µs") => Some(1.0),
        (Unit::Time, "ms") => Some(1e3),
        (Unit::Time, "s") => Some(1e6),
        (Unit::Time, "m" | "min") => Some(60e6),
        (Unit::Bytes, _) | (Unit::ByteRate, _) => bytes.or_else(|| bytes_per_second(suffix)),
        (Unit::Share, "%") => Some(0.01),
        (Unit::Count, "") | (Unit::Rate, "" | "/s") => Some(1.0),
        // A latency of zero is one in every unit.
        (Unit::Time, "") if number == 0.0 => Some(1.0),
        _ => None,
    };
    match (factor, suffix) {
        (Some(factor), _) => Ok(number * factor),
        (None, "") => Err(format!("{name} has a unit: write it like {example}")),
        (None, _) => Err(format!("{suffix} is not a unit of {name}: write it like {example}")),
    }
}

fn bytes_per_second(suffix: &str) -> Option<f64> {
    match suffix.strip_suffix("/s")? {
        "B" => Some(1.0),
        "kB" | "KB" => Some(1e3),
        "KiB" => Some(1_024.0),
        "MB" => Some(1e6),
        "MiB" => Some(1_048_576.0),
        _ => None,
    }
}

/// A value so exact that it does not look like the limit it passed.
fn exactly(unit: Unit, value: f64, limit: f64) -> String {
    let written = unit.written(value);
    if value == limit || written != unit.written(limit) {
        return written;
    }
    match unit {
        Unit::Time => format!("{value} µs"),
        Unit::Count | Unit::Rate => format!("{value}"),
        Unit::Bytes | Unit::ByteRate => format!("{value} bytes"),
        Unit::Share => format!("{} %", value * 100.0),
    }
}

fn text_of_measure(text: &str) -> &str {
    text[..text.find(['<', '>', '=', '!']).unwrap_or(text.len())].trim_end()
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.reason)?;
        writeln!(f, "  {}", self.expression)?;
        write!(f, "  {}{}", " ".repeat(self.at), "^".repeat(self.width))
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::FailIf;
    use crate::report::sample;

    fn refused(expression: &str) -> String {
        expression.parse::<FailIf>().unwrap_err().to_string()
    }

    #[test]
    fn conditions_are_held_against_the_run() {
        let run = sample::open_loop();
        for (expression, met) in [
            ("p99>20ms,lost>0,throttles>=1,records_per_second<500", 3),
            ("p99>2s", 0),
            ("uncorrected.p99>20ms", 0),
            ("produce.p99>20ms", 1),
            ("end_to_end.p99.9 > 100 ms", 1),
            ("consume.elapsed<1s", 1),
            ("throttles==185", 1),
            ("throttles!=185", 0),
            ("consume.throttles>0", 0),
            ("shard_share>70%", 1),
            ("bytes_per_second<1MB/s", 1),
            ("peak_rss>20MiB", 1),
            ("lost<=0", 1),
            ("p50<0", 0),
            ("breaches>0", 0),
        ] {
            let parsed: FailIf = expression.parse().unwrap();
            let sentences = parsed.met_by(&run).unwrap();
            assert_eq!(sentences.len(), met, "{expression}: {sentences:?}");
        }
        let parsed: FailIf = "throttles >= 1".parse().unwrap();
        let expected =
            "throttles of kinesis-emulator (TCP) is 185, and --fail-if refuses throttles >= 1";
        assert_eq!(parsed.met_by(&run).unwrap(), [expected]);
    }

    #[test]
    fn what_was_not_measured_is_no_pass() {
        let run = sample::closed_loop();
        for (expression, reason) in [
            ("end_to_end.p99>1s", "measures nothing end to end"),
            ("drain.p99>1s", "has no phase drain; it has produce, consume"),
            ("consume.p99>1s", "does not measure p99"),
        ] {
            let parsed: FailIf = expression.parse().unwrap();
            let error = parsed.met_by(&run).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
        let none_lost: FailIf = "lost>0".parse().unwrap();
        let error = none_lost.met_by(&sample::unverified()).unwrap_err();
        assert!(error.contains("verifies nothing, so lost is not known"), "{error}");
    }

    #[test]
    fn errors_point_at_the_place() {
        for (expression, reason, place) in [
            ("", "a condition is missing", "  ^"),
            ("lost>0,", "a condition is missing", "         ^"),
            ("lost>0,pgg>1ms", "there is no measure pgg; there are p50,", "         ^^^"),
            ("lost>0, p99>20", "p99 has a unit: write it like 20ms", "              ^^"),
            ("p99>20h", "h is not a unit of p99", "      ^^^"),
            ("lost>0ms", "ms is not a unit of lost", "       ^^^"),
            ("p99>", "a value is missing", "     ^"),
            ("p99", "a comparison is missing", "  ^^^"),
            ("p99=20ms", "this is not a comparison", "     ^"),
            ("p99>1.2.3ms", "this is not a number", "      ^^^^^^^"),
            ("consume.lost>0", "lost has no consume: write lost alone", "  ^^^^^^^^^^^^"),
            ("µ>1", "there is no measure µ", "  ^"),
        ] {
            let error = refused(expression);
            assert!(error.contains(reason), "{error}");
            assert_eq!(error.lines().last().unwrap(), place, "{error}");
        }
    }
}
