//! TLS on the crate's own connections, by the files that librdkafka takes too.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Where certificates or a key come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pem {
    /// A file.
    File(String),
    /// The text itself.
    Text(String),
}

impl Pem {
    fn read(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::File(path) => std::fs::read(path).map_err(|e| io::Error::new(e.kind(), format!("{path}: {e}"))),
            Self::Text(text) => Ok(text.clone().into_bytes()),
        }
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let bytes = self.read().map_err(|e| e.to_string())?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let certificates = certificates.map_err(|e| e.to_string())?;
        if certificates.is_empty() { Err("there is no PEM certificate in it".to_owned()) } else { Ok(certificates) }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, String> {
        let bytes = self.read().map_err(|e| e.to_string())?;
        PrivateKeyDer::from_pem_slice(&bytes)
            .map_err(|e| format!("{e}; an unencrypted PEM key is needed (PKCS#8, PKCS#1 or SEC1)"))
    }
}

/// Why the files cannot be used: which of them, and what is wrong.
#[derive(Debug)]
pub(crate) struct BadFile(pub(crate) &'static str, pub(crate) String);

/// How broker certificates are checked and which one we show.
#[derive(Clone, Debug)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Trusts the authorities in `ca`, or those of the system; shows `own`, a certificate chain and its key, where brokers
    /// ask for one.
    pub(crate) fn new(ca: Option<&Pem>, own: Option<(&Pem, &Pem)>) -> Result<Self, BadFile> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| BadFile("security.protocol", e.to_string()))?
            .with_root_certificates(roots(ca).map_err(|reason| BadFile("ssl.ca.location", reason))?);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let chain = chain.certificates().map_err(|reason| BadFile("ssl.certificate.location", reason))?;
                let key = key.key().map_err(|reason| BadFile("ssl.key.location", reason))?;
                let with = builder.with_client_auth_cert(chain, key);
                with.map_err(|e| BadFile("ssl.key.location", e.to_string()))?
            }
        };
        Ok(Self(Arc::new(config)))
    }

    /// Encrypts `stream`; the broker's certificate must name the host of `address`.
    pub(super) fn over(&self, address: &str, mut stream: TcpStream) -> io::Result<TlsStream> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let mut connection = ClientConnection::new(self.0.clone(), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        Ok(StreamOwned::new(connection, stream))
    }
}

type TlsStream = StreamOwned<ClientConnection, TcpStream>;

fn roots(ca: Option<&Pem>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            for certificate in pem.certificates()? {
                roots.add(certificate).map_err(|e| e.to_string())?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                return Err(format!("not given, and the system has no authorities: {:?}", found.errors));
            }
        }
    }
    Ok(roots)
}

/// What TLS says about why a connection failed, where asking again would not help: a certificate that one side does not
/// take.
pub(super) fn refusal(error: &io::Error) -> Option<&rustls::Error> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    matches!(error, rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)).then_some(error)
}

/// Bytes to and from a broker, encrypted or not.
pub(super) enum Stream {
    Plain(TcpStream),
    Encrypted(Box<TlsStream>),
}

impl Stream {
    /// The socket underneath.
    pub(super) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Encrypted(stream) => stream.get_ref(),
        }
    }

    /// Sends all of `bytes` at once.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Encrypted(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Encrypted(stream) => stream.read(into),
        }
    }
}
