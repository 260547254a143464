//! Certificates made for one test run, and clients that show them.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A certificate and its private key, in PEM.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    certificate: String,
    key: String,
}

/// Who issues certificates.
pub(super) struct Authority {
    root: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority, which nobody trusts yet.
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Not the name that its certificates have: one whose issuer is its subject is taken to be self-signed.
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        let root = params.self_signed(&key).unwrap().pem();
        Self { root, issuer: Issuer::new(params, key) }
    }

    /// A certificate with these alternative names and no other.
    pub(super) fn issue(&self, names: Vec<SanType>) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names;
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    /// The transport socket of a listener that asks for a certificate, takes only those of this authority, and takes
    /// connections without one.
    pub(super) fn listener_tls(&self) -> Value {
        let server = self.issue(vec![dns("localhost")]);
        json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "require_client_certificate": false,
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": {"inline_string": server.certificate},
                        "private_key": {"inline_string": server.key},
                    }],
                    "validation_context": {"trusted_ca": {"inline_string": self.root}},
                },
            },
        })
    }

    /// An address at which plain TCP goes on to `listener` in TLS with this certificate, for clients that know no TLS.
    /// `self` is whom they trust.
    pub(super) async fn tunnel(&self, listener: SocketAddr, shown: Option<&Identity>) -> SocketAddr {
        let mut trusted = RootCertStore::empty();
        trusted.add(CertificateDer::from_pem_slice(self.root.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted);
        let config = match shown {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let connector = TlsConnector::from(Arc::new(config));
        let entrance = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = entrance.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut plain, _)) = entrance.accept().await {
                let connector = connector.clone();
                tokio::spawn(async move {
                    let stream = TcpStream::connect(listener).await?;
                    let name = ServerName::try_from("localhost").unwrap();
                    let mut tls = connector.connect(name, stream).await?;
                    tokio::io::copy_bidirectional(&mut plain, &mut tls).await
                });
            }
        });
        address
    }
}

/// A URI as an alternative name.
pub(super) fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

/// A host name as an alternative name.
pub(super) fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}
