//! Whom we trust, read before the first connection.

use super::{fault::Fault, secret, settings::Trust};
use crate::error::{Error, Kind};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// TLS 1.2 and 1.3 with these roots; the server's name is always checked.
///
/// # Errors
/// [`Kind::Config`] where a file holds no certificate or no key, or the system trusts nobody; [`Kind::NoInput`],
/// [`Kind::Permission`], [`Kind::Io`] where it cannot be read.
pub(super) fn config(trust: &Trust) -> Result<Arc<ClientConfig>, Error> {
    let mut roots = RootCertStore::empty();
    let certificates = match &trust.ca {
        Some(path) => certificates(path)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(match &trust.ca {
            Some(path) => refuse(path, "holds no certificate in PEM"),
            None => Error::new(Kind::Config, "the system trusts no certificates; install ca-certificates or set `ca`"),
        });
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows TLS 1.2 and 1.3")
        .with_root_certificates(roots);
    let Some((chain, key)) = &trust.identity else { return Ok(Arc::new(builder.with_no_client_auth())) };
    let wrong = |path: &PathBuf| refuse(path, "holds no private key in PEM that fits the certificate");
    let bytes = secret::private(key)?;
    let private = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| wrong(key))?;
    let config = builder.with_client_auth_cert(certificates_of_ours(chain)?, private).map_err(|_| wrong(key))?;
    Ok(Arc::new(config))
}

/// What an error of TLS is to us. None of its words are kept.
pub(super) fn fault(error: &rustls::Error) -> Fault {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Fault::Untrusted,
        _ => Fault::Handshake,
    }
}

fn certificates_of_ours(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let chain = certificates(path)?;
    if chain.is_empty() {
        return Err(refuse(path, "holds no certificate in PEM"));
    }
    Ok(chain)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let bytes = fs::read(path).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => Kind::NoInput,
            std::io::ErrorKind::PermissionDenied => Kind::Permission,
            _ => Kind::Io,
        };
        Error::new(kind, format!("cannot read certificates: {}: {}", path.display(), error.kind()))
    })?;
    CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| refuse(path, "holds something that is no certificate in PEM"))
}

fn refuse(path: &Path, why: &str) -> Error {
    Error::new(Kind::Config, format!("cannot use certificates: {} {why}", path.display()))
}
