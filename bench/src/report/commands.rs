//! `report` and `compare`: saved runs shown again.

use std::fs;
use std::io::{self, Write as _, stdout};
use std::path::{Path, PathBuf};

use clap::Args;

use super::compare::{Comparison, NOISE_DEFAULT};
use super::fail_if::{self, FailIf};
use super::format::{Choices, Format};
use super::run::Run;
use super::saved;
use crate::failure::Failure;

/// Show saved runs in another format
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// Files written by --json; `-` is stdin. The first run is the baseline for the others
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Write the output to this file [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Phase to show with --format hgrm, or end-to-end [default: the first with latencies]
    #[arg(long, value_name = "NAME")]
    pub phase: Option<String>,

    /// With --format hgrm, show latencies from the actual start of each call
    #[arg(long)]
    pub uncorrected: bool,

    /// New names for the runs, in order, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub labels: Vec<String>,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub judgement: JudgementArgs,
}

/// Compare saved runs, the first being the baseline
///
/// Ratios are of medians over repetitions, with intervals by bootstrap. A difference
/// is called one only if its interval leaves out 1 and it exceeds --noise; with fewer
/// than 5 repetitions of a run nothing is claimed.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Files written by --json, with two or more runs between them; the first run is the baseline
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,

    /// Write the output to this file [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// New names for the runs, in order, separated by commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub labels: Vec<String>,

    /// Exit with 1 if a run is worse than the baseline beyond --noise
    #[arg(long)]
    pub fail_if_worse: bool,

    #[command(flatten)]
    #[allow(missing_docs, reason = "the arguments it stands for have theirs")]
    pub judgement: JudgementArgs,
}

/// How runs are judged, wherever runs are shown.
#[derive(Debug, Clone, Args)]
pub struct JudgementArgs {
    /// Ignore differences up to this percentage, such as 5%
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = noise)]
    pub noise: f64,

    /// Exit with 1 if a run meets one of these conditions, such as 'p99>20ms,lost>0'
    #[arg(long, value_name = "CONDITIONS", long_help = fail_if::help())]
    pub fail_if: Option<FailIf>,
}

/// How a run is held against an older one, flattened into the commands that measure.
#[derive(Debug, Clone, Default, Args)]
pub struct BaselineArgs {
    /// Compare with this saved run, and exit with 1 if the new run is worse beyond --noise
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}

impl Default for JudgementArgs {
    fn default() -> Self {
        Self { noise: NOISE_DEFAULT, fail_if: None }
    }
}

/// What a command says besides what it shows: sentences of conditions that were met.
/// None, and the exit code is 0; else it is 1.
pub type Complaints = Vec<String>;

impl ReportArgs {
    /// Shows the runs.
    ///
    /// # Errors
    /// When a file cannot be used or written.
    pub fn execute(&self) -> Result<Complaints, Failure> {
        let runs = read(&self.files, &self.labels)?;
        let choices = Choices {
            noise: self.judgement.noise,
            phase: self.phase.clone(),
            is_uncorrected: self.uncorrected,
        };
        let text = self.format.render(&runs, &choices).map_err(Failure::Answer)?;
        write(&text, self.output.as_deref())?;
        self.judgement.complaints(&runs)
    }
}

impl CompareArgs {
    /// Shows the comparison.
    ///
    /// # Errors
    /// When a file cannot be used or written, or there is nothing to compare.
    pub fn execute(&self) -> Result<Complaints, Failure> {
        self.show(&read(&self.files, &self.labels)?)
    }

    /// Shows the comparison of runs that were measured just now, or read.
    ///
    /// # Errors
    /// When a file cannot be written, or there is nothing to compare.
    pub fn show(&self, runs: &[Run]) -> Result<Complaints, Failure> {
        if runs.len() < 2 {
            return Err(Failure::Answer(
                "a comparison takes two runs: give another file, or --target twice to measure"
                    .to_owned(),
            ));
        }
        let choices = Choices { noise: self.judgement.noise, ..Choices::default() };
        let text = match self.format {
            Format::Table => super::format::terminal::comparisons(runs, &choices),
            format => format.render(runs, &choices).map_err(Failure::Answer)?,
        };
        write(&text, self.output.as_deref())?;
        let mut complaints = self.judgement.complaints(runs)?;
        if self.fail_if_worse {
            for other in &runs[1..] {
                complaints.extend(self.judgement.regressions(&runs[0], other));
            }
        }
        Ok(complaints)
    }
}

