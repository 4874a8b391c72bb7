//! Requests that are written and signed once and sent many times, as load generators do:
//! a client that takes little of the machine it shares with the server.
//!
//! What is sent is what the native driver would send, and it decodes the first answer in
//! full. Of those that follow, status and length are looked at.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Response, StatusCode};

use super::http1::{Answer, Broken, Connection};
use super::native::{NativeDriver, unanswered};
use super::{Driver, Refusal};
use crate::measure::clock::since_epoch;
use crate::target::null::NullTarget;

/// Requests of one operation, and how long an answer to any of them is.
///
/// They are for a load that begins at once and is short: [AWS takes a signature for five
/// minutes](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
#[derive(Debug)]
pub struct Prepared {
    operation: &'static str,
    requests: Vec<Vec<u8>>,
    answer_bytes: usize,
    /// Without its digits.
    answer_text_bytes: usize,
}

impl Prepared {
    /// Writes the requests of so many calls of an operation, as `call` makes them by their
    /// numbers, and sends the first. Beside them is what the driver reads from its answer.
    ///
    /// # Errors
    /// When the target refuses the first, or its answer cannot be read.
    pub async fn new<T>(
        driver: &NativeDriver,
        connection: &mut Connection,
        operation: &'static str,
        calls: usize,
        call: impl AsyncFn(&Driver, usize) -> Result<T, Refusal>,
    ) -> Result<(Self, T), Refusal> {
        let bodies = Arc::new(Mutex::new(Vec::with_capacity(calls)));
        let (kept, null) = (Arc::clone(&bodies), NullTarget::default());
        let writer = driver.answered_by(Arc::new(move |request| {
            kept.lock().expect("nobody panics while holding it").push(request.body().clone());
            null.answer(&request)
        }));
        for number in 0..calls {
            call(&writer, number).await?;
        }
        let bodies = std::mem::take(&mut *bodies.lock().expect("nobody panics while holding it"));
        let written = bodies.iter().map(|body: &Bytes| {
            let mut request = Vec::new();
            let signed = driver.signer().sign(operation, body, since_epoch());
            signed.write_head(&mut request, body.len());
            request.extend_from_slice(body);
            request
        });
        let requests: Vec<Vec<u8>> = written.collect();

        let first = requests.first().ok_or_else(|| unanswered(operation, "nothing was asked"))?;
        let answer = connection.send(first).await;
        let answer = answer.map_err(|broken| unanswered(operation, broken))?;
        let (answer_bytes, answer_text_bytes) = (answer.body.len(), text_bytes(answer.body));
        let (status, body) = (answer.status, Bytes::copy_from_slice(answer.body));
        let status = StatusCode::from_u16(status).map_err(|error| unanswered(operation, error))?;
        let reader = driver.answered_by(Arc::new(move |_| {
            let mut response = Response::new(body.clone());
            *response.status_mut() = status;
            response
        }));
        let read = call(&reader, 0).await?;
        Ok((Self { operation, requests, answer_bytes, answer_text_bytes }, read))
    }

    /// A request as it goes over the wire; after the last comes the first again.
    #[must_use]
    pub fn request(&self, number: usize) -> &[u8] {
        &self.requests[number % self.requests.len()]
    }

    /// Whether an answer is like the first, without reading it.
    ///
    /// # Errors
    /// When its status is not 200, or its length is not that of the first. Answers to the
    /// same request differ in their numbers only: AWS's sequence numbers are as long as each
    /// other, but those of a server that counts from one become longer, and so does
    /// `MillisBehindLatest`. An answer of another length must therefore have as many bytes
    /// that are no digits; one with an `ErrorCode` in place of a sequence number has not.
    pub fn check(&self, answer: &Answer<&[u8]>) -> Result<(), Refusal> {
        let Answer { status, body, .. } = *answer;
        let is_as_long =
            body.len() == self.answer_bytes || text_bytes(body) == self.answer_text_bytes;
        if status == OK && is_as_long {
            return Ok(());
        }
        let beginning = String::from_utf8_lossy(&body[..body.len().min(SHOWN_BYTES_MAX)]);
        let message = format!(
            "status {status} with {} bytes, where {OK} with {} was due: {beginning}",
            body.len(),
            self.answer_bytes
        );
        Err(unanswered(self.operation, message))
    }

    /// That there was no answer.
    #[must_use]
    pub fn unanswered(&self, why: &Broken) -> Refusal {
        unanswered(self.operation, why)
    }
}

const OK: u16 = 200;
/// Of a wrong answer.
const SHOWN_BYTES_MAX: usize = 200;

fn text_bytes(body: &[u8]) -> usize {
    body.iter().filter(|byte| !byte.is_ascii_digit()).count()
}
