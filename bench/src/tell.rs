//! What the measuring subcommands print and save, and whether anyone must complain.
//!
//! Law: what is for programs goes to stdout alone when it is asked for there; what
//! is for people then goes to stderr. A file that cannot be written, a form that will
//! have nothing to show and a condition that cannot be judged are known before the
//! measurement, not after it.

use std::fs::OpenOptions;
use std::io::{self, Write, stderr, stdout};
use std::path::{Path, PathBuf};

use tokio::signal::ctrl_c;
use tokio::sync::mpsc;

use crate::commands::{CompareTargetsArgs, ProduceArgs, RunArgs};
use crate::failure::Failure;
use crate::report::commands::{Complaints, JudgementArgs, write};
use crate::report::compare::{Comparison, too_few};
use crate::report::format::{Choices, Format, terminal};
use crate::report::run::{Run, Sample};
use crate::report::saved;
use crate::scenario::steady;
use crate::session::{Session, foresee, hold};
use crate::target::null::NullServer;

/// `run`: whether something broke.
///
/// # Errors
/// When it could not be measured, saved or shown.
pub async fn run(arguments: &RunArgs) -> Result<bool, Failure> {
    let targets = std::slice::from_ref(&arguments.target);
    let foreseen = foresee(&arguments.scenario, targets, &arguments.play)?;
    make_sure_of_use(&foreseen, arguments.format, &arguments.judgement)?;
    // It may be the file that this run is saved to.
    let baseline = arguments.baseline.read(&foreseen[0].label)?;
    let _made = make_sure_of(&[&arguments.json, &arguments.output])?;
    let session = hold(arguments.scenario, targets, &arguments.play, None).await?;
    let Session { runs, ended_by } = session;
    save(&runs, arguments.json.as_deref())?;
    let choices = Choices { noise: arguments.judgement.noise, ..Choices::default() };
    let text = arguments.format.render(&runs, &choices).map_err(Failure::Answer)?;
    if is_stdout(&arguments.json) && arguments.output.is_none() {
        to_people(&text);
    } else {
        write(&text, arguments.output.as_deref()).inspect_err(|_| {
            // Whoever saved the run can show it again.
            if arguments.json.is_none() {
                show_unsaved(&runs, arguments.output.as_deref());
            }
        })?;
        tell_written(&runs, None, arguments.output.as_deref());
    }
    let mut complaints = arguments.judgement.complaints(&runs)?;
    if let Some(baseline) = baseline {
        for run in &runs {
            let (text, worse) = arguments.judgement.hold_against(&baseline, run);
            to_people(&text);
            complaints.extend(worse);
        }
    }
    finish(&runs, complaints, ended_by)
}

/// `compare` of targets: whether something broke.
///
/// # Errors
/// When it could not be measured, saved or shown.
pub async fn compare(arguments: &CompareTargetsArgs) -> Result<bool, Failure> {
    if arguments.targets.len() < 2 {
        return Err(Failure::Start(
            "one target compares with nothing: give --target again".to_owned(),
        ));
    }
    let labels = &arguments.saved.labels;
    if labels.len() > arguments.targets.len() {
        return Err(Failure::Start(format!(
            "--labels names {} runs, and there are {} targets",
            labels.len(),
            arguments.targets.len()
        )));
    }
    let foreseen = foresee(&arguments.scenario, &arguments.targets, &arguments.play)?;
    make_sure_of_use(&foreseen, arguments.saved.format, &arguments.saved.judgement)?;
    let _made = make_sure_of(&[&arguments.json, &arguments.saved.output])?;
    if let Some(caution) = too_few(arguments.play.repetitions) {
        to_people(&format!("caution: {caution}"));
    }
    let Session { mut runs, ended_by } =
        hold(arguments.scenario, &arguments.targets, &arguments.play, None).await?;
    for (run, label) in runs.iter_mut().zip(labels) {
        run.label.clone_from(label);
    }
    save(&runs, arguments.json.as_deref())?;
    let complaints = arguments.saved.show(&runs)?;
    let noise = arguments.saved.judgement.noise;
    tell_written(&runs, Some(noise), arguments.saved.output.as_deref());
    finish(&runs, complaints, ended_by)
}

/// `produce`: a line for each record, and whether something broke.
///
/// # Errors
/// When nothing could be put.
pub async fn produce(arguments: &ProduceArgs) -> Result<bool, Failure> {
    if arguments.play.samples {
        return Err(Failure::Start(
            "produce shows each call and keeps none: leave out --samples, or pass it to run steady"
                .to_owned(),
        ));
    }
    let _made = make_sure_of(&[&arguments.save])?;
    let (sender, mut heard) = mpsc::unbounded_channel::<Sample>();
    let is_json = arguments.json;
    let printing = tokio::spawn(async move {
        let mut printed = print_header(is_json);
        while let Some(sample) = heard.recv().await {
            // Whoever closed the pipe has seen enough; the records are put all the same.
            if printed.is_ok() && sample.operation.starts_with("PutRecord") {
                printed = print_sample(&sample, is_json);
            }
        }
        match printed {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
            _ => Ok(()),
        }
    });
    let targets = std::slice::from_ref(&arguments.target);
    let held = hold(steady::SCENARIO, targets, &arguments.play, Some(sender)).await;
    let printed = printing.await.expect("printing does not panic");
    let Session { runs, ended_by } = held?;
    save(&runs, arguments.save.as_deref())?;
    let text = Format::Table.render(&runs, &Choices::default()).map_err(Failure::Answer)?;
    to_people(&text);
    printed?;
    finish(&runs, Vec::new(), ended_by)
}

