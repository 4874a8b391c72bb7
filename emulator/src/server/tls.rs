//! TLS on the same port: a connection's first byte tells.
//!
//! Each server makes a certificate authority of its own, when the first client
//! or test asks for it, and signs a certificate for the names of this machine with
//! it. Who asks for a name without a dot, as a service of Docker Compose has, or for
//! one below localhost gets one for that name. No key ever leaves the process's memory.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of a TLS handshake record; no HTTP method begins with it.
pub(super) const HANDSHAKE: u8 = 0x16;

/// Who the certificate is for: this machine's own names for itself, Docker's for
/// the machine around a container, and LocalStack's.
const NAMES: [&str; 6] = [
    "localhost",
    "127.0.0.1",
    "::1",
    "host.docker.internal",
    "localhost.localstack.cloud",
    "*.localhost.localstack.cloud",
];

/// A server's certificates, made when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    /// Names and addresses beside [`NAMES`].
    hosts: Vec<String>,
    issued: OnceLock<Issued>,
}

struct Issued {
    authority_pem: String,
    config: Arc<ServerConfig>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing of the keys, ever.
        f.write_str("Issued")
    }
}

impl Certificates {
    /// Those of a server that has these names or addresses, too.
    pub(crate) fn of_hosts(hosts: &[String]) -> Self {
        Self { hosts: hosts.to_vec(), issued: OnceLock::new() }
    }

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
        self.issued.get_or_init(|| issue(&self.hosts).expect("certificates of names can be made"))
    }
}

type Failure = Box<dyn std::error::Error>;

fn issue(hosts: &[String]) -> Result<Issued, Failure> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "kinesis-emulator, for tests only");
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();

    // The provider is named: a program that links two must not have to choose.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let names = NAMES.map(str::to_owned).into_iter().chain(hosts.iter().cloned()).collect();
    let signer = Signer::new(Issuer::new(authority, authority_key), names, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(signer));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Issued { authority_pem, config: Arc::new(config) })
}

/// Hands certificates out: one for all names that are known before, and one for a
/// name without a dot, or below localhost, that a client asks for.
struct Signer {
    authority: Issuer<'static, KeyPair>,
    key: KeyPair,
    signing: Arc<dyn SigningKey>,
    of_known_names: Arc<CertifiedKey>,
}

impl Signer {
    fn new(
        authority: Issuer<'static, KeyPair>,
        names: Vec<String>,
        provider: &CryptoProvider,
    ) -> Result<Self, Failure> {
        let key = KeyPair::generate()?;
        let pkcs8 = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signing = provider.key_provider.load_private_key(pkcs8)?;
        let of_known_names = Arc::new(sign(names, &key, &signing, &authority)?);
        Ok(Self { authority, key, signing, of_known_names })
    }

    fn certificate_for(&self, name: &str) -> Arc<CertifiedKey> {
        // Clients take no wildcard of a name that has one part only.
        if name.contains('.') && !name.ends_with(".localhost") {
            return Arc::clone(&self.of_known_names);
        }
        let signed = sign(vec![name.to_owned()], &self.key, &self.signing, &self.authority);
        signed.map_or_else(|_| Arc::clone(&self.of_known_names), Arc::new)
    }
}

fn sign(
    names: Vec<String>,
    key: &KeyPair,
    signing: &Arc<dyn SigningKey>,
    authority: &Issuer<'_, KeyPair>,
) -> Result<CertifiedKey, rcgen::Error> {
    let mut server = CertificateParams::new(names)?;
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.distinguished_name.push(DnType::CommonName, "kinesis-emulator");
    let certificate = server.signed_by(key, authority)?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], Arc::clone(signing)))
}

impl ResolvesServerCert for Signer {
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Who calls an address names none.
        Some(match client.server_name() {
            Some(name) => self.certificate_for(name),
            None => Arc::clone(&self.of_known_names),
        })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing of the keys, ever.
        f.write_str("Signer")
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

    use super::*;

    #[test]
    fn every_server_has_an_authority_of_its_own() {
        let (one, other) = (Certificates::default(), Certificates::default());
        assert!(one.authority_pem().starts_with("-----BEGIN CERTIFICATE-----"));
        assert_eq!(one.authority_pem(), one.authority_pem());
        assert_ne!(one.authority_pem(), other.authority_pem());
    }

    #[test]
    fn clients_find_the_names_of_this_machine_and_those_of_containers() {
        let hosts = ["kinesis.dev.shop.com".to_owned(), "172.17.0.2".to_owned()];
        let certificates = Certificates::of_hosts(&hosts);
        for name in [
            "localhost",
            "127.0.0.1",
            "::1",
            "kinesis.localhost",
            "host.docker.internal",
            "localhost.localstack.cloud",
            "kinesis.localhost.localstack.cloud",
            "kinesis.dev.shop.com",
            "172.17.0.2",
            "kinesis",
            "kinesis-1",
            "my_service",
        ] {
            assert_eq!(shake_hands(&certificates, name), Ok(()), "{name}");
        }
        for stranger in ["example.com", "other.dev.shop.com", "10.0.0.1"] {
            let refused = shake_hands(&certificates, stranger).expect_err(stranger);
            assert!(refused.contains("NotValidForName"), "{stranger}: {refused}");
        }
    }

    /// Why a client that trusts the authority does not take the server for `name`.
    fn shake_hands(certificates: &Certificates, name: &str) -> Result<(), String> {
        let mut trusted = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(certificates.authority_pem().as_bytes());
        trusted.add(authority.expect("PEM")).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().expect("they are known");
        let config = config.with_root_certificates(trusted).with_no_client_auth();
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let mut client = ClientConnection::new(Arc::new(config), name).expect("it can begin");
        let config = Arc::clone(&certificates.issued().config);
        let mut server = ServerConnection::new(config).expect("it can begin");
        while client.is_handshaking() {
            let mut sent = Vec::new();
            client.write_tls(&mut sent).expect("memory");
            server.read_tls(&mut sent.as_slice()).expect("memory");
            server.process_new_packets().expect("the client is right");
            let mut sent = Vec::new();
            server.write_tls(&mut sent).expect("memory");
            client.read_tls(&mut sent.as_slice()).expect("memory");
            client.process_new_packets().map_err(|error| format!("{error:?}"))?;
        }
        Ok(())
    }
}
