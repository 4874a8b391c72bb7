//! Streams, records, journal, ledger and metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{delete, get};
use http::StatusCode;
use serde_json::{Value, json};

use crate::inspect::{Journal, Ledger, Metrics, Record, StreamView};
use crate::model::settings::parse_duration;

use super::{Answered, Controlled, Of, Refused, ok};

pub(super) fn routes() -> Router<Controlled> {
    Router::new()
        .route("/streams", get(streams))
        .route("/streams/{name}", get(stream))
        .route("/streams/{name}/records", get(records))
        .route("/journal", get(journal).put(keep_journal).delete(forget_calls))
        .route("/ledger", delete(forget_reads))
        .route("/ledger/{name}", get(ledger))
        .route("/metrics", get(metrics).delete(reset_metrics))
}

async fn streams(State(of): Of) -> Response {
    ok(&json!({"streams": of.service.stream_names()}))
}

async fn stream(State(of): Of, Path(name): Path<String>) -> Answered {
    match view(&of, &name)?.to_json() {
        Value::Null => Err(missing(&name)),
        stream => Ok(ok(&stream)),
    }
}

async fn records(
    State(of): Of,
    Path(name): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answered {
    let mut at_least = 0;
    let mut within = Duration::from_secs(10);
    let mut shard = None;
    for (key, value) in query {
        match key.as_str() {
            "at_least" => {
                at_least = value.parse().map_err(|_| {
                    Refused::because(format!("at_least={value}: write a number of records"))
                })?;
            }
            "within" => within = parse_duration(&value).map_err(Refused::because)?,
            "shard" => shard = Some(value),
            _ => {
                let error = format!("{key}: the query takes at_least, within and shard");
                return Err(Refused::because(error));
            }
        }
    }
    let view = view(&of, &name)?;
    let is_complete = at_least == 0 || {
        // The wait has a limit of its own, which is not to be met first.
        let wait = view.await_records_within(at_least, within + Duration::from_secs(60));
        tokio::time::timeout(within, wait).await.is_ok()
    };
    let records = match view.try_records() {
        Some(records) => records,
        None if is_complete => return Err(missing(&name)),
        None => Vec::new(),
    };
    let of_shard = |record: &&Record| shard.as_ref().is_none_or(|id| record.shard_id == *id);
    let records: Vec<_> = records.iter().filter(of_shard).map(Record::to_json).collect();
    let mut answer = json!({"records": records});
    if !is_complete {
        let error = format!("waited {within:?} for {at_least} records of {name}");
        answer["error"] = json!(error);
        return Ok(super::answer(StatusCode::REQUEST_TIMEOUT, &answer));
    }
    Ok(ok(&answer))
}

async fn journal(State(of): Of, Query(query): Query<BTreeMap<String, String>>) -> Answered {
    require_recording(&of)?;
    let mut journal = Journal::new(of.service).to_json();
    for (key, value) in query {
        match (key.as_str(), journal["calls"].as_array_mut()) {
            ("operation", Some(calls)) => calls.retain(|call| call["operation"] == *value),
            _ => return Err(Refused::because(format!("{key}: the query takes operation"))),
        }
    }
    Ok(ok(&journal))
}

async fn keep_journal(State(of): Of) -> Response {
    of.service.recorder().switch_on();
    ok(&json!({"journal": true}))
}

async fn forget_calls(State(of): Of) -> Answered {
    require_recording(&of)?;
    Journal::new(of.service).clear();
    Ok(ok(&json!({"calls": []})))
}

async fn ledger(State(of): Of, Path(name): Path<String>) -> Answered {
    require_recording(&of)?;
    // It names the stream that it is about.
    view(&of, &name)?;
    Ok(ok(&Ledger::new(of.service).to_json(&name)))
}

async fn forget_reads(State(of): Of) -> Answered {
    require_recording(&of)?;
    Ledger::new(of.service).clear();
    Ok(ok(&json!({"reads": []})))
}

async fn metrics(State(of): Of) -> Answered {
    require_recording(&of)?;
    Ok(ok(&Metrics::new(of.service).to_json()))
}

async fn reset_metrics(State(of): Of) -> Answered {
    require_recording(&of)?;
    Metrics::new(of.service).reset();
    Ok(ok(&json!({"streams": {}})))
}

fn view(of: &Controlled, name: &str) -> Result<StreamView, Refused> {
    // An ARN would have to be one: in a path, a name will do.
    if name.contains(':') {
        return Err(Refused::because(format!("{name}: write the stream's name")));
    }
    Ok(StreamView::new(of.service.clone(), name))
}

fn missing(name: &str) -> Refused {
    Refused::missing(format!("there is no stream {name} in the default account and Region"))
}

fn require_recording(of: &Controlled) -> Result<(), Refused> {
    if of.service.recorder().is_on() {
        return Ok(());
    }
    let why = "no journal, ledger or metrics are kept: start with --journal, \
               or PUT /_emulator/journal to keep them from now on";
    Err(Refused(StatusCode::CONFLICT, why.to_owned()))
}
