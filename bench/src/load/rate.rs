//! Rates over time, from a small text such as `ramp:100..1000/60s`.
//!
//! A shape answers one question: when is the *n*-th item due? The answer is a
//! pure function, so an open loop knows every intended start before it begins.
//!
//! | text | meaning |
//! |---|---|
//! | `100`, `100/s` | 100 a second, to the end |
//! | `steps:100x10s,500x10s` | 100 a second for 10 s, then 500 |
//! | `ramp:100..1000/60s` | evenly from 100 to 1,000 within a minute, then 1,000 |
//! | `sine:100..1000/60s` | up and down between the two, a minute a wave |
//! | `spike:100..1000/5s@30s` | 100, but 1,000 for 5 s from second 30 |

use std::f64::consts::TAU;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::cli::duration;

/// A rate over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    text: String,
    /// In order of time. After the last one its final rate goes on.
    pieces: Vec<Piece>,
}

/// A stretch of time with one law.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    law: Law,
    seconds: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Law {
    /// From one rate evenly to another; the same twice is a constant.
    Ramp { from: f64, to: f64 },
    /// Between two rates, from the lower one, with this period in seconds.
    Sine { low: f64, high: f64, period: f64 },
}

impl Shape {
    /// The same rate to the end.
    #[must_use]
    pub fn constant(per_second: f64) -> Self {
        let law = Law::Ramp { from: per_second, to: per_second };
        Self {
            text: format!("{per_second}/s"),
            pieces: vec![Piece { law, seconds: f64::INFINITY }],
        }
    }

    /// When so many items are due; fractions are for arrivals that are drawn.
    #[must_use]
    pub fn due(&self, items: f64) -> Duration {
        let (mut start, mut left) = (0.0, items);
        for piece in &self.pieces {
            let within = piece.count(piece.seconds);
            if left < within || piece.seconds.is_infinite() {
                return seconds(start + piece.invert(left));
            }
            (start, left) = (start + piece.seconds, left - within);
        }
        unreachable!("the last piece of a shape never ends")
    }

    /// How many items are due within so much time.
    #[must_use]
    pub fn count(&self, within: Duration) -> f64 {
        let (mut left, mut items) = (within.as_secs_f64(), 0.0);
        for piece in &self.pieces {
            items += piece.count(left.min(piece.seconds));
            left -= piece.seconds;
            if left <= 0.0 {
                break;
            }
        }
        items
    }

    /// The greatest rate within the first so much time.
    #[must_use]
    pub fn peak(&self, within: Duration) -> f64 {
        let (mut start, mut peak) = (0.0, 0.0_f64);
        for piece in &self.pieces {
            if start <= within.as_secs_f64() {
                peak = peak.max(match piece.law {
                    Law::Ramp { from, to } => from.max(to),
                    Law::Sine { high, .. } => high,
                });
            }
            start += piece.seconds;
        }
        peak
    }

    /// The time that the text itself takes, if it ends.
    #[must_use]
    pub fn own_duration(&self) -> Option<Duration> {
        let bounded: f64 =
            self.pieces.iter().map(|piece| piece.seconds).filter(|s| s.is_finite()).sum();
        (bounded > 0.0).then(|| seconds(bounded))
    }

    fn new(text: &str, mut pieces: Vec<Piece>, last: f64) -> Self {
        let law = Law::Ramp { from: last, to: last };
        pieces.push(Piece { law, seconds: f64::INFINITY });
        Self { text: text.to_owned(), pieces }
    }
}

impl Piece {
    /// Items due in the first `t` seconds of the piece.
    fn count(&self, t: f64) -> f64 {
        match self.law {
            Law::Ramp { from, to } if from == to => from * t,
            Law::Ramp { from, to } => from * t + (to - from) * t * t / (2.0 * self.seconds),
            Law::Sine { low, high, period } => {
                let middle = f64::midpoint(low, high);
                let swing = (high - low) / 2.0;
                // The integral of middle − swing·cos(τt/period).
                middle * t - swing * period / TAU * (TAU * t / period).sin()
            }
        }
    }

