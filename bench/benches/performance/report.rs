//! The table as Markdown and as JSON, with the machine and the command it belongs to.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clap::Parser;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use kinesis_bench::Settings;
use kinesis_bench::environment::Environment;
use kinesis_bench::measure::clock::since_epoch;
use kinesis_bench::measure::process::{self, Machine};
use kinesis_bench::report::units;
use serde_json::{Value, json};

use crate::row::{HEADINGS, Row};
use crate::{Outcome, Plan};

/// Between these lines a page is written anew; all else in it stays.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// What surrounds the figures.
#[derive(Debug)]
pub(crate) struct Report {
    environment: Environment,
    began: jiff::Timestamp,
    machine: Option<Machine>,
    /// Processor seconds of this process and of those it has started.
    used_before: f64,
    rows: Vec<Row>,
}

impl Report {
    /// Looks at the machine before anything is measured.
    pub(crate) fn begin() -> Outcome<Self> {
        let settings = Settings::try_parse_from(["kinesis-bench"])?;
        Ok(Self {
            environment: Environment::capture(&settings),
            began: jiff::Timestamp::UNIX_EPOCH.checked_add(since_epoch())?,
            machine: process::machine(),
            used_before: process::own_and_childrens_cpu_seconds().unwrap_or_default(),
            rows: Vec::new(),
        })
    }

    pub(crate) fn add(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }

    /// The part of the machine's processor time that others took, 0 to 1.
    fn busy(&self) -> Option<f64> {
        let own = process::own_and_childrens_cpu_seconds()? - self.used_before;
        process::share_of_others(self.machine?, process::machine()?, own)
    }

    /// For a terminal.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(HEADINGS);
        table.add_rows(self.rows.iter().map(Row::cells));
        table
    }

    pub(crate) fn markdown(&self, plan: &Plan) -> String {
        let busy = self.busy().map_or_else(|| "unknown".to_owned(), units::percent);
        let of = &self.environment;
        let known = |text: Option<&str>| text.unwrap_or("unknown").to_owned();
        let mut text = format!(
            "Measured on {date} at commit {commit} by\n\n```sh\n{command}\n```\n\n\
             on {cpu}, {cores} cores, {os}, kernel {kernel}, {rustc}. A figure is the median \
             of {rounds} rounds in which the servers took turns, with the least and the greatest \
             in brackets; a ratio is that of the same round, to the null server or to the best of \
             the others, which it names. Others took {busy} of the machine's \
             processor time meanwhile.\n\n",
            date = self.began.strftime("%Y-%m-%d"),
            commit = known(of.git_commit),
            command = command(),
            cpu = known(of.cpu_model.as_deref()),
            cores = of.cpu_cores.unwrap_or(0),
            os = of.os,
            kernel = known(of.kernel.as_deref()),
            rustc = known(of.rustc),
            rounds = plan.rounds,
        );
        text += &format!("| {} |\n|{}\n", HEADINGS.join(" | "), "---|".repeat(HEADINGS.len()));
        for row in &self.rows {
            let cells = row.cells().map(|cell| cell.replace('|', "\\|").replace('\n', "<br>"));
            text += &format!("| {} |\n", cells.join(" | "));
        }
        let left_out = self.left_out();
        if !left_out.is_empty() {
            text.push('\n');
        }
        for why in left_out {
            let why = why.split_whitespace().collect::<Vec<_>>().join(" ");
            text += &format!("- {}\n", why.replace('<', "&lt;"));
        }
        text
    }

    /// Why servers have no figure, once for all rows that it is so in.
    fn left_out(&self) -> Vec<&str> {
        let mut all = Vec::new();
        for why in self.rows.iter().flat_map(Row::why_left_out) {
            if !all.contains(&why.as_str()) {
                all.push(why);
            }
        }
        all
    }

    pub(crate) fn json(&self, plan: &Plan) -> Value {
        json!({
            "began": self.began.to_string(),
            "command": command(),
            "environment": self.environment,
            "rounds": plan.rounds,
            "busy_share": self.busy(),
            "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        })
    }
}

/// A page that the table belongs into, between its marks; a new one is the table alone.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    path: &'a Path,
    before: String,
    after: String,
}

impl<'a> Page<'a> {
    /// Looks for the marks.
    pub(crate) fn open(path: &'a Path) -> Outcome<Self> {
        let page = match fs::read_to_string(path) {
            Ok(page) => page,
            Err(error) if error.kind() == ErrorKind::NotFound => format!("{BEGIN}\n{END}\n"),
            Err(error) => return Err(error.into()),
        };
        let (Some((before, _)), Some((_, after))) = (page.split_once(BEGIN), page.split_once(END))
        else {
            let path = path.display();
            return Err(format!("{path}: the table goes between {BEGIN} and {END}").into());
        };
        Ok(Self { path, before: before.to_owned(), after: after.to_owned() })
    }

    pub(crate) fn fill(&self, text: &str) -> Outcome<()> {
        let Self { path, before, after } = self;
        Ok(fs::write(path, format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", text.trim_end()))?)
    }
}

/// What to type to measure the same again; programs and files by their names only.
fn command() -> String {
    let features = if cfg!(feature = "jemalloc") { " --features jemalloc" } else { "" };
    let mut text = format!("cargo bench -p kinesis-bench{features} --bench performance --");
    for argument in env::args().skip(1).filter(|argument| argument != "--bench") {
        let shown = match argument.split_once('=') {
            Some((name, command)) if command.contains('@') => {
                let words = command.split_whitespace().map(without_folders);
                format!(" '{name}={}'", words.collect::<Vec<_>>().join(" "))
            }
            // Where somebody keeps things says nothing to others.
            _ if argument.starts_with('/') => {
                format!(" ../{}", argument.rsplit('/').next().unwrap_or_default())
            }
            _ => format!(" {argument}"),
        };
        text += &shown;
    }
    text.trim_end_matches(" --").to_owned()
}

/// A word of a command, maybe `NAME=VALUE`, with the last part of a path alone.
fn without_folders(word: &str) -> String {
    let value = word.rsplit('=').next().unwrap_or(word);
    match value.rsplit_once('/') {
        Some((_, last)) => format!("{}path/to/{last}", &word[..word.len() - value.len()]),
        None => word.to_owned(),
    }
}
