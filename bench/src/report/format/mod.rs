//! The forms in which saved runs are shown.

pub mod csv;
pub mod hgrm;
pub mod html;
pub mod jtl;
pub mod markdown;
pub mod terminal;

use clap::ValueEnum;

use super::run::Run;
use super::saved;

/// A form in which runs are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For the terminal, up to 100 columns wide
    Table,
    /// The saved run itself, in the published schema
    Json,
    /// One line for each phase of each repetition
    Csv,
    /// One line for each second of each phase and shard
    CsvSeries,
    /// JMeter results, one line for each call; needs --samples
    Jtl,
    /// For a pull request or a document
    Markdown,
    /// A single page with charts, which needs no network
    Html,
    /// HdrHistogram's percentile format, for its plotter
    Hgrm,
}

/// How runs are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Choices {
    /// Ratios up to one more than this are noise.
    pub noise: f64,
    /// The phase whose latencies a form shows that shows only one.
    pub phase: Option<String>,
    /// Whether such a form shows latencies from the actual start.
    pub is_uncorrected: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self { noise: super::compare::NOISE_DEFAULT, phase: None, is_uncorrected: false }
    }
}

impl Format {
    /// Shows runs, the first being the baseline of the others.
    ///
    /// # Errors
    /// When they lack what the form shows, as a sentence that says what to do.
    pub fn render(self, runs: &[Run], choices: &Choices) -> Result<String, String> {
        match self {
            Self::Table => Ok(terminal::render(runs, choices)),
            Self::Json => Ok(saved::text(runs)),
            Self::Csv => Ok(csv::summary(runs)),
            Self::CsvSeries => Ok(csv::series(runs)),
            Self::Jtl => jtl::render(runs),
            Self::Markdown => Ok(markdown::render(runs, choices)),
            Self::Html => Ok(html::render(runs, choices)),
            Self::Hgrm => hgrm::render(runs, choices),
        }
    }
}

#[cfg(test)]
mod tests;
