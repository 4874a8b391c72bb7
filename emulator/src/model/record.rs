//! What producers hand in.

/// The bytes of a record, at most 10 MiB by the model (`Data`). Opaque: the
/// service never looks inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload(Vec<u8>);

impl Payload {
    /// The largest blob the model allows, in bytes before base64.
    pub(crate) const BYTES_MAX: usize = 10_485_760;

    /// Takes bytes whose length has been checked.
    pub(crate) fn from_checked(bytes: Vec<u8>) -> Self {
        assert!(bytes.len() <= Self::BYTES_MAX, "a payload is checked before it is made");
        Self(bytes)
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
