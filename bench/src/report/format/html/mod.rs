//! One page that needs no network: its charts are drawn here, its style and its few
//! lines of script are inside, and its content policy forbids it to fetch anything.
//!
//! Laws: without the script it shows everything; nothing from a saved run becomes
//! markup; each chart has its numbers beside it as text or table.

mod chart;
mod charts;

use std::fmt::Write as _;

use super::{Choices, markdown, terminal};
use crate::report::compare::{self, Comparison, Finding};
use crate::report::digest;
use crate::report::run::{Load, Run, Summary};
use crate::report::units;
use chart::escape;

/// The page of some runs, the first being the baseline of the others.
#[must_use]
pub fn render(runs: &[Run], choices: &Choices) -> String {
    let title = title(runs);
    let mut html = String::new();
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
         <title>{}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n",
        escape(&title)
    );
    head(&mut html, runs, &title);
    tiles(&mut html, runs);
    if runs.len() > 1 {
        html += "<h2>Comparison</h2>\n<div class=\"cards\">\n";
        html += &charts::comparison_bars(runs);
        comparisons(&mut html, runs, choices);
        html += "</div>\n";
    }
    html += "<h2>Latency</h2>\n<div class=\"cards\">\n";
    let curves = charts::percentiles(runs);
    html.extend(curves.iter().map(String::as_str));
    // Beside a lone chart there is room for the table.
    latency_table(&mut html, runs, if curves.len().is_multiple_of(2) { " whole" } else { "" });
    html += "</div>\n";
    each_run(&mut html, runs);
    html += "<h2>What was measured</h2>\n<div class=\"cards\">\n";
    settings(&mut html, runs);
    environment(&mut html, runs);
    commands(&mut html, runs);
    html += "</div>\n";
    let version = runs.first().map_or("", |run| run.environment.package_version.as_str());
    let _ = write!(
        html,
        "<p class=\"quiet\" style=\"margin-top:24px\">Made by kinesis-bench {} from a saved run. \
         p99 is the time within which 99 of 100 calls were answered. Corrected latencies count \
         from the intended start of a call, so that waiting for a stalled target counts; \
         uncorrected ones count from its actual start.</p>\n</main>\n\
         <div id=\"tip\" hidden></div>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        escape(version)
    );
    html
}

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

fn title(runs: &[Run]) -> String {
    let labels: Vec<&str> = runs.iter().map(|run| run.label.as_str()).collect();
    let labels = match labels.as_slice() {
        [] => "no run".to_owned(),
        [one] => (*one).to_owned(),
        [first, others @ ..] => format!("{} against {first}", others.join(", ")),
    };
    match runs.first() {
        Some(run) => format!("{labels} · {}", run.scenario),
        None => labels,
    }
}

fn head(html: &mut String, runs: &[Run], title: &str) {
    let _ = write!(html, "<header>\n<h1>{}</h1>\n", escape(title));
    if let Some(run) = runs.first() {
        let _ = writeln!(
            html,
            "<p class=\"quiet\">Kinesis benchmark, {}. {}</p>",
            run.started.strftime("%Y-%m-%d %H:%M UTC"),
            escape(&terminal::settings(run))
        );
    }
    for run in runs {
        let records: u64 = digest::phases(run).first().map_or(0, |phase| phase.records);
        let records = units::counted(records, "record");
        let (class, sentence) = if run.measured().next().is_none() {
            ("broken", "Nothing was measured.".to_owned())
        } else if !run.holds() {
            ("broken", "✗ The target broke promises.".to_owned())
        } else if run.is_verified() {
            let what = "none lost, duplicated, misrouted, out of order or altered";
            ("held", format!("✓ {records} checked: {what}."))
        } else {
            ("unverified", format!("{records} put, and none of them verified."))
        };
        let label =
            if runs.len() > 1 { format!("{}: ", escape(&run.label)) } else { String::new() };
        let _ = write!(html, "<div class=\"verdict {class}\">{label}{sentence}");
        if !run.breaches.is_empty() {
            html.push_str("<ul>");
            for breach in &run.breaches {
                let _ = write!(html, "<li>{}</li>", escape(breach));
            }
            html.push_str("</ul>");
        }
        html.push_str("</div>\n");
    }
    for note in compare::notes(runs) {
        let _ =
            writeln!(html, "<p class=\"quiet\">Note: {}.</p>", escape(note.trim_end_matches('.')));
    }
    html.push_str("</header>\n");
}

