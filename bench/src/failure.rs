//! Why a run could not be made, each as one sentence that says what to do.
//!
//! Absent: broken promises of the target. Those are measured and reported, see
//! [`verify`](crate::verify).

use std::fmt;
use std::io;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};

/// The reason for a run that was not made.
#[derive(Debug)]
pub enum Failure {
    /// Nothing answers at the endpoint.
    Unreachable {
        /// The endpoint as given.
        url: String,
        /// What the connection attempt met.
        reason: String,
    },
    /// The endpoint is not on this machine and nobody said it is theirs.
    NotLoopback {
        /// The host as given.
        host: String,
    },
    /// The built-in emulator or the runtime did not start.
    Start(String),
    /// The stream to be created is already there.
    StreamExists {
        /// Its name.
        name: String,
    },
    /// A call was refused or not answered.
    Call {
        /// The operation called.
        operation: &'static str,
        /// What came back.
        reason: String,
    },
    /// A call was answered with something that cannot be worked with.
    Answer(String),
    /// The report could not be written.
    Output(io::Error),
    /// Ctrl-C.
    Interrupted,
}

impl Failure {
    /// The failure of one SDK call, told without the SDK's debug dump.
    pub fn call<E>(operation: &'static str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let reason = match error.as_service_error() {
            Some(refusal) => {
                let code = refusal.code().unwrap_or("an error without a code");
                match refusal.message() {
                    Some(message) => format!("{code}: {message}"),
                    None => code.to_owned(),
                }
            }
            None => with_causes(error),
        };
        Self::Call { operation, reason }
    }

    /// The exit code of a process that ends with this failure.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => 130, // 128 + SIGINT, as shells have it
            Self::Unreachable { .. }
            | Self::NotLoopback { .. }
            | Self::Start(_)
            | Self::StreamExists { .. }
            | Self::Call { .. }
            | Self::Answer(_)
            | Self::Output(_) => 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, reason } => write!(
                f,
                "nothing answers at {url} ({reason}): start the emulator there, or name no URL \
                 to measure the built-in one"
            ),
            Self::NotLoopback { host } => write!(
                f,
                "{host} is not on this machine, and a benchmark is a load: \
                 if the endpoint is yours to load, pass --i-own-this-endpoint"
            ),
            Self::Start(reason) => write!(f, "could not start: {reason}"),
            Self::StreamExists { name } => write!(
                f,
                "a stream {name} exists already and may hold someone's records: \
                 delete it, pass --stream NAME to use another name, or use it with run --existing"
            ),
            Self::Call { operation, reason } => {
                write!(f, "{operation} failed: {reason}")?;
                match advice(reason) {
                    Some(advice) => write!(f, "; {advice}"),
                    None => Ok(()),
                }
            }
            Self::Answer(sentence) => f.write_str(sentence),
            Self::Output(error) if error.kind() == io::ErrorKind::StorageFull => {
                write!(f, "could not write the report: {error}: make room, or name another place")
            }
            Self::Output(error) => write!(f, "could not write the report: {error}"),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Failure {}

/// An error and what led to it, without the dump of values that the SDK appends.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// What to do about a refusal, by the words in it.
fn advice(reason: &str) -> Option<&'static str> {
    let advice = [
        ("ExpiredToken", "the credentials have expired: log in again"),
        ("UnrecognizedClient", "the credentials are not known there: check AWS_PROFILE and keys"),
        ("InvalidSignature", "the secret key or the machine's clock is wrong"),
        ("IncompleteSignature", "check the credentials"),
        ("AccessDenied", "allow it in the caller's IAM policy, or use another AWS_PROFILE"),
        ("dns error", "no such host: check the region (AWS_REGION) or the endpoint"),
        ("certificate", "pass the target's certificate with --ca-file"),
        ("response error", "what listens there does not answer as Kinesis does: check the URL"),
        ("timeout", "the target accepts calls and does not answer them: see what keeps it"),
        ("LimitExceeded", "delete streams that are not needed, or ask for a higher limit"),
        ("ResourceNotFound", "check the stream's name and the region (AWS_REGION)"),
    ];
    advice.iter().find(|(word, _)| reason.contains(word)).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::Failure;

    #[test]
    fn each_sentence_says_what_to_do() {
        let unreachable = Failure::Unreachable {
            url: "http://127.0.0.1:1".into(),
            reason: "Connection refused".into(),
        };
        let exists = Failure::StreamExists { name: "test-stream".into() };
        let foreign = Failure::NotLoopback { host: "example.com".into() };
        for (failure, advice) in [
            (&unreachable, "start the emulator there"),
            (&exists, "--stream NAME"),
            (&foreign, "--i-own-this-endpoint"),
        ] {
            assert!(failure.to_string().contains(advice), "{failure}");
            assert_eq!(failure.exit_code(), 2);
        }
        assert_eq!(Failure::Interrupted.exit_code(), 130);
    }

    #[test]
    fn refusals_that_have_a_remedy_name_it() {
        for (reason, remedy) in [
            ("ExpiredTokenException: The security token is expired", "log in again"),
            ("dispatch failure: dns error: no record", "AWS_REGION"),
            ("invalid peer certificate: UnknownIssuer", "--ca-file"),
            ("AccessDeniedException: not authorized", "IAM policy"),
        ] {
            let failure = Failure::Call { operation: "CreateStream", reason: reason.to_owned() };
            assert!(failure.to_string().contains(remedy), "{failure}");
        }
    }
}
