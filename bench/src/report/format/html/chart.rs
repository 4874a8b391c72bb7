//! Charts as inline SVG, drawn twice: for wide screens and for narrow ones, so that
//! their text keeps its size. Colours are classes of the style sheet, for light and
//! dark alike.

use std::fmt::Write as _;

/// Text that is only text.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Colours of the style sheet; a ninth series takes the first again.
pub(super) const COLOURS: usize = 8;

/// How a line is drawn besides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    Solid,
    Dashed,
    Dotted,
}

impl Stroke {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Solid => "",
            Self::Dashed => " dashed",
            Self::Dotted => " dotted",
        }
    }
}

/// A value's place between two ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    Linear { low: f64, high: f64 },
    Log { low: f64, high: f64 },
}

impl Scale {
    /// From zero to a round number at or above `most`.
    pub(super) fn from_zero(most: f64) -> Self {
        let step = step(most.max(f64::MIN_POSITIVE));
        Self::Linear { low: 0.0, high: (most / step).ceil().max(1.0) * step }
    }

    /// Whole powers of ten, or their 2 and 5, around the values.
    pub(super) fn log(least: f64, most: f64) -> Self {
        let low = least.max(1e-3);
        let high = most.max(low * 1.01);
        let round = |value: f64, is_up: bool| {
            let power = 10_f64.powf(value.log10().floor());
            let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
            let fits =
                |step: &f64| if is_up { *step >= value * 0.9999 } else { *step <= value * 1.0001 };
            if is_up { steps.into_iter().find(fits) } else { steps.into_iter().rfind(fits) }
                .unwrap_or(value)
        };
        Self::Log { low: round(low, false), high: round(high, true) }
    }

    /// From 0 to 1.
    pub(super) fn at(self, value: f64) -> f64 {
        let part = match self {
            Self::Linear { low, high } => (value - low) / (high - low),
            Self::Log { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
        };
        part.clamp(0.0, 1.0)
    }

    /// Values worth a line of the grid.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { low, high } => {
                let step = step(high - low);
                let count = ((high - low) / step).round() as usize;
                (0..=count).map(|tick| low + tick as f64 * step).collect()
            }
            Self::Log { low, high } => {
                let decades = (high / low).log10();
                let steps: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
                let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
                (first..=last)
                    .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
                    .filter(|tick| *tick >= low * 0.999 && *tick <= high * 1.001)
                    .collect()
            }
        }
    }
}

/// A step of 1, 2 or 5 times a power of ten, four to eight of which make the whole.
fn step(whole: f64) -> f64 {
    let power = 10_f64.powf((whole / 4.0).log10().floor());
    let fits = |step: &&f64| whole / (*step * power) >= 4.0;
    [5.0, 2.0, 1.0].iter().find(fits).unwrap_or(&1.0) * power
}

/// Where a chart is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) is_wide: bool,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    pub(super) fn new(is_wide: bool) -> Self {
        let (width, height) = if is_wide { (600.0, 280.0) } else { (320.0, 240.0) };
        Self { is_wide, width, height, left: 58.0, right: 14.0, top: 14.0, bottom: 40.0 }
    }

    pub(super) fn x(&self, part: f64) -> f64 {
        self.left + part * (self.width - self.left - self.right)
    }

    /// Upwards.
    pub(super) fn y(&self, part: f64) -> f64 {
        self.height - self.bottom - part * (self.height - self.top - self.bottom)
    }
}

/// Both drawings of a chart, with a title and a description for those who cannot see it.
pub(super) fn both(
    id: &str,
    title: &str,
    description: &str,
    draw: impl Fn(&Frame) -> Drawing,
) -> String {
    let mut html = String::new();
    for is_wide in [true, false] {
        let drawing = draw(&Frame::new(is_wide));
        let kind = if is_wide { "wide" } else { "narrow" };
        let (width, height) = (drawing.width, drawing.height);
        let (title, description) = (escape(title), escape(description));
        let _ = write!(
            html,
            "<svg class=\"chart {kind}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-labelledby=\"{id}-{kind}-t {id}-{kind}-d\">\
             <title id=\"{id}-{kind}-t\">{title}</title>\
             <desc id=\"{id}-{kind}-d\">{description}</desc>{}</svg>",
            drawing.body
        );
    }
    html
}

/// What stands inside of an SVG.
#[derive(Debug)]
pub(super) struct Drawing {
    width: f64,
    height: f64,
    body: String,
}