/// The figures one looks for first, of a single run.
fn tiles(html: &mut String, runs: &[Run]) {
    let [run] = runs else { return };
    let phases = digest::phases(run);
    let Some(phase) = phases.first() else { return };
    let mut tiles = Vec::new();
    let beside = match phase.intended_records_per_second {
        Some(rate) => format!("{} intended", units::rate(rate)),
        None => format!("{}/s", units::bytes(phase.bytes_per_second.median)),
    };
    let rate = units::rate(phase.records_per_second.median);
    tiles.push((format!("{} records/s", phase.name), rate, beside));
    if let Some(latency) = &phase.latency {
        let summary = latency.headline().summary;
        let basis = if latency.corrected.is_some() { "corrected" } else { "closed loop" };
        let name = |quantile: &str| format!("{} {quantile}", phase.name);
        tiles.push((name("p50"), units::time(summary.p50_us as f64), basis.to_owned()));
        let uncorrected = match &latency.corrected {
            Some(_) => {
                format!("uncorrected {}", units::time(latency.uncorrected.summary.p99_us as f64))
            }
            None => basis.to_owned(),
        };
        tiles.push((name("p99"), units::time(summary.p99_us as f64), uncorrected));
        tiles.push((
            name("max"),
            units::time(summary.max_us as f64),
            format!("of {}", units::counted(summary.count, "call")),
        ));
    }
    for other in phases.iter().skip(1).take(1) {
        tiles.push((
            other.name.clone(),
            units::time(other.elapsed_ms.median * 1e3),
            format!("{} records/s", units::rate(other.records_per_second.median)),
        ));
    }
    let throttles: u64 = phases.iter().map(|phase| phase.throttles).sum();
    let retries: u64 = phases.iter().map(|phase| phase.retries).sum();
    tiles.push((
        "throttles".to_owned(),
        units::count(throttles),
        format!("retries: {}", units::count(retries)),
    ));
    html.push_str("<dl class=\"tiles\">");
    for (name, value, beside) in &tiles {
        let [name, value, beside] = [name, value, beside].map(|text| escape(text));
        let _ = write!(html, "<div><dt>{name}</dt><dd>{value}<small>{beside}</small></dd></div>");
    }
    html.push_str("</dl>\n");
    if let Some(own) = run.self_overhead {
        let _ = writeln!(
            html,
            "<p class=\"quiet\" style=\"margin-top:8px\">The client alone, against a target that \
             does nothing: p50 {}, p99 {}, {} records/s.</p>",
            units::time(own.p50_us as f64),
            units::time(own.p99_us as f64),
            units::rate(own.records_per_second)
        );
    }
}

fn comparisons(html: &mut String, runs: &[Run], choices: &Choices) {
    let Some((baseline, others)) = runs.split_first() else { return };
    for other in others {
        let comparison = Comparison::new(baseline, other, choices.noise);
        let _ = write!(
            html,
            "<section class=\"card\"><h3>{} against {}</h3>\n<p>{}</p>\n",
            escape(&comparison.other),
            escape(&comparison.baseline),
            escape(&comparison.verdict())
        );
        let mut table = Table::new(&["figure", "*baseline", "*this", "*ratio", "finding"]);
        for row in &comparison.rows {
            let class = match row.finding {
                Finding::Better => "better",
                Finding::Worse => "worse",
                Finding::WithinNoise | Finding::TooFew | Finding::Incomparable => "quiet",
            };
            table.row(&[
                escape(&row.name),
                row.unit.written(row.base.median),
                row.unit.written(row.other.median),
                row.ratio_written(),
                format!("<span class=\"{class}\">{}</span>", row.finding.words()),
            ]);
        }
        if !comparison.rows.is_empty() {
            *html += &table.html();
        }
        for caution in &comparison.cautions {
            let _ = writeln!(
                html,
                "<p class=\"quiet\" style=\"margin-top:6px\">{}</p>",
                escape(caution)
            );
        }
        html.push_str("</section>\n");
    }
    let _ = writeln!(html, "<p class=\"quiet card whole\">{}</p>", compare::legend(choices.noise));
}

