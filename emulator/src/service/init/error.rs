//! What is wrong with an [`Init`](super::Init), and where.

use std::fmt;
use std::path::Path;

/// Why an emulator cannot have what it was to have from the start: the file, the
/// place in the document, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitError {
    file: Option<Box<Path>>,
    place: String,
    message: String,
}

impl InitError {
    /// An error at a place such as `streams[0].records[2]`.
    pub(super) fn at(place: &str, message: impl Into<String>) -> Self {
        Self { file: None, place: place.to_owned(), message: message.into() }
    }

    pub(super) fn unread(file: &Path, error: &std::io::Error) -> Self {
        Self::at("", format!("it cannot be read: {error}")).in_file(file)
    }

    pub(super) fn in_file(self, file: &Path) -> Self {
        Self { file: Some(file.into()), ..self }
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}: ", file.display())?;
        }
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for InitError {}
