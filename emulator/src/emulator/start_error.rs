//! Why an emulator could not start.

use std::fmt;

use crate::durable::DataDirError;
use crate::service::begin::BeginError;

/// Why an emulator could not start.
#[derive(Debug)]
pub struct StartError {
    message: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

impl StartError {
    /// Why the data directory cannot be used, if that is why.
    pub fn data_dir_error(&self) -> Option<&DataDirError> {
        self.source.downcast_ref()
    }
}

impl From<BeginError> for StartError {
    fn from(error: BeginError) -> Self {
        let message = error.to_string();
        let source: Box<dyn std::error::Error + Send + Sync> = match error {
            BeginError::DataDir(error) => error.into(),
            BeginError::Init(error) => error.into(),
            BeginError::NoThread(error) => error.into(),
            BeginError::NotKept(why) => why.to_string().into(),
        };
        Self { message, source }
    }
}

#[cfg(feature = "server")]
impl StartError {
    pub(crate) fn new(address: std::net::SocketAddr, source: std::io::Error) -> Self {
        let message = format!(
            "the emulator cannot listen on {address}: {source}; \
             choose another port, or 0 for a free one"
        );
        Self { message, source: source.into() }
    }

    /// What was to be set makes no sense, and says so itself.
    pub(crate) fn because(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { message: source.to_string(), source: source.into() }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn unwritable(file: &std::path::Path, source: std::io::Error) -> Self {
        let message = format!(
            "the certificate cannot be written to {}: {source}; choose another file",
            file.display()
        );
        Self { message, source: source.into() }
    }
}
