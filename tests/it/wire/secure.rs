//! TLS: what an unsigned caller hears, and which protocols are offered.

use kinesis_emulator::Emulator;
use reqwest::{Certificate, Client, ClientBuilder, Version};

use super::envelope::ACCESS_DENIED;

fn client(emulator: &Emulator, choose: fn(ClientBuilder) -> ClientBuilder) -> Client {
    // reqwest asks the process for a provider; whoever was first is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let authority = emulator.certificate_authority_pem().expect("it listens");
    let certificate = Certificate::from_pem(authority.as_bytes()).expect("a PEM certificate");
    choose(Client::builder().tls_certs_only([certificate])).build().expect("a client")
}

// behaviours 16, 5
#[tokio::test]
async fn an_unsigned_get_over_tls_is_denied_in_both_protocols() {
    let emulator = Emulator::start().await;
    let url = emulator.tls_url().expect("it listens");
    let offered = client(&emulator, |builder| builder);
    let old = client(&emulator, ClientBuilder::http1_only);
    for (client, version) in [(offered, Version::HTTP_2), (old, Version::HTTP_11)] {
        let answer = client.get(&url).send().await.expect("the certificate is trusted");
        assert_eq!((answer.status().as_u16(), answer.version()), (403, version));
        assert!(answer.headers().get("content-type").is_none());
        assert_eq!(answer.text().await.expect("a body"), ACCESS_DENIED);
    }
}