fn latency_table(html: &mut String, runs: &[Run], width: &str) {
    let mut table =
        Table::new(&["latency", "*p50", "*p90", "*p95", "*p99", "*p99.9", "*max", "*mean"]);
    let mut rows = 0;
    for run in runs {
        let label =
            if runs.len() > 1 { format!("{}: ", escape(&run.label)) } else { String::new() };
        let mut add = |name: &str, summary: &Summary| {
            let Summary { p50_us, p90_us, p95_us, p99_us, p999_us, max_us, mean_us, .. } = *summary;
            let [p50, p90, p95, p99, p999, max] =
                [p50_us, p90_us, p95_us, p99_us, p999_us, max_us].map(|us| units::time(us as f64));
            let mean = units::time(mean_us);
            let name = format!("{label}{}", escape(name));
            table.row(&[name, p50, p90, p95, p99, p999, max, mean]);
            rows += 1;
        };
        for (name, latency) in digest::latencies(run) {
            match &latency.corrected {
                Some(corrected) => {
                    add(&format!("{name}, corrected"), &corrected.summary);
                    add(&format!("{name}, uncorrected"), &latency.uncorrected.summary);
                }
                None => add(&name, &latency.uncorrected.summary),
            }
        }
    }
    if rows > 0 {
        let _ = writeln!(
            html,
            "<section class=\"card{width}\"><h3>Percentiles</h3>\
             <p class=\"quiet\">All measured repetitions together.</p>{}</section>",
            table.html()
        );
    }
}

/// What has a time axis or shards, run by run: one below the other, or in tabs once
/// the script is there.
fn each_run(html: &mut String, runs: &[Run]) {
    html.push_str("<h2>Over time and over shards</h2>\n");
    if runs.len() > 1 {
        html.push_str("<div class=\"tabs\" role=\"tablist\" aria-label=\"Run\" hidden>");
        for (at, run) in runs.iter().enumerate() {
            let _ = write!(
                html,
                "<button role=\"tab\" id=\"tab-{at}\" aria-controls=\"run-{at}\">{}</button>",
                escape(&run.label)
            );
        }
        html.push_str("</div>\n");
    }
    for (at, run) in runs.iter().enumerate() {
        if runs.len() > 1 {
            let _ = write!(
                html,
                "<section role=\"tabpanel\" id=\"run-{at}\" aria-labelledby=\"tab-{at}\">\
                 <h3 style=\"margin:12px 0 8px\">{}</h3>",
                escape(&run.label)
            );
        }
        if let Some(sentence) = charts::brevity(run) {
            let _ = writeln!(html, "<p class=\"quiet\">{}</p>", escape(&sentence));
        }
        html.push_str("<div class=\"cards\">\n");
        *html += &charts::throughput(at, run);
        *html += &charts::latency_over_time(at, run);
        *html += &charts::throttles(at, run);
        *html += &charts::skew(at, run);
        repetitions(html, run);
        html.push_str("</div>\n");
        if runs.len() > 1 {
            html.push_str("</section>\n");
        }
    }
}

