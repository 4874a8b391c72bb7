//! A request that has passed the first two gates, held until it is let in.
//!
//! Between its check and its handling a call can be counted, delayed, refused
//! or dropped on purpose; whoever does so sees the call's [`Subject`].

use crate::model::error::{ApiError, ErrorKind};
use crate::wire::Protocol;
use crate::wire::request_bytes::RequestBytes;
use crate::wire::shape::Shape;
use crate::wire::violation::{Path, Violations};

use super::subject::Subject;
use super::{Answer, Call, Effect, Operation, Reply};

/// A checked request of some operation.
pub(crate) trait Prepared: Send {
    /// What the call is about.
    fn subject(&self, call: &Call<'_>) -> Subject;

    /// Whether it changes anything that is to be kept.
    fn writes(&self) -> bool;

    /// Gate 3: does what was asked and writes the answer.
    ///
    /// # Errors
    /// If the state does not allow it.
    fn handle(self: Box<Self>, call: &Call<'_>) -> Result<Reply, ApiError>;
}

/// From a request's body to a call that can be handled.
pub(crate) type Prepare = fn(Protocol, &[u8]) -> Result<Box<dyn Prepared>, ApiError>;

struct Checked<O: Operation> {
    input: O::Input,
    request: RequestBytes,
    protocol: Protocol,
}

/// Gates 1 and 2: decode and check.
pub(super) fn prepare<O: Operation>(
    protocol: Protocol,
    body: &[u8],
) -> Result<Box<dyn Prepared>, ApiError> {
    let (raw, mut request) = protocol.decode::<<O::Input as Shape>::Raw<'_>>(body)?;
    let mut found = Violations::default();
    let checked = O::Input::check(raw, &Path::Root, &mut request, &mut found);
    if let Some(error) = found.into_error() {
        return Err(error);
    }
    let input = checked.expect("a value that breaks no rule is made");
    Ok(Box::new(Checked::<O> { input, request, protocol }))
}

impl<O: Operation> Prepared for Checked<O> {
    fn subject(&self, call: &Call<'_>) -> Subject {
        Subject::of(&self.input, &Call { request: &self.request, ..*call })
    }

    fn writes(&self) -> bool {
        O::WRITES
    }

    fn handle(self: Box<Self>, call: &Call<'_>) -> Result<Reply, ApiError> {
        let Self { input, request, protocol } = *self;
        let _begun = (!O::ON_DATA_PATH).then(|| call.engine.control_call());
        let call = &Call { request: &request, ..*call };
        let answer = O::handle(input, call);
        if let Err(error) = &answer {
            // A missing key is a broken constraint that only the state reveals,
            // and any operation may fail inside.
            let anywhere =
                matches!(error.kind(), ErrorKind::Validation | ErrorKind::InternalFailure);
            debug_assert!(
                anywhere || O::ERRORS.contains(&error.kind()),
                "{error} is not among the errors that the operation declares"
            );
        }
        if let (Some(effect), Ok(answer)) = (call.effect, &answer) {
            let _told_once = effect.set(Effect::of(answer));
        }
        answer.map(|answer| answer.reply(protocol, request))
    }
}
