//! Fault rules.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::service::faults::{ArmedRule, Rule, RuleId};

use super::path::Id;
use super::{Answered, Controlled, Of, Refused, ok, parse};

pub(super) fn routes() -> Router<Controlled> {
    Router::new()
        .route("/faults", get(list).post(add).delete(clear))
        .route("/faults/{id}", get(one).delete(remove))
        .route("/faults/{id}/release", post(release))
}

async fn list(State(of): Of) -> Response {
    let rules: Vec<_> = of.service.faults().list().iter().map(shown).collect();
    ok(&json!({"rules": rules}))
}

async fn add(State(of): Of, body: Bytes) -> Answered {
    let given = parse(&body)?;
    let is_one = given.get("rules").is_none() && given.is_object();
    let rules = if is_one { json!([given]) } else { given };
    let rules = Rule::list_from_json(&rules.to_string()).map_err(Refused::because)?;
    let mut ids = Vec::with_capacity(rules.len());
    for rule in rules {
        ids.push(of.service.faults().add(rule).map_err(Refused::because)?.number());
    }
    Ok(ok(&match ids[..] {
        [id] if is_one => json!({"id": id}),
        _ => json!({"ids": ids}),
    }))
}

async fn clear(State(of): Of) -> Response {
    of.service.faults().clear();
    ok(&json!({"rules": []}))
}

async fn one(State(of): Of, Id(id): Id) -> Answered {
    let rules = of.service.faults().list();
    let rule = rules.iter().find(|armed| armed.id == RuleId::new(id)).ok_or_else(|| none(id))?;
    Ok(ok(&shown(rule)))
}

async fn remove(State(of): Of, Id(id): Id) -> Answered {
    let removed = of.service.faults().remove(RuleId::new(id));
    removed.then(|| ok(&json!({"removed": id}))).ok_or_else(|| none(id))
}

async fn release(State(of): Of, Id(id): Id) -> Answered {
    let released = of.service.faults().release(RuleId::new(id));
    released.then(|| ok(&json!({"released": id}))).ok_or_else(|| none(id))
}

fn none(id: u64) -> Refused {
    Refused::missing(format!("there is no fault rule {id}: it has been removed, or never was"))
}

fn shown(armed: &ArmedRule) -> Value {
    let ArmedRule { id, rule, matched, fired, holding } = armed;
    let rule: Value = serde_json::from_str(&rule.to_json()).expect("a rule is written as JSON");
    json!({
        "id": id.number(), "rule": rule, "matched": matched, "fired": fired, "holding": holding,
    })
}
