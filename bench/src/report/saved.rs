//! Files of saved runs: one run as an object, several as an array, or as the `runs` of
//! the default measurement's report.

use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::run::{Run, SCHEMA_VERSION, TOOL};

/// Why a file gave no run, as a sentence that says what to do.
#[derive(Debug)]
pub struct Unreadable {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Missing(io::Error),
    TooLarge,
    NotJson(serde_json::Error),
    Foreign,
    Version(u64),
    Damaged(serde_json::Error),
    Empty,
    Impossible(String),
}

/// A run with every call of a long measurement takes some hundred MiB; more is a mistake.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Reads all runs of all files, `-` being stdin.
///
/// # Errors
/// When one of them is no saved run of this version.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Run>, Unreadable> {
    let mut runs = Vec::new();
    for path in paths {
        runs.extend(read(path)?);
    }
    Ok(runs)
}

/// Reads the runs of one file, `-` being stdin.
///
/// # Errors
/// When it is no saved run of this version.
pub fn read(path: &Path) -> Result<Vec<Run>, Unreadable> {
    let unreadable = |reason| Unreadable { path: path.to_owned(), reason };
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| unreadable(Reason::Missing(error)))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(unreadable(Reason::TooLarge));
    }
    parse(&bytes).map_err(unreadable)
}

/// The text of a file that [`read`] takes.
#[must_use]
pub fn text(runs: &[Run]) -> String {
    let written = match runs {
        [run] => serde_json::to_string_pretty(run),
        runs => serde_json::to_string_pretty(runs),
    };
    written.expect("a run has nothing that JSON cannot say") + "\n"
}

fn parse(bytes: &[u8]) -> Result<Vec<Run>, Reason> {
    let value: Value = serde_json::from_slice(bytes).map_err(Reason::NotJson)?;
    let values = match value {
        Value::Array(values) => values,
        Value::Object(mut report) => match report.remove("runs") {
            Some(Value::Array(values)) => values,
            _ => vec![Value::Object(report)],
        },
        value => vec![value],
    };
    let runs: Result<Vec<Run>, Reason> = values.into_iter().map(one).collect();
    match runs {
        Ok(runs) if runs.is_empty() => Err(Reason::Empty),
        runs => runs,
    }
}

fn one(value: Value) -> Result<Run, Reason> {
    match (value.get("tool").and_then(Value::as_str), value["schema_version"].as_u64()) {
        (Some(TOOL), Some(version)) if version == u64::from(SCHEMA_VERSION) => {
            countable(&value).map_err(Reason::Impossible)?;
            let run = serde_json::from_value(value).map_err(Reason::Damaged)?;
            possible(&run).map_err(Reason::Impossible)?;
            Ok(run)
        }
        (Some(TOOL), Some(version)) => Err(Reason::Version(version)),
        // The first version did not name its tool.
        (None, Some(1)) if value.get("put_latency_us").is_some() => Err(Reason::Version(1)),
        _ => Err(Reason::Foreign),
    }
}

/// No number is beyond what can have been counted, so that sums do not overflow.
fn countable(value: &Value) -> Result<(), String> {
    match value {
        Value::Number(number) if number.as_f64().is_none_or(|n| n.abs() > COUNT_MAX) => {
            Err(format!("nothing can have been measured as {number}"))
        }
        Value::Array(values) => values.iter().try_for_each(countable),
        // A seed is any number of 64 bits; it counts nothing.
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "seed")
            .try_for_each(|(_, value)| countable(value)),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Number(_) => Ok(()),
    }
}

/// 2⁵³: up to here every whole number is one in JSON for all readers.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;

/// What the renderers trust: numbers that can have been measured.
fn possible(run: &Run) -> Result<(), String> {
    for (at, repetition) in run.repetitions.iter().enumerate() {
        for phase in &repetition.phases {
            if !(phase.elapsed_ms >= 0.0 && phase.elapsed_ms.is_finite()) {
                return Err(format!(
                    "phase {} of repetition {at} ended before it began",
                    phase.name
                ));
            }
            let seconds = phase.series.iter().map(|second| second.second);
            if seconds.max().is_some_and(|last| last > SECONDS_MAX) {
                return Err(format!("phase {} of repetition {at} lasted over a year", phase.name));
            }
        }
        let seconds = repetition.per_shard.iter().flat_map(|shard| &shard.series);
        if seconds.map(|second| second.second).max().is_some_and(|last| last > SECONDS_MAX) {
            return Err(format!("the shards of repetition {at} were busy for over a year"));
        }
    }
    Ok(())
}

