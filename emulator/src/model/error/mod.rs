//! What can go wrong, in AWS's words.
//!
//! Every sentence is written once, as a constructor named after what happened.
//! Sentences marked *recorded* were observed on the real service by public
//! test suites; the others are ours, because AWS documents only the kind.

mod channels;
mod consumers;
mod pages;
mod queues;
mod records;
mod shards;
mod streams;

use std::fmt;

macro_rules! errors {
    ($($(#[$meta:meta])* $kind:ident => $status:literal $wire:literal,)*) => {
        /// A kind of error: its HTTP status and wire name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorKind {
            $($(#[$meta])* $kind),*
        }

        impl ErrorKind {
            /// The HTTP status of the answer.
            pub fn status(self) -> u16 {
                match self { $(Self::$kind => $status),* }
            }

            /// The name in the answer's `__type`.
            pub fn wire_name(self) -> &'static str {
                match self { $(Self::$kind => $wire),* }
            }

            const ALL: &'static [Self] = &[$(Self::$kind),*];
        }
    };
}

errors! {
    /// The caller may not do it.
    AccessDenied => 400 "AccessDeniedException",
    /// `DryRun` was set and the call would have succeeded.
    DryRunOperation => 400 "DryRunOperationException",
    /// The shard iterator is older than 300 s.
    ExpiredIterator => 400 "ExpiredIteratorException",
    /// The page token is older than 300 s.
    ExpiredNextToken => 400 "ExpiredNextTokenException",
    /// The authentication lacks a part.
    IncompleteSignature => 400 "IncompleteSignatureException",
    /// A fault of the service; retryable.
    InternalFailure => 500 "InternalFailure",
    /// An argument is unusable.
    InvalidArgument => 400 "InvalidArgumentException",
    /// The signature is wrong or given twice.
    InvalidSignature => 400 "InvalidSignatureException",
    /// The stream's key is not accessible.
    KmsAccessDenied => 400 "KMSAccessDeniedException",
    /// The stream's key is disabled.
    KmsDisabled => 400 "KMSDisabledException",
    /// The stream's key is in the wrong state.
    KmsInvalidState => 400 "KMSInvalidStateException",
    /// The stream's key does not exist.
    KmsNotFound => 400 "KMSNotFoundException",
    /// The account has no KMS subscription.
    KmsOptInRequired => 400 "KMSOptInRequired",
    /// KMS throttles.
    KmsThrottling => 400 "KMSThrottlingException",
    /// A quota or a call rate is exceeded.
    LimitExceeded => 400 "LimitExceededException",
    /// The request carries no authentication.
    MissingAuthenticationToken => 400 "MissingAuthenticationTokenException",
    /// More than a shard's throughput was asked for.
    ProvisionedThroughputExceeded => 400 "ProvisionedThroughputExceededException",
    /// The resource is not in a state for it, or its name is taken.
    ResourceInUse => 400 "ResourceInUseException",
    /// There is no such resource.
    ResourceNotFound => 400 "ResourceNotFoundException",
    /// The body or a member's type is wrong.
    Serialization => 400 "SerializationException",
    /// The service takes no calls; retryable. Its front end says so, without
    /// any message (users' reports).
    ServiceUnavailable => 503 "ServiceUnavailable",
    /// A queue is asked for more than it gives.
    Throttling => 400 "ThrottlingException",
    /// No such operation.
    UnknownOperation => 400 "UnknownOperationException",
    /// A constraint or combination rule is broken.
    Validation => 400 "ValidationException",
}

impl std::str::FromStr for ErrorKind {
    type Err = String;

    /// Reads the name in an answer's `__type`; the word `Exception` at its end
    /// may be left out.
    fn from_str(name: &str) -> Result<Self, String> {
        let bare = |name: &str| name.strip_suffix("Exception").unwrap_or(name).to_owned();
        let found = Self::ALL.iter().find(|kind| bare(kind.wire_name()) == bare(name));
        found.copied().ok_or_else(|| format!("{name:?} is not an error of Kinesis Data Streams"))
    }
}

/// An error answer: one word wide, because it travels in every `Result`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError(Box<(ErrorKind, String)>);

impl ApiError {
    /// An error with its text; an empty text leaves the message out.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new((kind, message.into())))
    }

    /// AWS sends no text with it (recorded).
    pub(crate) fn internal_failure() -> Self {
        Self::new(ErrorKind::InternalFailure, "")
    }

    /// What was written, or is to be, cannot be kept (ours).
    pub(crate) fn not_kept(why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InternalFailure, why.to_string())
    }

    /// What kind it is.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.0.0
    }

    /// The text for people, possibly empty.
    pub(crate) fn message(&self) -> &str {
        &self.0.1
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind().wire_name(), self.message())
    }
}

impl std::error::Error for ApiError {}