impl Drawing {
    pub(super) fn new(frame: &Frame) -> Self {
        Self { width: frame.width, height: frame.height, body: String::new() }
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ = write!(
            self.body,
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    pub(super) fn rect(&mut self, class: &str, at: (f64, f64), size: (f64, f64)) {
        let _ = write!(
            self.body,
            "<rect class=\"{class}\" x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\"/>",
            at.0,
            at.1,
            size.0.max(0.0),
            size.1.max(0.0)
        );
    }

    pub(super) fn text(&mut self, class: &str, anchor: &str, at: (f64, f64), text: &str) {
        let _ = write!(
            self.body,
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            at.0,
            at.1,
            escape(text)
        );
    }

    pub(super) fn curve(&mut self, colour: usize, stroke: Stroke, points: &[(f64, f64)]) {
        if points.is_empty() {
            return;
        }
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{x:.1} {y:.1}", if at == 0 { "M" } else { "L" });
        }
        // A single point is a dot: a line to itself with round ends.
        if points.len() == 1 {
            path += "h0.01";
        }
        let (colour, dashes) = (colour % COLOURS, stroke.class());
        let _ = write!(self.body, "<path class=\"curve s{colour}{dashes}\" d=\"{path}\"/>");
    }

    /// An area that says something when pointed at.
    pub(super) fn hit(&mut self, at: (f64, f64), size: (f64, f64), says: &str) {
        let _ = write!(
            self.body,
            "<rect class=\"hit\" x=\"{:.2}\" y=\"{:.2}\" width=\"{:.2}\" height=\"{:.2}\">\
             <title>{}</title></rect>",
            at.0,
            at.1,
            size.0.max(0.0),
            size.1.max(0.0),
            escape(says)
        );
    }

    /// The grid's horizontal lines with their values, and the name of what they count.
    pub(super) fn y_axis(&mut self, frame: &Frame, scale: Scale, written: impl Fn(f64) -> String) {
        for tick in scale.ticks() {
            let y = frame.y(scale.at(tick));
            self.line("grid", (frame.x(0.0), y), (frame.x(1.0), y));
            self.text("", "end", (frame.left - 6.0, y + 4.0), &written(tick));
        }
    }

    /// The axis at the bottom: ticks where labels stand, and what it counts.
    pub(super) fn x_axis(&mut self, frame: &Frame, ticks: &[(f64, String)], name: &str) {
        let bottom = frame.y(0.0);
        self.line("axis", (frame.x(0.0), bottom), (frame.x(1.0), bottom));
        let mut free_from = f64::NEG_INFINITY;
        for (part, label) in ticks {
            let x = frame.x(*part);
            self.line("axis", (x, bottom), (x, bottom + 4.0));
            let half = label.chars().count() as f64 * DIGIT_WIDTH / 2.0;
            // A label at the right edge moves in; one that would touch its neighbour is left out.
            let centre = x.min(frame.width - half - 1.0);
            if centre - half > free_from {
                self.text("", "middle", (centre, bottom + 17.0), label);
                free_from = centre + half + 8.0;
            }
        }
        let middle = frame.x(0.5);
        self.text("", "middle", (middle, frame.height - 6.0), name);
    }
}

/// The width of a digit at the size of the charts' text.
pub(super) const DIGIT_WIDTH: f64 = 7.0;

/// A line of a legend: a sample of the stroke, or of the fill, and a name.
pub(super) fn legend(entries: &[(usize, Option<Stroke>, String)]) -> String {
    let mut html = String::from("<ul class=\"legend\">");
    for (colour, stroke, name) in entries {
        let colour = colour % COLOURS;
        let mark = match stroke {
            Some(stroke) => format!(
                "<svg width=\"26\" height=\"10\" aria-hidden=\"true\">\
                 <path class=\"curve s{colour}{}\" d=\"M1 5H25\"/></svg>",
                stroke.class()
            ),
            None => format!(
                "<svg width=\"12\" height=\"12\" aria-hidden=\"true\">\
                 <rect class=\"f{colour}\" width=\"12\" height=\"12\" rx=\"2\"/></svg>"
            ),
        };
        let _ = write!(html, "<li>{mark}{}</li>", escape(name));
    }
    html + "</ul>"
}

#[cfg(test)]
mod tests {
    use super::{Scale, escape};

    #[test]
    fn scales_end_at_round_numbers() {
        for (most, high) in [(0.9, 1.0), (7.0, 7.0), (975.0, 1_000.0), (1_234.0, 1_400.0)] {
            let scale = Scale::from_zero(most);
            let ticks = scale.ticks();
            assert!((ticks.last().unwrap() - high).abs() < 1e-9, "{most}: {ticks:?}");
            assert!((4..=9).contains(&ticks.len()), "{most}: {ticks:?}");
            assert!((scale.at(high) - 1.0).abs() < 1e-9);
        }
        let ticks = Scale::log(130.0, 1_900.0).ticks();
        assert_eq!(
            ticks.iter().map(|tick| tick.round()).collect::<Vec<_>>(),
            [100.0, 200.0, 500.0, 1_000.0, 2_000.0]
        );
    }

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    }
}
