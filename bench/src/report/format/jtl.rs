//! JMeter's results file: `jmeter -g run.jtl -o dashboard` makes its dashboard of it.

use super::csv::line;
use crate::report::run::{Run, Sample};

/// The header that JMeter reads without being told the columns.
pub const HEADER: &str = "timeStamp,elapsed,label,responseCode,responseMessage,threadName,\
                          dataType,success,failureMessage,bytes,sentBytes,grpThreads,allThreads,\
                          URL,Latency,IdleTime,Connect";

/// A line for each call of the measured repetitions. JMeter counts whole milliseconds.
///
/// # Errors
/// When no run kept its calls.
pub fn render(runs: &[Run]) -> Result<String, String> {
    let mut text = HEADER.to_owned() + "\n";
    let mut samples = 0;
    for run in runs {
        let several = runs.len() > 1;
        for repetition in run.measured() {
            for sample in &repetition.samples {
                samples += 1;
                text += &line(&cells(run, repetition.began_ms, sample, several));
            }
        }
    }
    if samples == 0 {
        return Err("JMeter's format is made of single calls, and none are kept: measure with \
                    --samples, or choose --format csv"
            .to_owned());
    }
    Ok(text)
}

fn cells(run: &Run, began_ms: f64, sample: &Sample, several: bool) -> [String; 17] {
    let sent_ms = run.started.as_millisecond() + (began_ms + sample.at_ms).round() as i64;
    let elapsed_ms = ((sample.latency_us as f64) / 1e3).round().to_string();
    let label = match several {
        true => format!("{} {}", run.label, sample.operation),
        false => sample.operation.clone(),
    };
    let (code, message, failure) = match (&sample.error, &sample.message) {
        (None, _) => ("200".to_owned(), "OK".to_owned(), String::new()),
        (Some(code), message) => {
            let failure = message.clone().unwrap_or_else(|| code.clone());
            (code.clone(), code.clone(), failure)
        }
    };
    let threads = run.settings.concurrency.to_string();
    [
        sent_ms.to_string(),
        elapsed_ms.clone(),
        label,
        code,
        message,
        format!("{} 1-{}", run.scenario, sample.task + 1),
        "text".to_owned(),
        sample.error.is_none().to_string(),
        failure,
        // What was received is not kept.
        "0".to_owned(),
        sample.bytes.to_string(),
        threads.clone(),
        threads,
        run.target.endpoint.clone().unwrap_or_else(|| "null".to_owned()),
        elapsed_ms,
        "0".to_owned(),
        "0".to_owned(),
    ]
}