impl JudgementArgs {
    /// A sentence for each condition that a run meets.
    ///
    /// # Errors
    /// When a run did not measure what a condition asks for.
    pub fn complaints(&self, runs: &[Run]) -> Result<Complaints, Failure> {
        let mut complaints = Vec::new();
        for run in runs {
            if let Some(fail_if) = &self.fail_if {
                complaints.extend(fail_if.met_by(run).map_err(Failure::Answer)?);
            }
        }
        Ok(complaints)
    }

    /// A run beside its baseline, for people, and a sentence for each figure that is worse.
    #[must_use]
    pub fn hold_against(&self, baseline: &Run, run: &Run) -> (String, Complaints) {
        let complaints = self.regressions(baseline, run);
        let choices = Choices { noise: self.noise, ..Choices::default() };
        let both = [baseline.clone(), run.clone()];
        (super::format::terminal::comparisons(&both, &choices), complaints)
    }

    fn regressions(&self, baseline: &Run, run: &Run) -> Complaints {
        let comparison = Comparison::new(baseline, run, self.noise);
        let worse = comparison.regressions().map(|row| {
            let (base, other) =
                (row.unit.written(row.base.median), row.unit.written(row.other.median));
            let ratio = row.ratio_written();
            format!(
                "{} of {} is worse than of {}: {other} after {base}, {ratio}",
                row.name, run.label, baseline.label
            )
        });
        worse.collect()
    }
}

impl BaselineArgs {
    /// The saved run to compare a run of that label with, if a file was named.
    ///
    /// # Errors
    /// When the file cannot be used, or holds several runs none of which has the label.
    pub fn read(&self, label: &str) -> Result<Option<Run>, Failure> {
        let Some(path) = &self.baseline else { return Ok(None) };
        let mut saved = saved::read(path).map_err(|error| Failure::Answer(error.to_string()))?;
        let same = saved.iter().position(|saved| saved.label == label);
        let at = match (same, saved.len()) {
            (Some(at), _) => at,
            (None, 1) => 0,
            (None, _) => {
                return Err(Failure::Answer(format!(
                    "{} holds several runs and none of {label}: name a file with one run",
                    path.display(),
                )));
            }
        };
        let mut baseline = saved.swap_remove(at);
        baseline.label += " (saved)";
        Ok(Some(baseline))
    }
}

/// Reads the runs and names them so that they can be told apart.
fn read(files: &[PathBuf], labels: &[String]) -> Result<Vec<Run>, Failure> {
    let mut runs = saved::read_all(files).map_err(|error| Failure::Answer(error.to_string()))?;
    if labels.len() > runs.len() {
        return Err(Failure::Answer(format!(
            "--labels names {} runs, and the files hold {}",
            labels.len(),
            runs.len()
        )));
    }
    for (run, label) in runs.iter_mut().zip(labels) {
        run.label.clone_from(label);
    }
    for at in 1..runs.len() {
        let (before, run) = runs.split_at_mut(at);
        let base = run[0].label.clone();
        let mut number = 2;
        while before.iter().any(|other| other.label == run[0].label) {
            run[0].label = format!("{base} ({number})");
            number += 1;
        }
    }
    Ok(runs)
}

/// Writes a text to a file or to stdout, whose reader may leave early. Of a file that
/// cannot be written to its end nothing is left.
pub(crate) fn write(text: &str, path: Option<&Path>) -> Result<(), Failure> {
    let written = match path {
        Some(path) if path.as_os_str() != "-" => fs::write(path, text).map_err(|error| {
            if path.is_file() {
                // What is there says nothing; that it could not be written is said below.
                let _ = fs::remove_file(path);
            }
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        }),
        _ => {
            let mut out = stdout().lock();
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written,
            }
        }
    };
    written.map_err(Failure::Output)
}

