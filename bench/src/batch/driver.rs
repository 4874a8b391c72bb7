//! Runs a [`Batcher`] with tokio's timer and tasks.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::queue::{Batcher, NotTaken, Step};
use super::send::{EntryError, PutRecords};
use super::{Entry, Fate, GiveUp, Outcome, RECORDS_MAX};
use crate::measure::clock::{pause, runtime_now};

/// Sends what comes from `input` until it is closed and everything is settled.
///
/// `on_outcome` is called once for each record. Nothing is read from `input` while
/// as many records wait as may, so its senders feel the target's pace.
///
/// # Panics
/// When the sender panics.
pub async fn drive<S: PutRecords>(
    mut batcher: Batcher,
    sender: Arc<S>,
    mut input: mpsc::Receiver<Entry>,
    mut on_outcome: impl FnMut(Outcome),
) {
    // Tokio's clock, so that a test may stop it.
    let start = runtime_now();
    let mut calls = JoinSet::new();
    let mut entries = Vec::new();
    let mut is_open = true;
    loop {
        let wait = loop {
            match batcher.poll(start.elapsed()) {
                Step::Send(batch) => {
                    let sender = Arc::clone(&sender);
                    calls.spawn(async move { (batch.id, sender.put_records(batch.entries).await) });
                }
                Step::WaitUntil(time) => break Some(time.saturating_sub(start.elapsed())),
                Step::Idle => break None,
            }
        };
        while let Some(outcome) = batcher.poll_outcome() {
            on_outcome(outcome);
        }
        if !is_open && batcher.is_empty() {
            return;
        }
        let room = batcher.room().min(RECORDS_MAX);
        tokio::select! {
            taken = input.recv_many(&mut entries, room), if is_open && room > 0 => {
                if taken == 0 {
                    is_open = false;
                    batcher.finish();
                }
                for entry in entries.drain(..) {
                    match batcher.push(start.elapsed(), entry) {
                        Ok(()) => {}
                        Err(NotTaken::Invalid(entry, why)) => on_outcome(invalid(&entry, why)),
                        Err(NotTaken::Full(_)) => unreachable!("no more is taken than has room"),
                    }
                }
            }
            Some(answered) = calls.join_next() => {
                let (batch, answer) = answered.expect("a sender does not panic");
                batcher.handle_answer(start.elapsed(), batch, answer);
            }
            () = pause(wait.unwrap_or_default()), if wait.is_some() => {}
        }
    }
}

fn invalid(entry: &Entry, why: &'static str) -> Outcome {
    let last_error = Some(EntryError::new("Invalid", why));
    let fate = Fate::GivenUp { why: GiveUp::Invalid, last_error };
    Outcome { tag: entry.tag, attempts: 0, took: Duration::ZERO, fate }
}