    /// The inverse of [`count`](Self::count), which rises strictly.
    fn invert(&self, items: f64) -> f64 {
        match self.law {
            Law::Ramp { from, to } if from == to => items / from,
            Law::Ramp { from, to } => {
                let slope = (to - from) / self.seconds;
                // The root of slope/2·t² + from·t − items that lies in the piece.
                2.0 * items / (from + (from * from + 2.0 * slope * items).max(0.0).sqrt())
            }
            Law::Sine { low, .. } => {
                let (mut least, mut most) = (0.0, items / low);
                for _ in 0..60 {
                    let middle = f64::midpoint(least, most);
                    if self.count(middle) < items {
                        least = middle;
                    } else {
                        most = middle;
                    }
                }
                most
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            // A number without its unit means the same, and is saved with it.
            None => Ok(Self::constant(rate(text.strip_suffix("/s").unwrap_or(text))?)),
            Some(("steps", rest)) => {
                let mut pieces = Vec::new();
                let mut last = 0.0;
                for step in rest.split(',') {
                    let (rate_text, time) = step.split_once('x').ok_or_else(wanted)?;
                    last = rate(rate_text)?;
                    pieces.push(Piece {
                        law: Law::Ramp { from: last, to: last },
                        seconds: duration(time)?.as_secs_f64(),
                    });
                }
                Ok(Self::new(text, pieces, last))
            }
            Some(("ramp", rest)) => {
                let (from, to, time) = range(rest)?;
                let seconds = duration(time)?.as_secs_f64();
                Ok(Self::new(text, vec![Piece { law: Law::Ramp { from, to }, seconds }], to))
            }
            Some(("sine", rest)) => {
                let (low, high, time) = range(rest)?;
                let period = duration(time)?.as_secs_f64();
                let law = Law::Sine { low, high, period };
                Ok(Self {
                    text: text.to_owned(),
                    pieces: vec![Piece { law, seconds: f64::INFINITY }],
                })
            }
            Some(("spike", rest)) => {
                let (base, peak, times) = range(rest)?;
                let (length, at) = times.split_once('@').ok_or_else(wanted)?;
                let flat =
                    |rate, seconds| Piece { law: Law::Ramp { from: rate, to: rate }, seconds };
                let pieces = vec![
                    flat(base, duration(at)?.as_secs_f64()),
                    flat(peak, duration(length)?.as_secs_f64()),
                ];
                Ok(Self::new(text, pieces, base))
            }
            Some(_) => Err(wanted()),
        }
    }
}

fn wanted() -> String {
    "a rate is 100, steps:100x10s,500x10s, ramp:100..1000/60s, sine:100..1000/60s \
     or spike:100..1000/5s@30s"
        .to_owned()
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| wanted())?;
    if rate.is_finite() && rate > 0.0 && rate <= RATE_MAX {
        Ok(rate)
    } else {
        Err(format!("a rate is more than zero and at most {RATE_MAX} a second"))
    }
}

/// `100..1000/60s` as its three parts.
fn range(text: &str) -> Result<(f64, f64, &str), String> {
    let (rates, time) = text.split_once('/').ok_or_else(wanted)?;
    let (from, to) = rates.split_once("..").ok_or_else(wanted)?;
    Ok((rate(from)?, rate(to)?, time))
}

/// A microsecond between items: beyond that the pace is the machine's own.
const RATE_MAX: f64 = 1e6;

fn seconds(seconds: f64) -> Duration {
    // Rates are above zero, so that only a count near the end of time overflows.
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Shape;

    fn due(shape: &str, item: u32) -> f64 {
        shape.parse::<Shape>().unwrap().due(f64::from(item)).as_secs_f64()
    }

    #[test]
    fn items_are_due_when_the_shape_says() {
        for (shape, item, at) in [
            ("100", 0, 0.0),
            ("100/s", 250, 2.5),
            ("0.5", 3, 6.0),
            ("steps:100x10s,500x10s", 999, 9.99),
            ("steps:100x10s,500x10s", 1_500, 11.0),
            ("steps:100x10s,500x10s", 6_500, 21.0),
            // The mean of the first minute is 550 a second.
            ("ramp:100..1000/60s", 33_000, 60.0),
            ("ramp:100..1000/60s", 34_000, 61.0),
            ("ramp:1000..100/60s", 33_000, 60.0),
            ("sine:100..1000/60s", 33_000, 60.0),
            ("spike:100..1000/5s@30s", 3_000, 30.0),
            ("spike:100..1000/5s@30s", 8_000, 35.0),
            ("spike:100..1000/5s@30s", 8_100, 36.0),
        ] {
            let answer = due(shape, item);
            assert!((answer - at).abs() < 1e-6, "{shape}: item {item} is due at {answer}");
        }
    }

    #[test]
    fn the_count_undoes_the_due_time_everywhere() {
        for text in [
            "250/s",
            "steps:10x2s,1000x1s,5x4s",
            "ramp:1..500/7s",
            "ramp:500..1/7s",
            "sine:5..50/3s",
            "spike:10..900/1s@2s",
        ] {
            let shape: Shape = text.parse().unwrap();
            let mut before = Duration::ZERO;
            for item in 0..2_000 {
                let at = shape.due(f64::from(item));
                assert!(at >= before, "{text}: item {item} is due before the one before");
                assert!((shape.count(at) - f64::from(item)).abs() < 1e-3, "{text}: item {item}");
                before = at;
            }
            assert_eq!(shape.to_string(), text);
        }
    }

    #[test]
    fn peaks_and_lengths_are_known_beforehand() {
        let spike: Shape = "spike:100..1000/5s@30s".parse().unwrap();
        assert_eq!(spike.peak(Duration::from_secs(20)), 100.0);
        assert_eq!(spike.peak(Duration::from_secs(60)), 1_000.0);
        assert_eq!(spike.own_duration(), Some(Duration::from_secs(35)));
        assert_eq!("100".parse::<Shape>().unwrap().own_duration(), None);
    }

    #[test]
    fn what_is_no_rate_is_refused_with_examples() {
        for text in
            ["", "fast", "ramp:1..2", "ramp:1/2s", "steps:5", "saw:1..2/3s", "spike:1..2/3s"]
        {
            let error = text.parse::<Shape>().unwrap_err();
            assert!(error.contains("ramp:100..1000/60s"), "{text} said: {error}");
        }
        for text in ["0", "-5", "inf", "NaN", "ramp:0..5/1s", "2000000"] {
            let error = text.parse::<Shape>().unwrap_err();
            assert!(error.contains("more than zero"), "{text} said: {error}");
        }
        assert!("ramp:1..5/0s".parse::<Shape>().unwrap_err().contains("longer than zero"));
    }
}
