//! How an emulator begins: with what a data directory has kept, or with a
//! snapshot, and with what it is to have from the start.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::durable::DataDirError;
use crate::durable::durability::Refusal;
use crate::durable::store::{DataDir, Opened, Store};
use crate::engine::chronicle::Chronicle;
use crate::model::limits::Limits;
use crate::model::settings::Settings;
use crate::snapshot::Snapshot;

use super::Service;
use super::clock::Clock;
use super::init::{IfThere, Init, InitError};

/// What an [`Init`] may tell in one batch of the log; if it is more, everything is
/// laid out in many.
const TOLD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What an emulator begins with.
#[derive(Debug)]
pub(crate) struct Beginning<'a> {
    /// Where the state is kept, if it is to survive the process.
    pub(crate) data_dir: Option<&'a DataDir>,
    /// What there is unless the directory has something.
    pub(crate) snapshot: Option<&'a Snapshot>,
    /// What there is beside it. With a directory, streams that are there stay as
    /// they are.
    pub(crate) init: &'a Init,
}

/// Why an emulator cannot begin.
#[derive(Debug)]
pub(crate) enum BeginError {
    DataDir(DataDirError),
    Init(InitError),
    NotKept(Refusal),
    NoThread(std::io::Error),
}

impl fmt::Display for BeginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDir(error) => error.fmt(f),
            Self::Init(error) => error.fmt(f),
            Self::NotKept(why) => why.fmt(f),
            Self::NoThread(error) => {
                write!(f, "no thread could be started to look after the data directory: {error}")
            }
        }
    }
}

impl std::error::Error for BeginError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::DataDir(error) => Some(error),
            Self::Init(error) => Some(error),
            Self::NotKept(_) => None,
            Self::NoThread(error) => Some(error),
        }
    }
}

impl Service {
    /// An emulator that has all this from the start. Neither limits nor delays
    /// concern it.
    ///
    /// # Errors
    /// If the directory cannot be used, or an operation refuses a part of `init`.
    pub(crate) fn begin(
        settings: Settings,
        clock: Clock,
        beginning: &Beginning<'_>,
    ) -> Result<Arc<Self>, BeginError> {
        let asked = clock.now();
        let opened = beginning.data_dir.map(Store::open).transpose();
        let opened = opened.map_err(BeginError::DataDir)?;
        let took = clock.now().since(asked);
        Self::begin_over(settings, clock, opened, took, beginning)
    }

    /// The same, when the directory has been read, which took so long.
    pub(super) fn begin_over(
        settings: Settings,
        clock: Clock,
        opened: Option<Opened>,
        took: Duration,
        Beginning { snapshot, init, .. }: &Beginning<'_>,
    ) -> Result<Arc<Self>, BeginError> {
        let (store, kept) = opened.map_or((None, None), |(store, kept)| (Some(store), kept));
        let Settings { state_delay, limits, .. } = settings.clone();
        let (state_delay_now, limits_now) = (Duration::ZERO, Limits::off());
        let mut service = Self::new(
            Settings { state_delay: state_delay_now, limits: limits_now, ..settings },
            clock,
            store.map(Arc::new),
        );
        let is_kept = kept.is_some();
        let before = match kept {
            Some((kept, resumed)) => {
                service.resumed = Some((resumed, took));
                Some(kept)
            }
            None => snapshot.cloned(),
        };
        if let Some(before) = &before {
            service.clock.advance_to(before.taken());
            service.engine.resume(before.frozen());
            service.request_ids.go_on_from(before.request_ids());
        }
        service.initialize(init, is_kept || before.is_none()).map_err(BeginError::Init)?;
        service.kept_blocking().map_err(BeginError::NotKept)?;
        service.engine.settings.state_delay = state_delay;
        service.engine.settings.limits = limits.clone();
        service.set_limits(limits);
        let service = Arc::new(service);
        service.look_after_store().map_err(BeginError::NoThread)?;
        Ok(service)
    }

    /// Makes what there is to be from the start: all of it is kept, or nothing.
    /// `is_kept` says whether what there is already needs no keeping.
    fn initialize(&self, init: &Init, is_kept: bool) -> Result<(), InitError> {
        let Some(store) = &self.store else { return init.apply(self, IfThere::Refuse) };
        let told = store.tentative();
        self.note_moment();
        init.apply(self, IfThere::Keep)?;
        if is_kept && told.bytes() <= TOLD_BYTES_MAX {
            told.keep();
        } else {
            drop(told);
            self.keep_all(store);
        }
        Ok(())
    }

    /// Has everything kept as it is, whatever has been before.
    fn keep_all(&self, store: &Store) {
        let all = self.snapshot();
        let _written = store.prepare_to_restore(all.frozen());
        let _together = store.group();
        store.restored(all.frozen());
        self.note_moment();
    }
}

#[cfg(test)]
mod tests;
