//! The certificate that a server of ours makes for itself at its start, and the CA that signed it.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What a server needs to speak TLS.
#[derive(Debug)]
pub struct Certified {
    /// Whom a client has to trust, in PEM.
    pub ca: String,
    /// The certificate and its key; HTTP/2 and HTTP/1.1 by ALPN.
    pub server: Arc<ServerConfig>,
}

/// Makes a CA, and a certificate for `localhost`, the loopback addresses (that of the storage host, too), `ip`, and
/// `others`. An IPv4 address in the spelling of IPv6 is none of them unless it is asked for: clients in Go refuse a certificate
/// for having one. Both are new each time, so that no key is ever the same on two machines. `whose` stands in both.
///
/// # Errors
/// If a name cannot stand in a certificate, or there is no key: what is wrong.
pub fn certify(whose: &str, ip: IpAddr, others: &[String]) -> Result<Certified, String> {
    let said = |error: rcgen::Error| error.to_string();
    let named = |name: &str| {
        let mut it = DistinguishedName::new();
        it.push(DnType::CommonName, name);
        it
    };
    let mut ca = CertificateParams::default();
    ca.distinguished_name = named(&format!("{whose} CA"));
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_key = KeyPair::generate().map_err(said)?;
    let ca_certificate = ca.self_signed(&ca_key).map_err(said)?;

    let mut hosts = ["localhost", "127.0.0.1", "127.0.0.2", "::1"]
        .map(str::to_owned)
        .to_vec();
    for own in [ip.to_string()].into_iter().chain(others.iter().cloned()) {
        if !hosts.contains(&own) {
            hosts.push(own);
        }
    }
    let mut leaf = CertificateParams::new(hosts).map_err(said)?;
    leaf.distinguished_name = named(whose);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(said)?;
    let leaf = leaf
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .map_err(said)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Ok(Certified {
        ca: ca_certificate.pem(),
        server: Arc::new(server(vec![leaf.der().clone()], key).map_err(|it| it.to_string())?),
    })
}

fn server(
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // The client keeps the session: any number of users may come back.
    server.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(server)
}
