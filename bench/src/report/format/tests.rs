//! The text forms against golden files, and what every form keeps.
//!
//! `UPDATE_EXPECT=1 cargo test -p kinesis-bench report::format` writes the files anew.

use expect_test::expect_file;

use super::{Choices, Format};
use crate::report::run::Run;
use crate::report::sample;

fn render(format: Format, runs: &[Run]) -> String {
    format.render(runs, &Choices::default()).unwrap()
}

#[test]
fn the_terminal_shows_a_run() {
    let first = render(Format::Table, &[sample::closed_loop()]);
    expect_file!["goldens/closed-loop.txt"].assert_eq(&first);
    expect_file!["goldens/open-loop.txt"].assert_eq(&render(Format::Table, &[sample::open_loop()]));
    expect_file!["goldens/broken.txt"].assert_eq(&render(Format::Table, &[sample::broken()]));
}

#[test]
fn the_terminal_shows_a_comparison() {
    let text = super::terminal::comparisons(&sample::comparison(), &Choices::default());
    expect_file!["goldens/comparison.txt"].assert_eq(&text);
}

#[test]
fn no_line_is_longer_than_the_terminal() {
    for runs in [vec![sample::open_loop()], sample::comparison(), vec![sample::broken()]] {
        for line in render(Format::Table, &runs).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn markdown_is_tables_and_text_alone() {
    expect_file!["goldens/comparison.md"]
        .assert_eq(&render(Format::Markdown, &sample::comparison()));
    let broken = render(Format::Markdown, &[sample::broken()]);
    expect_file!["goldens/broken.md"].assert_eq(&broken);
    assert!(!broken.contains("<b>"));
}

#[test]
fn no_form_says_that_records_were_checked_which_were_not() {
    let run = sample::unverified();
    let show = |format| render(format, std::slice::from_ref(&run));
    for format in [Format::Table, Format::Markdown, Format::Html] {
        let text = show(format);
        assert!(!["checked", "✅", "✓", "none lost"].iter().any(|word| text.contains(word)));
        assert!(text.contains("none of them verified") || text.contains("| not verified |"));
    }
    assert!(show(Format::Json).contains(r#""verdict": null"#));
    let csv = show(Format::Csv);
    assert!(csv.lines().skip(1).all(|line| line.ends_with(",,,,,")), "{csv}");
}

#[test]
fn csv_has_a_cell_for_each_column() {
    let summary = render(Format::Csv, &[sample::closed_loop()]);
    expect_file!["goldens/closed-loop.csv"].assert_eq(&summary);
    let series = render(Format::CsvSeries, &[sample::closed_loop()]);
    expect_file!["goldens/closed-loop-series.csv"].assert_eq(&series);
    let quoted = render(Format::Csv, &[sample::broken()]);
    assert!(quoted.contains("\"<b>leaky & \"\"odd\"\"</b>\",mixed"));
}

#[test]
fn jmeter_reads_each_call() {
    let text = render(Format::Jtl, &[sample::open_loop()]);
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "timeStamp,elapsed,label,responseCode,responseMessage,threadName,dataType,success,\
         failureMessage,bytes,sentBytes,grpThreads,allThreads,URL,Latency,IdleTime,Connect"
    );
    // 30.5 seconds after 2026-11-20T09:30:00Z, for the warm-up comes first.
    assert_eq!(
        lines.next().unwrap(),
        "1795167030503,1,PutRecord,200,OK,produce 1-1,text,true,,0,114,16,16,\
         http://127.0.0.1:4567,1,0,0"
    );
    assert!(text.contains(",false,\"Rate exceeded, \"\"slow\"\" down\","), "{text}");
    assert_eq!(text.lines().count(), 1 + 150);

    let error = Format::Jtl.render(&[sample::closed_loop()], &Choices::default()).unwrap_err();
    assert!(error.contains("--samples"), "{error}");
}

#[test]
fn the_percentile_text_is_hdrhistograms() {
    let choices = Choices { phase: Some("end-to-end".to_owned()), ..Choices::default() };
    let text = Format::Hgrm.render(&[sample::open_loop()], &choices).unwrap();
    expect_file!["goldens/open-loop.hgrm"].assert_eq(&text);

    let nowhere = Choices { phase: Some("drain".to_owned()), ..Choices::default() };
    let error = Format::Hgrm.render(&[sample::open_loop()], &nowhere).unwrap_err();
    assert!(error.contains("produce, end to end"), "{error}");
    assert!(Format::Hgrm.render(&sample::comparison(), &choices).is_err());
}

#[test]
fn every_form_shows_a_run_that_measured_nothing() {
    let mut empty = sample::open_loop();
    empty.repetitions.clear();
    for format in [Format::Table, Format::Json, Format::Csv, Format::CsvSeries, Format::Markdown] {
        assert!(!render(format, &[empty.clone()]).is_empty());
    }
    assert!(render(Format::Html, &[empty.clone(), sample::open_loop()]).contains("</html>"));
}
