//! What producers hand in.

/// The bytes of a record, at most 10 MiB by the model (`Data`). Opaque: the
/// service never looks inside. They lie among those of their request, and later
/// in a shard's log: there is no value of this type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Payload {}

impl Payload {
    /// The largest blob the model allows, in bytes before base64.
    pub(crate) const BYTES_MAX: usize = 10_485_760;
}

/// A text that was one when it was kept: whoever passes it on as bytes need not
/// check it again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KeptText<'a>(&'a [u8]);

impl<'a> KeptText<'a> {
    /// Takes bytes that were kept as a text.
    pub(crate) fn of_kept(bytes: &'a [u8]) -> Self {
        debug_assert!(std::str::from_utf8(bytes).is_ok(), "a text was kept");
        Self(bytes)
    }

    /// The text's UTF-8.
    pub(crate) fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// How many bytes there are.
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    /// The text.
    pub(crate) fn as_str(self) -> &'a str {
        std::str::from_utf8(self.0).expect("it was text when it was kept")
    }
}

impl<'a> From<&'a str> for KeptText<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}
