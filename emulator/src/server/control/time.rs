//! Clock, limits and latency.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use crate::model::limits::Limits;
use crate::model::sequence_number::SequenceNumber;
use crate::model::settings::parse_duration;
use crate::model::timestamp::Timestamp;
use crate::service::latency::Latency;

use super::{Answered, Controlled, Of, Refused, kept, members, ok, parse};

pub(super) fn routes() -> Router<Controlled> {
    Router::new()
        .route("/clock", get(clock).post(move_clock))
        .route("/limits", get(limits).put(set_limits))
        .route("/latency", get(latency).put(set_latency))
}

async fn clock(State(of): Of) -> Response {
    let now = of.service.clock().now();
    ok(&json!({"now_millis": now.as_millis(), "now": String::from_utf8_lossy(&now.http_date())}))
}

async fn move_clock(State(of): Of, body: Bytes) -> Answered {
    const HOW: &str = r#"write {"advance": "25h"} or {"advance_to_millis": 1767225600000}"#;
    let members = members(&body)?;
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((key, Value::String(text))), None) if key == "advance" => {
            let duration = parse_duration(text).map_err(Refused::because)?;
            check_reach(of.service.clock().now().plus(duration))?;
            of.service.clock().advance(duration);
        }
        (Some((key, Value::Number(millis))), None) if key == "advance_to_millis" => {
            let millis = millis.as_u64().ok_or_else(|| Refused::because(HOW))?;
            let time = Timestamp::from_millis(millis);
            check_reach(time)?;
            of.service.clock().advance_to(time);
        }
        _ => return Err(Refused::because(HOW)),
    }
    of.service.note_moment();
    kept(&of).await?;
    Ok(clock(State(of)).await)
}

/// Refuses a time that no sequence number can say.
fn check_reach(time: Timestamp) -> Result<(), Refused> {
    if time.as_seconds() > SequenceNumber::SECONDS_MAX {
        return Err(Refused::because(
            "the clock goes as far as sequence numbers do: to the year 4147",
        ));
    }
    Ok(())
}

async fn limits(State(of): Of) -> Response {
    ok(&json!({"limits": of.service.limits().name()}))
}

async fn set_limits(State(of): Of, body: Bytes) -> Answered {
    let limits = match parse(&body)? {
        Value::String(name) => Limits::profile(&name).ok_or_else(|| {
            Refused::because(r#"write "off", "aws" or an object such as {"base": "aws"}"#)
        })?,
        other => Limits::from_json(&other.to_string()).map_err(Refused::because)?,
    };
    of.service.set_limits(limits);
    Ok(self::limits(State(of)).await)
}

async fn latency(State(of): Of) -> Response {
    ok(&json!({"latency": of.service.latency().name()}))
}

async fn set_latency(State(of): Of, body: Bytes) -> Answered {
    let latency = match parse(&body)? {
        // The command line takes the name of a file, too. Here it would be a way to read one.
        Value::String(text) => Latency::profile(&text).ok_or_else(|| {
            let object = r#"an object such as {"other": "15ms"}"#;
            format!("{text:?} is no profile: write \"none\", \"aws\", \"15ms\" or {object}")
        }),
        other => Latency::from_json(&other.to_string()),
    };
    of.service.set_latency(latency.map_err(Refused::because)?);
    Ok(self::latency(State(of)).await)
}
