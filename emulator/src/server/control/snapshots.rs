//! Snapshots that are kept, and the way back to the start.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::model::limits::Limits;
use crate::service::Service;
use crate::service::latency::Latency;
use crate::snapshot::{Snapshot, SnapshotError, SnapshotErrorKind};

use super::PREFIX;
use super::path::Id;
use super::{Answered, Controlled, Of, Refused, kept, ok};

/// Where snapshots are, below the control API's prefix.
pub(super) const PATH: &str = "/snapshots";

pub(super) fn routes() -> Router<Controlled> {
    Router::new()
        .route(PATH, get(list).post(keep))
        .route("/snapshots/{id}", get(export).delete(forget))
        .route("/snapshots/{id}/restore", post(restore))
        .route("/reset", post(reset))
}

/// Snapshots by number, and how everything was when the emulator started.
pub(super) struct Shelf {
    kept: Mutex<Kept>,
    start: Start,
}

#[derive(Default)]
struct Kept {
    snapshots: BTreeMap<u64, Snapshot>,
    last: u64,
}

struct Start {
    snapshot: Snapshot,
    limits: Limits,
    latency: Arc<Latency>,
}

impl Shelf {
    pub(super) fn new(service: &Service) -> Self {
        let start = Start {
            snapshot: service.snapshot(),
            limits: Limits::clone(&service.limits()),
            latency: service.latency(),
        };
        Self { kept: Mutex::default(), start }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, id: u64) -> Result<Snapshot, Refused> {
        self.kept().snapshots.get(&id).cloned().ok_or_else(|| none(id))
    }
}

async fn list(State(of): Of) -> Response {
    let kept = of.snapshots.kept();
    let snapshots: Vec<_> = kept.snapshots.iter().map(|(id, kept)| shown(*id, kept)).collect();
    ok(&json!({"snapshots": snapshots}))
}

/// An empty body takes a snapshot; anything else is one that was exported.
async fn keep(State(of): Of, body: Bytes) -> Answered {
    let snapshot = if body.is_empty() {
        of.service.snapshot()
    } else {
        Snapshot::from_bytes(&body).map_err(unread)?
    };
    let mut kept = of.snapshots.kept();
    kept.last += 1;
    let id = kept.last;
    let answer = ok(&shown(id, &snapshot));
    kept.snapshots.insert(id, snapshot);
    Ok(answer)
}

async fn export(State(of): Of, Id(id): Id) -> Answered {
    let snapshot = of.snapshots.find(id)?;
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], snapshot.to_bytes()).into_response())
}

async fn forget(State(of): Of, Id(id): Id) -> Answered {
    let gone = of.snapshots.kept().snapshots.remove(&id);
    gone.map(|_| ok(&json!({"forgotten": id}))).ok_or_else(|| none(id))
}

async fn restore(State(of): Of, Id(id): Id) -> Answered {
    let snapshot = of.snapshots.find(id)?;
    go_back(&of, &snapshot).await;
    kept(&of).await?;
    Ok(ok(&shown(id, &snapshot)))
}

/// A data directory has to take a large one, which no other call is to wait for.
async fn go_back(of: &Controlled, snapshot: &Snapshot) {
    let (service, snapshot) = (Arc::clone(&of.service), snapshot.clone());
    let gone_back = spawn_blocking(move || service.restore(&snapshot)).await;
    if let Err(error) = gone_back {
        resume_unwind(error.into_panic());
    }
}

/// The clock alone stays where it is: time does not go back.
async fn reset(State(of): Of) -> Answered {
    let Start { snapshot, limits, latency } = &of.snapshots.start;
    of.service.faults().clear();
    of.service.set_limits(limits.clone());
    of.service.set_latency(Latency::clone(latency));
    go_back(&of, snapshot).await;
    of.service.recorder().forget();
    kept(&of).await?;
    Ok(ok(&json!({"reset": true})))
}

fn unread(error: SnapshotError) -> Refused {
    Refused::because(match error.kind() {
        SnapshotErrorKind::NotASnapshot => {
            format!("{error}, or by GET {PREFIX}{PATH}/{{id}}; without a body one is taken")
        }
        _ => error.to_string(),
    })
}

fn none(id: u64) -> Refused {
    Refused::missing(format!("there is no snapshot {id}: GET /_emulator/snapshots lists them"))
}

fn shown(id: u64, snapshot: &Snapshot) -> Value {
    json!({"id": id, "taken_millis": snapshot.taken().as_millis()})
}