/// A year. Charts make room for each second up to the last.
const SECONDS_MAX: u64 = 366 * 24 * 3_600;

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Missing(error) => {
                write!(f, "{path} cannot be read ({error}): name a file that --json wrote")
            }
            Reason::TooLarge => write!(
                f,
                "{path} is larger than {} MiB: save a run without its single calls",
                FILE_BYTES_MAX >> 20
            ),
            Reason::NotJson(error) if error.is_eof() => write!(
                f,
                "{path} ends in the middle (line {}): it was cut off while being written or \
                 copied; copy it again, or measure again with --json",
                error.line()
            ),
            Reason::NotJson(error) => {
                write!(f, "{path} is not JSON ({error}): name a file that --json wrote")
            }
            Reason::Foreign => write!(
                f,
                "{path} is JSON, but not a run that kinesis-bench saved: name a file that --json wrote"
            ),
            Reason::Version(version) if *version < u64::from(SCHEMA_VERSION) => write!(
                f,
                "{path} was saved by an older kinesis-bench (schema {version}, this one reads \
                 {SCHEMA_VERSION}): measure again with --json"
            ),
            Reason::Version(version) => write!(
                f,
                "{path} was saved by a newer kinesis-bench (schema {version}, this one reads \
                 {SCHEMA_VERSION}): use that version to show it"
            ),
            Reason::Damaged(error) => write!(
                f,
                "{path} is a saved run, but damaged or edited ({error}): \
                 restore it, or measure again with --json"
            ),
            Reason::Empty => write!(f, "{path} holds no run: measure again with --json"),
            Reason::Impossible(what) => write!(
                f,
                "{path} is a saved run, but edited or damaged, for {what}: \
                 restore it, or measure again with --json"
            ),
        }
    }
}

impl std::error::Error for Unreadable {}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::ValueEnum;
    use serde_json::json;

    use super::{Unreadable, parse, text};
    use crate::report::format::{Choices, Format};
    use crate::report::sample;
    use crate::report::statistics::Draw;

    fn complaint(bytes: &[u8]) -> String {
        let path = PathBuf::from("run.json");
        parse(bytes).map_err(|reason| Unreadable { path, reason }).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_back_equal() {
        let runs = sample::comparison();
        assert_eq!(parse(text(&runs).as_bytes()).unwrap(), runs);
        assert_eq!(parse(text(&runs[..1]).as_bytes()).unwrap(), runs[..1]);
    }

    #[test]
    fn fields_of_a_later_version_are_left_aside() {
        let run = sample::closed_loop();
        let mut json = serde_json::to_value(&run).unwrap();
        json["news"] = true.into();
        json["repetitions"][0]["phases"][0]["news"] = 1.into();
        assert_eq!(parse(json.to_string().as_bytes()).unwrap(), [run]);
    }

    #[test]
    fn a_file_that_cannot_be_used_says_what_to_do() {
        let good = text(&[sample::closed_loop()]);
        let other_version = |version: &str| {
            good.replacen(r#""schema_version": 2"#, &format!(r#""schema_version": {version}"#), 1)
        };
        let endless = good.replacen(r#""second": 0"#, r#""second": 999999999"#, 1);
        let huge = good.replacen(r#""calls": 1000"#, r#""calls": 18446744073709551615"#, 1);
        for (bytes, advice) in [
            (&good.as_bytes()[..good.len() / 2], "ends in the middle"),
            (b"", "ends in the middle"),
            (b"timeStamp,elapsed", "is not JSON"),
            (b"{}", "not a run that kinesis-bench saved"),
            (b"[1, 2]", "not a run that kinesis-bench saved"),
            (b"[]", "holds no run"),
            (br#"{"schema_version": 1, "put_latency_us": {}}"#, "an older kinesis-bench"),
            (other_version("3").as_bytes(), "a newer kinesis-bench (schema 3"),
            (good.replacen(r#""calls""#, r#""cails""#, 1).as_bytes(), "missing field `calls`"),
            (endless.as_bytes(), "over a year"),
            (huge.as_bytes(), "nothing can have been measured as 18446744073709551615"),
        ] {
            let sentence = complaint(bytes);
            assert!(sentence.contains(advice), "{sentence}");
            assert!(sentence.starts_with("run.json "), "{sentence}");
        }
    }

    /// Puts a number that nobody measured in place of the `at`th one.
    fn spoil(value: &mut serde_json::Value, at: &mut usize, with: &serde_json::Value) {
        match value {
            serde_json::Value::Number(_) if *at == 0 => {
                *value = with.clone();
                *at = usize::MAX;
            }
            serde_json::Value::Number(_) => *at -= 1,
            serde_json::Value::Array(values) => {
                values.iter_mut().for_each(|value| spoil(value, at, with));
            }
            serde_json::Value::Object(fields) => {
                fields.iter_mut().for_each(|(_, value)| spoil(value, at, with));
            }
            _ => {}
        }
    }

    #[test]
    fn an_edited_number_is_refused_or_shown_but_breaks_nothing() {
        let mut draw = Draw(11);
        let mut shown = 0;
        for _ in 0..150 {
            let mut run = sample::closed_loop();
            run.repetitions[0].is_warm_up = false;
            let mut value = serde_json::to_value(&run).unwrap();
            let wrong =
                [json!(0), json!(-7), json!(1e300), json!(9_007_199_254_740_992_u64), json!(0.5)];
            for _ in 0..3 {
                let with = &wrong[(draw.unit() * wrong.len() as f64) as usize];
                spoil(&mut value, &mut ((draw.unit() * 700.0) as usize), with);
            }
            let Ok(runs) = parse(value.to_string().as_bytes()) else { continue };
            for format in Format::value_variants() {
                // Some forms have nothing to show; none may panic.
                let _ = format.render(&runs, &Choices::default());
            }
            shown += 1;
        }
        assert!(shown > 10, "{shown}");
    }
}
