//! State and its laws: streams, shards, records, and what becomes of them.
//!
//! Synchronous, and blind to clocks, encodings and HTTP: `now` comes in by
//! argument and answers are the model's values. Its only locks are a stream's
//! and a shard's, taken in that order and never across a wait, and a realm's
//! for control calls. Whatever a caller can see listed comes out sorted.

pub(crate) mod account;
pub(crate) mod consumer;
pub(crate) mod entropy;
pub(crate) mod lifecycle;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod position;
pub(crate) mod realm;
pub(crate) mod rolling;
pub(crate) mod stream;
pub(crate) mod subscription;
pub(crate) mod sync;
pub(crate) mod topology;
pub(crate) mod transition;
pub(crate) mod watchers;

use std::sync::Arc;

use dashmap::DashMap;

use crate::model::arn::RealmId;
use crate::model::seal::Seal;
use crate::model::settings::Settings;
use crate::model::timestamp::Timestamp;

use entropy::Entropy;
use limits::LimitsInForce;
use realm::Realm;

/// All realms of one emulator.
#[derive(Debug)]
pub(crate) struct Engine {
    realms: DashMap<RealmId, Arc<Realm>>,
    pub(crate) settings: Settings,
    pub(crate) limits: LimitsInForce,
    pub(crate) entropy: Entropy,
    /// What iterators and page tokens are sealed with.
    pub(crate) seal: Seal,
}

impl Engine {
    /// An engine without any streams.
    pub(crate) fn new(settings: Settings) -> Self {
        let entropy = Entropy::new(settings.seed);
        let seal = Seal::new(entropy.draw_16_bytes());
        let limits = LimitsInForce::new(settings.limits.clone());
        Self { realms: DashMap::new(), settings, limits, entropy, seal }
    }

    /// A realm, brought to `now`. Realms exist as soon as they are named.
    pub(crate) fn realm(&self, id: &RealmId, now: Timestamp) -> Arc<Realm> {
        let known = self.realms.get(id).map(|realm| Arc::clone(&realm));
        let realm = known.unwrap_or_else(|| {
            let entry = self.realms.entry(id.clone());
            Arc::clone(&entry.or_insert_with(|| Arc::new(Realm::new(id.clone()))))
        });
        realm.settle(now);
        realm
    }
}