fn repetitions(html: &mut String, run: &Run) {
    let mut table = Table::new(&[
        "repetition",
        "phase",
        "*elapsed",
        "*records",
        "*records/s",
        "*p50",
        "*p99",
        "*max",
        "*retries",
        "*throttles",
        "*errors",
        "*broken",
    ]);
    for (at, repetition) in run.repetitions.iter().enumerate() {
        for (place, phase) in repetition.phases.iter().enumerate() {
            let warm_up = if repetition.is_warm_up { " (warm-up)" } else { "" };
            let summary = phase.latency.as_ref().map(|latency| latency.headline().summary);
            let time = |of: fn(&Summary) -> u64| {
                summary.as_ref().map_or("–".to_owned(), |summary| units::time(of(summary) as f64))
            };
            let broken = repetition.verdict.map_or("–".to_owned(), |verdict| {
                units::count(verdict.counts().iter().map(|(_, count)| count).sum())
            });
            table.row(&[
                if place == 0 { format!("{}{warm_up}", at + 1) } else { String::new() },
                escape(&phase.name),
                units::time(phase.elapsed_ms * 1e3),
                units::count(phase.records),
                units::rate(phase.records_per_second()),
                time(|summary| summary.p50_us),
                time(|summary| summary.p99_us),
                time(|summary| summary.max_us),
                units::count(phase.retries),
                units::count(phase.throttles),
                units::count(phase.failed()),
                if place == 0 { broken.clone() } else { String::new() },
            ]);
        }
    }
    let _ = write!(html, "<section class=\"card whole\"><h3>Repetitions</h3>{}", table.html());
    for phase in digest::phases(run) {
        for (code, count) in &phase.errors {
            let _ = write!(
                html,
                "<p class=\"quiet\" style=\"margin-top:8px\">{}: {} ended in {}.</p>",
                escape(&phase.name),
                units::counted(*count, "call"),
                escape(code)
            );
        }
    }
    html.push_str("</section>\n");
}

fn settings(html: &mut String, runs: &[Run]) {
    let row = |name: &str, of: &dyn Fn(&Run) -> String| {
        let cells = runs.iter().map(|run| escape(&of(run)));
        [name.to_owned()].into_iter().chain(cells).collect::<Vec<String>>()
    };
    let unknown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let mut rows = vec![
        row("scenario", &|run| run.scenario.clone()),
        row("target", &|run| run.target.kind.clone()),
        row("endpoint", &|run| run.target.endpoint.clone().unwrap_or_else(|| "–".to_owned())),
        row("protocol", &|run| terminal::protocol(run.target.protocol).to_owned()),
        row("client", &|run| terminal::driver(run.target.driver).to_owned()),
        row("limits", &|run| unknown(&run.target.limits)),
        row("latency profile", &|run| unknown(&run.target.latency)),
        row("poll interval", &|run| {
            run.target.poll_interval_ms.map_or("–".to_owned(), |ms| units::time(ms * 1e3))
        }),
        row("load", &|run| match (run.settings.load, &run.settings.rate) {
            (Load::Open, Some(rate)) => format!("open loop, {rate}"),
            (Load::Open, None) => "open loop".to_owned(),
            (Load::Closed, _) => "closed loop".to_owned(),
        }),
        row("records", &|run| run.settings.records.map_or("–".to_owned(), units::count)),
        row("payload", &|run| {
            run.settings.payload_bytes.map_or("–".to_owned(), |n| units::counted(n, "byte"))
        }),
        row("shards", &|run| units::count(run.settings.shards)),
        row("producers at once", &|run| units::count(run.settings.concurrency)),
        row("keys", &|run| run.settings.keys.clone()),
        row("seed", &|run| run.settings.seed.to_string()),
        row("worker threads", &|run| units::count(run.settings.worker_threads)),
        row("repetitions", &|run| {
            let measured = run.measured().count();
            format!("{measured}, after {} to warm up", run.repetitions.len() - measured)
        }),
        row("PUT payload units", &|run| {
            let counted = run.measured().filter_map(|repetition| repetition.payload_units);
            counted.reduce(|a, b| a + b).map_or("–".to_owned(), units::count)
        }),
    ];
    let mut names: Vec<&String> = runs.iter().flat_map(|run| run.settings.others.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        rows.push(row(&escape(name), &|run| {
            run.settings.others.get(name).cloned().unwrap_or_else(|| "–".to_owned())
        }));
    }
    card_of_rows(html, "Target and settings", runs, &rows);
}