/// `null`: serves until Ctrl-C.
///
/// # Errors
/// When the port cannot be had.
pub async fn null(port: u16) -> Result<bool, Failure> {
    let server = NullServer::start(port).map_err(|error| {
        Failure::Start(format!("port {port} cannot be had ({error}): pass another --port"))
    })?;
    println!("the null target answers at {}", server.url());
    ctrl_c().await.map_err(|error| Failure::Start(error.to_string()))?;
    Ok(false)
}

/// Tells complaints to people; whether there were any.
#[must_use]
pub fn complain(complaints: Complaints) -> bool {
    for complaint in &complaints {
        eprintln!("kinesis-bench: {complaint}");
    }
    !complaints.is_empty()
}

fn finish(
    runs: &[Run],
    complaints: Complaints,
    ended_by: Option<Failure>,
) -> Result<bool, Failure> {
    let is_complained = complain(complaints);
    match ended_by {
        Some(failure) => Err(failure),
        None => Ok(is_complained || runs.iter().any(|run| !run.holds())),
    }
}

/// Refuses a form that will have nothing to show, and conditions on what is not measured.
fn make_sure_of_use(
    foreseen: &[Run],
    format: Format,
    judgement: &JudgementArgs,
) -> Result<(), Failure> {
    format.render(foreseen, &Choices::default()).map_err(Failure::Answer)?;
    judgement.complaints(foreseen).map(drop)
}

/// Opens the files that will be written, so that a measurement is not made in vain.
///
/// # Errors
/// When one of them cannot be written.
pub fn make_sure_of(files: &[&Option<PathBuf>]) -> Result<Made, Failure> {
    let mut made = Made(Vec::new());
    for path in files.iter().filter_map(|path| path.as_deref()) {
        if path.as_os_str() == "-" {
            continue;
        }
        let opened = match OpenOptions::new().create_new(true).write(true).open(path) {
            Ok(_) => {
                made.0.push(path.to_owned());
                continue;
            }
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            Err(_) => OpenOptions::new().append(true).open(path),
        };
        opened.map_err(|error| {
            let sentence = format!("{}: {error}; name another file", path.display());
            Failure::Output(io::Error::new(error.kind(), sentence))
        })?;
    }
    Ok(made)
}

/// Files that were not there before. Those into which nothing was written go away again.
#[derive(Debug)]
pub struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for path in &self.0 {
            if path.metadata().is_ok_and(|file| file.len() == 0) {
                // An empty file that cannot be removed harms nobody.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn save(runs: &[Run], path: Option<&Path>) -> Result<(), Failure> {
    match path {
        None => Ok(()),
        Some(path) => {
            write(&saved::text(runs), Some(path)).inspect_err(|_| show_unsaved(runs, Some(path)))
        }
    }
}

/// What came of it in a line for each run, and of a comparison, where all else is in a file.
fn tell_written(runs: &[Run], noise: Option<f64>, path: Option<&Path>) {
    let Some(path) = path.filter(|path| path.as_os_str() != "-") else { return };
    for run in runs {
        let name = if runs.len() > 1 { format!("{}: ", run.label) } else { String::new() };
        to_people(&(name + &terminal::verdict(run)));
    }
    if let (Some(noise), [baseline, others @ ..]) = (noise, runs) {
        for other in others {
            to_people(&Comparison::new(baseline, other, noise).verdict());
        }
    }
    to_people(&format!("written to {}", path.display()));
}

/// The measurement took time that a full disk must not cost.
fn show_unsaved(runs: &[Run], path: Option<&Path>) {
    let place = path.map_or("stdout".to_owned(), |path| path.display().to_string());
    to_people(&format!("nothing could be written to {place}; here is what was measured:"));
    if let Ok(text) = Format::Table.render(runs, &Choices::default()) {
        to_people(&text);
    }
}

fn is_stdout(path: &Option<PathBuf>) -> bool {
    path.as_ref().is_some_and(|path| path.as_os_str() == "-")
}

fn to_people(text: &str) {
    // Without a stderr there is nobody to tell.
    let _ = writeln!(stderr().lock(), "{}", text.trim_end());
}

fn print_header(is_json: bool) -> io::Result<()> {
    if is_json {
        return Ok(());
    }
    let mut out = stdout().lock();
    writeln!(out, "{:>10}  {:20}  {:56}  {:>9}", "at", "shard", "sequence number", "latency")?;
    out.flush()
}

fn print_sample(sample: &Sample, is_json: bool) -> io::Result<()> {
    let mut out = stdout().lock();
    if is_json {
        serde_json::to_writer(&mut out, sample)?;
        writeln!(out)?;
    } else {
        let at = format!("{:.3}s", sample.at_ms / 1e3);
        let latency = format!("{:.3}ms", sample.latency_us as f64 / 1e3);
        let shard = sample.shard_id.as_deref().unwrap_or("-");
        let answer = sample.sequence_number.as_deref().or(sample.error.as_deref()).unwrap_or("-");
        writeln!(out, "{at:>10}  {shard:20}  {answer:56}  {latency:>9}")?;
    }
    out.flush()
}