fn noise(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=1_000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write it like 5%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::{env, fs, process};

    use clap::Parser;

    use super::{BaselineArgs, CompareArgs, JudgementArgs, ReportArgs};
    use crate::report::{sample, saved};

    #[derive(Debug, Parser)]
    enum Command {
        Report(ReportArgs),
        Compare(CompareArgs),
    }

    /// A folder that goes away with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = env::temp_dir().join(format!("kinesis-bench-{name}-{}", process::id()));
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self, name: &str) -> String {
            self.0.join(name).to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // A leftover in the system's folder for such things harms nobody.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn execute(arguments: &[&str]) -> Result<Vec<String>, String> {
        let command = Command::try_parse_from([&["kinesis-bench"], arguments].concat())
            .map_err(|error| error.to_string())?;
        let outcome = match command {
            Command::Report(report) => report.execute(),
            Command::Compare(compare) => compare.execute(),
        };
        outcome.map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_saved_run_is_shown_in_every_form() {
        let folder = Folder::new("report");
        let (saved, shown) = (folder.file("run.json"), folder.file("shown"));
        fs::write(&saved, saved::text(&[sample::open_loop()])).unwrap();
        for (format, part) in [
            ("table", "produce, corrected"),
            ("json", "\"schema_version\": 2"),
            ("csv", "records_per_second"),
            ("csv-series", "shardId-000000000003,12"),
            ("jtl", "timeStamp,elapsed"),
            ("markdown", "|---|"),
            ("html", "</html>"),
            ("hgrm", "1/(1-Percentile)"),
        ] {
            let outcome = execute(&["report", &saved, "--format", format, "-o", &shown]);
            assert_eq!(outcome, Ok(vec![]), "{format}");
            let text = fs::read_to_string(&shown).unwrap();
            assert!(text.contains(part), "{format}: {text}");
        }
        let complaints = execute(&["report", &saved, "-o", &shown, "--fail-if", "p99>20ms,lost>0"]);
        assert_eq!(complaints.unwrap().len(), 1);
    }

    #[test]
    fn a_comparison_fails_if_asked_to_and_something_is_worse() {
        let folder = Folder::new("compare");
        let (saved, shown) = (folder.file("runs.json"), folder.file("shown"));
        fs::write(&saved, saved::text(&sample::comparison()[..2])).unwrap();
        assert_eq!(execute(&["compare", &saved, "-o", &shown]), Ok(vec![]));
        let complaints = execute(&["compare", &saved, "-o", &shown, "--fail-if-worse"]).unwrap();
        let sentence =
            "produce records/s of other emulator is worse than of ours: 380/s after 499/s";
        assert!(complaints[0].starts_with(sentence), "{complaints:?}");
        let lenient = ["compare", &saved, "-o", &shown, "--fail-if-worse", "--noise", "900%"];
        assert_eq!(execute(&lenient), Ok(vec![]));
    }

    #[test]
    fn a_run_compared_with_itself_is_no_worse_and_told_apart_by_name() {
        let folder = Folder::new("itself");
        let (saved, shown) = (folder.file("run.json"), folder.file("shown"));
        fs::write(&saved, saved::text(&[sample::open_loop()])).unwrap();
        assert_eq!(
            execute(&["compare", &saved, &saved, "-o", &shown, "--fail-if-worse"]),
            Ok(vec![])
        );
        let text = fs::read_to_string(&shown).unwrap();
        assert!(
            text.contains("kinesis-emulator (TCP) (2) against kinesis-emulator (TCP)"),
            "{text}"
        );

        execute(&["compare", &saved, &saved, "-o", &shown, "--labels", "before,after"]).unwrap();
        assert!(fs::read_to_string(&shown).unwrap().contains("after against before"));
    }

    #[test]
    fn a_run_is_held_against_its_baseline() {
        let folder = Folder::new("baseline");
        let path = folder.0.join("runs.json");
        let runs = sample::comparison();
        fs::write(&path, saved::text(&runs[..2])).unwrap();
        let baseline = BaselineArgs { baseline: Some(path) };
        let judgement = JudgementArgs::default();
        let saved = baseline.read("ours").unwrap().unwrap();
        let (text, complaints) = judgement.hold_against(&saved, &runs[0]);
        assert!(text.starts_with("ours against ours (saved)"), "{text}");
        assert_eq!(complaints, Vec::<String>::new());
        assert!(baseline.read(&runs[2].label).is_err());
        assert!(BaselineArgs::default().read("ours").unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let folder = Folder::new("refusals");
        let (saved, one) = (folder.file("nowhere.json"), folder.file("one.json"));
        fs::write(&one, saved::text(&[sample::closed_loop()])).unwrap();
        let unwritable = folder.file("no/such/folder/x");
        for (arguments, advice) in [
            (&["report", &saved][..], "name a file that --json wrote"),
            (&["compare", &one], "give another file"),
            (&["report", &one, "--format", "jtl"], "measure with --samples"),
            (&["report", &one, "--labels", "a,b"], "--labels names 2 runs"),
            (&["report", &one, "--fail-if", "p99>20"], "p99 has a unit"),
            (&["report", &one, "--noise", "much"], "write it like 5%"),
            (&["report", &one, "-o", &unwritable], "could not write the report"),
        ] {
            let sentence = execute(arguments).unwrap_err();
            assert!(sentence.contains(advice), "{arguments:?} said: {sentence}");
        }
    }
}