fn environment(html: &mut String, runs: &[Run]) {
    let row = |name: &str, of: &dyn Fn(&Run) -> Option<String>| {
        let cells = runs.iter().map(|run| escape(&of(run).unwrap_or_else(|| "unknown".to_owned())));
        [name.to_owned()].into_iter().chain(cells).collect::<Vec<String>>()
    };
    let load = |averages: Option<[f64; 3]>| {
        averages.map(|[one, five, fifteen]| format!("{one:.2}, {five:.2}, {fifteen:.2}"))
    };
    let rows = [
        row("started", &|run| Some(run.started.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())),
        row("processor", &|run| run.environment.cpu_model.clone()),
        row("cores", &|run| run.environment.cpu_cores.map(units::count)),
        row("operating system", &|run| Some(run.environment.os.clone())),
        row("kernel", &|run| run.environment.kernel.clone()),
        row("load average before", &|run| load(run.environment.load_average_before)),
        row("load average after", &|run| load(run.environment.load_average_after)),
        row("busy with other things", &|run| run.environment.busy_share.map(units::percent)),
        row("kinesis-bench", &|run| Some(run.environment.package_version.clone())),
        row("commit", &|run| run.environment.git_commit.clone()),
        row("build", &|run| run.environment.build_profile.clone()),
        row("compiler", &|run| run.environment.rustc.clone()),
        row("aws-sdk-kinesis", &|run| Some(run.environment.sdk_version.clone())),
        row("target's processor time", &|run| {
            let seconds = run.measured().filter_map(|r| Some(r.process?.cpu_seconds));
            seconds.reduce(|a, b| a + b).map(|seconds| units::time(seconds * 1e6))
        }),
        row("target's memory, at most", &|run| {
            let bytes = run.measured().filter_map(|r| Some(r.process?.peak_rss_bytes));
            bytes.max().map(|bytes| units::bytes(bytes as f64))
        }),
    ];
    card_of_rows(html, "Environment", runs, &rows);
}

fn card_of_rows(html: &mut String, title: &str, runs: &[Run], rows: &[Vec<String>]) {
    let labels: Vec<String> = match runs {
        [_] => vec![String::new(), String::new()],
        runs => {
            let labels = runs.iter().map(|run| escape(&run.label));
            [String::new()].into_iter().chain(labels).collect()
        }
    };
    let header: Vec<&str> = labels.iter().map(String::as_str).collect();
    let mut table = Table::new(if runs.len() == 1 { &[] } else { &header });
    for row in rows {
        table.row(row);
    }
    let _ = writeln!(html, "<section class=\"card\"><h3>{title}</h3>{}</section>", table.html());
}

fn commands(html: &mut String, runs: &[Run]) {
    if runs.iter().all(|run| run.settings.command.is_empty()) {
        return;
    }
    html.push_str("<section class=\"card whole\"><h3>To repeat it</h3>");
    for run in runs {
        if runs.len() > 1 {
            let _ = write!(
                html,
                "<p class=\"quiet\" style=\"margin:6px 0 0\">{}</p>",
                escape(&run.label)
            );
        }
        let _ = write!(html, "<pre>{}</pre>", escape(&markdown::command(run)));
    }
    html.push_str("</section>\n");
}

/// A table whose cells are markup already; a header's star says that its column holds numbers.
struct Table {
    are_numbers: Vec<bool>,
    html: String,
}

impl Table {
    fn new(header: &[&str]) -> Self {
        let mut html = String::from("<div class=\"scroll\" tabindex=\"0\"><table>");
        if !header.is_empty() {
            html.push_str("<thead><tr>");
            for name in header {
                let class = if name.starts_with('*') { " class=\"n\"" } else { "" };
                let name = name.trim_start_matches('*');
                let _ = match name {
                    "" => write!(html, "<td></td>"),
                    name => write!(html, "<th scope=\"col\"{class}>{name}</th>"),
                };
            }
            html.push_str("</tr></thead>");
        }
        html.push_str("<tbody>");
        let are_numbers = header.iter().map(|name| name.starts_with('*')).collect();
        Self { are_numbers, html }
    }

