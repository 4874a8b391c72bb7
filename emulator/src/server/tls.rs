//! TLS on the same port: a connection's first byte tells.
//!
//! Each server makes a certificate authority of its own, when the first client
//! or test asks for it, and signs a certificate for the loopback names with it.
//! The authority's key is forgotten as soon as that is done.

use std::io;
use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of a TLS handshake record; no HTTP method begins with it.
pub(super) const HANDSHAKE: u8 = 0x16;

/// Who the certificate is for.
const NAMES: [&str; 4] = ["localhost", "*.localhost", "127.0.0.1", "::1"];

/// A server's certificates, made when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Certificates(OnceLock<Issued>);

struct Issued {
    authority_pem: String,
    config: Arc<ServerConfig>,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Nothing of the keys, ever.
        f.write_str("Issued")
    }
}

impl Certificates {
    /// What clients have to trust, in PEM.
    pub(crate) fn authority_pem(&self) -> &str {
        &self.issued().authority_pem
    }

    /// Shakes hands with a client; HTTP/2 and HTTP/1.1 are offered.
    ///
    /// # Errors
    /// If the client does not trust the certificate, or talks nonsense.
    pub(super) async fn accept(&self, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.issued().config)).accept(socket).await
    }

    fn issued(&self) -> &Issued {
        self.0.get_or_init(|| issue().expect("certificates of constant names can be made"))
    }
}

fn issue() -> Result<Issued, Box<dyn std::error::Error>> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "kinesis-emulator, for tests only");
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    let issuer = Issuer::new(authority, authority_key);

    let mut server = CertificateParams::new(NAMES.map(str::to_owned))?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.distinguished_name.push(DnType::CommonName, "kinesis-emulator");
    let server_key = KeyPair::generate()?;
    let certificate = server.signed_by(&server_key, &issuer)?;

    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
    // The provider is named: a program that links two must not have to choose.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Issued { authority_pem, config: Arc::new(config) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_has_an_authority_of_its_own() {
        let (one, other) = (Certificates::default(), Certificates::default());
        assert!(one.authority_pem().starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(one.authority_pem(), one.authority_pem());
        assert_ne!(one.authority_pem(), other.authority_pem());
    }
}
