//! Streams, records, journal, ledger and metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{delete, get};
use http::StatusCode;
use serde_json::{Value, json};

use crate::inspect::{Journal, Ledger, Metrics, Record, StreamView};
use crate::model::settings::parse_duration;
use crate::model::shard_id::ShardIndex;

use super::path::Name;
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

async fn stream(State(of): Of, Name(name): Name) -> Answered {
    match view(&of, &name)?.to_json() {
        Value::Null => Err(missing(&name)),
        stream => Ok(ok(&stream)),
    }
}

async fn records(
    State(of): Of,
    Name(name): Name,
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
    let index = match &shard {
        Some(id) => Some(shard_index(&view, id)?),
        None => None,
    };
    let is_complete =
        at_least == 0 || tokio::time::timeout(within, view.arrival(index, at_least)).await.is_ok();
    let found = match &shard {
        Some(id) => view.try_records_of_shard(id).transpose().map_err(Refused::missing)?,
        None => view.try_records(),
    };
    let records = match found {
        Some(records) => records,
        None if is_complete => return Err(missing(&name)),
        None => Vec::new(),
    };
    let records: Vec<_> = records.iter().map(Record::to_json).collect();
    let mut answer = json!({"records": records});
    if !is_complete {
        let place = shard.map(|id| format!("{id} of {name}")).unwrap_or(name);
        let error = format!("waited {within:?} for {at_least} records of {place}");
        answer["error"] = json!(error);
        return Ok(super::answer(StatusCode::REQUEST_TIMEOUT, &answer));
    }
    Ok(ok(&answer))
}

/// The shard that is to be waited for. It may be one of a stream that is yet to be made.
fn shard_index(view: &StreamView, id: &str) -> Result<ShardIndex, Refused> {
    if let Some(missing) = view.lacks_shard(id) {
        return Err(Refused::missing(missing));
    }
    let is_spelt_so = |index: &ShardIndex| index.to_string() == id;
    ShardIndex::from_text(id).filter(is_spelt_so).ok_or_else(|| {
        let like = "write one such as shardId-000000000000";
        Refused::missing(format!("no stream has a shard {id:?}: {like}"))
    })
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

async fn ledger(State(of): Of, Name(name): Name) -> Answered {
    require_recording(&of)?;
    let is_there = view(&of, &name)?.exists();
    let ledger = Ledger::new(of.service).to_json(&name);
    // One that has been deleted was read all the same.
    let was_read = ledger["reads"].as_array().is_some_and(|reads| !reads.is_empty());
    if !is_there && !was_read {
        return Err(missing(&name));
    }
    Ok(ok(&ledger))
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
    Refused::missing(format!(
        "there is no stream {name} in the default account and Region: \
         GET /_emulator/streams lists those that there are"
    ))
}

fn require_recording(of: &Controlled) -> Result<(), Refused> {
    if of.service.recorder().is_on() {
        return Ok(());
    }
    let why = "no journal, ledger or metrics are kept: start with --journal, \
               or PUT /_emulator/journal to keep them from now on";
    Err(Refused(StatusCode::CONFLICT, why.to_owned()))
}
