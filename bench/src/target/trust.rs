//! Whose certificates are believed: the machine's roots, and those of a file.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_kinesis::config::SharedHttpClient;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::failure::Failure;

/// Certificates in PEM, beside the machine's own.
#[derive(Debug, Clone, Default)]
pub struct Trust(Option<Vec<u8>>);

impl Trust {
    /// Believes the certificates of a file as well.
    ///
    /// # Errors
    /// When the file cannot be read or holds none.
    pub fn with_file(file: Option<&Path>) -> Result<Self, Failure> {
        let Some(file) = file else { return Ok(Self::default()) };
        let unfit = |reason: String| {
            Failure::Start(format!(
                "{} is not a PEM file of certificates ({reason}): pass the file that the \
                 target wrote, such as that of kinesis-emulator --ca-file",
                file.display()
            ))
        };
        let pem = fs::read(file).map_err(|error| unfit(error.to_string()))?;
        let found = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).count();
        if found == 0 { Err(unfit("it holds none".to_owned())) } else { Ok(Self(Some(pem))) }
    }

    /// Believes these certificates as well.
    #[cfg(test)]
    pub(crate) fn with_pem(pem: Vec<u8>) -> Self {
        Self(Some(pem))
    }

    /// The SDK's HTTP client with TLS.
    #[must_use]
    pub fn sdk_client(&self) -> SharedHttpClient {
        let store = TrustStore::default();
        let store = match &self.0 {
            Some(pem) => store.with_pem_certificate(pem.as_slice()),
            None => store,
        };
        let context = TlsContext::builder().with_trust_store(store).build();
        aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.expect("a trust store is all that a context needs"))
            .build_https()
    }

    /// The native driver's TLS, over HTTP/1.1.
    ///
    /// # Errors
    /// When the system's TLS library refuses.
    pub fn connector(&self) -> Result<TlsConnector, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(pem) = &self.0 {
            let own = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
            roots.add_parsable_certificates(own);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::Start(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }
}
