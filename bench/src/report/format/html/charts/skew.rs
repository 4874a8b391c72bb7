//! Which shard got which part of the records.

use std::fmt::Write as _;

use super::super::chart::{self, DIGIT_WIDTH, Drawing, Frame, Scale};
use super::{card, short_number, short_shard, which};
use crate::report::digest;
use crate::report::run::{Run, Shard};
use crate::report::units;

/// What part of the records each shard got, beside the part of hash keys it owns.
pub(crate) fn skew(at: usize, run: &Run) -> String {
    let title = "Records by shard";
    let shards = digest::shards(run);
    if shards.is_empty() {
        return String::new();
    }
    let mut shown: Vec<&Shard> = shards.iter().collect();
    let mut more = String::new();
    if shards.len() > SHARDS_MAX {
        shown.sort_by_key(|shard| std::cmp::Reverse(shard.records));
        shown.truncate(SHARDS_MAX);
        let _ = write!(more, " The {SHARDS_MAX} busiest of {} shards.", shards.len());
    }
    let most = shown
        .iter()
        .flat_map(|shard| [shard.share, shard.hash_share.unwrap_or(0.0)])
        .fold(0.0, f64::max);
    let x = Scale::from_zero(most * 100.0);
    let mut description = String::from("The part of all records that each shard got.");
    for shard in &shown {
        let name = short_shard(&shard.shard_id);
        let _ = write!(description, " {name}: {}.", units::percent(shard.share));
    }
    let svg = chart::both(&format!("skew{at}"), title, &description, |frame| {
        let longest = shown.iter().map(|shard| short_shard(&shard.shard_id).chars().count()).max();
        let left = (longest.unwrap_or(0) as f64 * DIGIT_WIDTH + 10.0).min(frame.width * 0.4);
        // Room for the longest value beside the longest bar.
        let right = if frame.is_wide { 118.0 } else { 62.0 };
        let height = frame.top + frame.bottom + ROW_HEIGHT * shown.len() as f64;
        let frame = Frame { left, right, height, ..*frame };
        let mut drawing = Drawing::new(&frame);
        let ticks: Vec<(f64, String)> = x
            .ticks()
            .iter()
            .map(|tick| (x.at(*tick), format!("{} %", short_number(*tick))))
            .collect();
        for (part, _) in &ticks {
            drawing.line("grid", (frame.x(*part), frame.y(0.0)), (frame.x(*part), frame.y(1.0)));
        }
        drawing.x_axis(&frame, &ticks, "part of all records");
        for (row, shard) in shown.iter().enumerate() {
            let top = frame.top + row as f64 * ROW_HEIGHT;
            let end = frame.x(x.at(shard.share * 100.0));
            let name = short_shard(&shard.shard_id);
            drawing.text("strong", "end", (left - 8.0, top + 16.0), &name);
            drawing.rect("f0", (left, top + 4.0), (end - left, ROW_HEIGHT - 8.0));
            let mut beyond = end;
            if let Some(hash_share) = shard.hash_share {
                let mark = frame.x(x.at(hash_share * 100.0));
                drawing.line("mark", (mark, top + 1.0), (mark, top + ROW_HEIGHT - 1.0));
                // The value steps aside if the mark stands where it would be.
                if (end - 2.0..end + right).contains(&mark) {
                    beyond = mark;
                }
            }
            let value = if frame.is_wide {
                format!("{} ({})", units::percent(shard.share), units::count(shard.records))
            } else {
                units::percent(shard.share)
            };
            drawing.text("strong", "start", (beyond + 6.0, top + 16.0), &value);
            let mut says = format!(
                "{}: {} ({}), {}",
                shard.shard_id,
                units::counted(shard.records, "record"),
                units::percent(shard.share),
                units::bytes(shard.bytes as f64)
            );
            if let Some(share) = shard.hash_share {
                let _ = write!(says, "\nowns {} of hash keys", units::percent(share));
            }
            let _ = write!(says, "\n{}", units::counted(shard.throttles, "throttle"));
            if let Some(age) = shard.iterator_age_ms_max {
                let _ = write!(says, "\na reader was behind by {} at most", units::time(age * 1e3));
            }
            drawing.hit((0.0, top), (frame.width, ROW_HEIGHT), &says);
        }
        drawing
    });
    let caption = format!(
        "Bars: the part of all records. Marks: the part of all hash keys that the shard owns, which \
         even keys would fill.{more} {}",
        which(run)
    );
    card(title, &caption, &svg)
}

/// As many rows as stand beside another chart without a hole.
const SHARDS_MAX: usize = 12;
const ROW_HEIGHT: f64 = 24.0;
