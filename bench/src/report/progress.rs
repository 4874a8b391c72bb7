//! How far a run is, on stderr: a bar on a terminal, a line per quarter elsewhere.
//!
//! Law: to advance costs the measured task an atomic addition; the bar is drawn
//! by a thread of its own.

use std::io::{IsTerminal, stderr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// Where and how progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar that redraws itself.
    Bar,
    /// A line now and then.
    Lines,
    /// Nothing.
    Silent,
}

/// One phase on its way; a clone advances the same phase.
#[derive(Debug, Clone)]
pub struct Phase(Display);

impl Progress {
    /// A bar if stderr is a terminal, lines if it is a file or a pipe.
    #[must_use]
    pub fn on_stderr() -> Self {
        if stderr().is_terminal() { Self::Bar } else { Self::Lines }
    }

    /// Begins a phase that ends at `total` records.
    #[must_use]
    pub fn phase(self, label: &'static str, total: usize) -> Phase {
        Phase(match self {
            Self::Bar => Display::Bar(bar(label, total)),
            Self::Lines => {
                Display::Lines(Arc::new(Lines { label, total, done: AtomicUsize::new(0) }))
            }
            Self::Silent => Display::Silent,
        })
    }
}

impl Phase {
    /// So many more records are done.
    pub fn advance(&self, records: usize) {
        match &self.0 {
            Display::Bar(bar) => bar.inc(records as u64),
            Display::Lines(lines) => {
                if let Some(line) = lines.advance(records) {
                    eprintln!("{line}");
                }
            }
            Display::Silent => {}
        }
    }
}

#[derive(Debug, Clone)]
enum Display {
    Bar(ProgressBar),
    Lines(Arc<Lines>),
    Silent,
}

#[derive(Debug)]
struct Lines {
    label: &'static str,
    total: usize,
    done: AtomicUsize,
}

impl Lines {
    /// The line to print when another quarter is complete.
    fn advance(&self, records: usize) -> Option<String> {
        let before = self.done.fetch_add(records, Relaxed);
        let done = before + records;
        let quarter = |done| done * 4 / self.total;
        (quarter(before) < quarter(done))
            .then(|| format!("{} {done}/{} records", self.label, self.total))
    }
}

fn bar(label: &'static str, total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:9} {bar:40} {pos}/{len} records, {elapsed}")
        .expect("the template is well formed");
    let bar = ProgressBar::new(total as u64)
        .with_style(style)
        .with_message(label)
        .with_finish(ProgressFinish::AndClear);
    bar.enable_steady_tick(REDRAW);
    bar
}

const REDRAW: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::Lines;

    #[test]
    fn a_line_is_due_at_each_quarter_whatever_the_step() {
        for step in [1, 7, 50] {
            let lines = Lines { label: "producing", total: 100, done: AtomicUsize::new(0) };
            let steps = 100_usize.div_ceil(step);
            let printed = (0..steps).filter_map(|_| lines.advance(step)).count();
            assert_eq!(printed, if step == 50 { 2 } else { 4 });
        }
    }
}