    fn row(&mut self, cells: &[String]) {
        self.html.push_str("<tr>");
        for (at, cell) in cells.iter().enumerate() {
            let is_number = self.are_numbers.get(at).copied().unwrap_or(false);
            let _ = match (at, is_number) {
                (0, _) => write!(self.html, "<th scope=\"row\">{cell}</th>"),
                (_, true) => write!(self.html, "<td class=\"n\">{cell}</td>"),
                (_, false) => write!(self.html, "<td class=\"text\">{cell}</td>"),
            };
        }
        self.html.push_str("</tr>");
    }

    fn html(self) -> String {
        self.html + "</tbody></table></div>"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::render;
    use crate::report::format::Choices;
    use crate::report::run::Run;
    use crate::report::sample;

    fn pages() -> Vec<String> {
        let mut nothing = sample::open_loop();
        nothing.repetitions.clear();
        let runs: [Vec<Run>; 6] = [
            vec![sample::closed_loop()],
            vec![sample::open_loop()],
            vec![sample::broken()],
            sample::comparison(),
            vec![nothing],
            vec![],
        ];
        runs.iter().map(|runs| render(runs, &Choices::default())).collect()
    }

    /// Each tag of a page: its name, and what follows up to `>`.
    fn tags(page: &str) -> Vec<(&str, &str)> {
        let body = page.split_once("</style>").unwrap().1.split_once("<script>").unwrap().0;
        let tags = body.split('<').skip(1).map(|piece| piece.split_once('>').unwrap().0);
        tags.map(|tag| tag.split_once(' ').unwrap_or((tag, ""))).collect()
    }

    #[test]
    fn a_page_asks_the_network_for_nothing() {
        for page in pages() {
            assert!(page.contains("default-src 'none'"));
            for (name, attributes) in tags(&page) {
                assert!(!["link", "img", "iframe", "a", "use", "image"].contains(&name), "{name}");
                for word in ["src=", "href=", "url(", "onclick=", "action="] {
                    assert!(!attributes.contains(word), "<{name} {attributes}>");
                }
            }
            let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
            assert!(!style.contains("url(") && !style.contains("@import"));
        }
    }

    #[test]
    fn what_a_file_says_becomes_no_markup() {
        let page = render(&[sample::broken()], &Choices::default());
        assert!(page.contains("&lt;b&gt;leaky &amp; &quot;odd&quot;&lt;/b&gt;"));
        assert!(!page.contains("<b>"));
    }

    #[test]
    fn every_element_ends_where_it_should() {
        for page in pages() {
            let mut open = vec!["html", "head"];
            for (name, attributes) in tags(&page) {
                if let Some(name) = name.strip_prefix('/') {
                    let innermost = open.pop();
                    assert_eq!(innermost, Some(name.trim_end()), "{attributes}");
                } else if !attributes.ends_with('/') && !name.ends_with('/') {
                    open.push(name);
                }
            }
            assert_eq!(open, ["html", "body"]);
        }
    }

    #[test]
    fn every_chart_has_a_title_and_a_description_of_its_own() {
        for page in pages() {
            let charts = page.matches("class=\"chart").count();
            assert_eq!(page.matches("<desc id=").count(), charts);
            let ids = page.split(" id=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0);
            let ids: Vec<&str> = ids.collect();
            let unique: BTreeSet<&str> = ids.iter().copied().collect();
            assert_eq!(ids.len(), unique.len());
            for reference in page.split("aria-labelledby=\"").skip(1) {
                for id in reference.split_once('"').unwrap().0.split(' ') {
                    assert!(unique.contains(id), "{id}");
                }
            }
            assert!(!page.contains("NaN") && !page.contains("\"inf"), "a number is none");
        }
    }
}
