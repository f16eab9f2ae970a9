//! One blocking connection to a broker: a request, then its answer.

use super::tls::{self, Stream};
use super::{Endpoint, text};
use crate::KafkaError;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};
use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, Read};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Time to establish a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer taken: metadata of some ten thousand partitions fits; more is a misread length.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
const LENGTH_BYTES: usize = 4;

/// A connection and the request versions its broker knows.
pub(crate) struct Connection {
    stream: Stream,
    address: String,
    client_id: String,
    last_request: i32,
    /// By API key: lowest and highest version of the broker.
    versions: HashMap<i16, (i16, i16)>,
    /// When the broker will soon end it, because it wants to know anew who we are (KIP-368).
    used_up_at: Option<Instant>,
}

impl Connection {
    /// Connects to `address`, encrypted and authenticated as `endpoint` says, and asks for its versions.
    pub(crate) fn open(address: &str, endpoint: &Endpoint) -> Result<Self, KafkaError> {
        let encrypt = |stream| match &endpoint.tls {
            None => Ok(Stream::Plain(stream)),
            Some(tls) => tls.over(address, stream).map(|stream| Stream::Encrypted(Box::new(stream))),
        };
        let stream = connect(address, endpoint.timeout).and_then(encrypt);
        let stream = stream.map_err(|source| {
            untrusted(address, &source)
                .unwrap_or_else(|| KafkaError::Unreachable { addresses: address.to_owned(), source })
        })?;
        let mut connection = Self {
            stream,
            address: address.to_owned(),
            client_id: endpoint.client_id.clone(),
            last_request: 0,
            versions: HashMap::new(),
            used_up_at: None,
        };
        // Version 0 is understood by every broker, whatever its age (KIP-511).
        let answer = connection.exchange(&ApiVersionsRequest::default(), 0)?;
        connection.versions =
            answer.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect();
        if let Some(credentials) = &endpoint.credentials {
            connection.used_up_at = credentials.authenticate(&mut connection)?;
        }
        Ok(connection)
    }

    /// Whether the broker will end it soon: a new one is to be opened instead.
    pub(crate) fn is_used_up(&self) -> bool {
        self.used_up_at.is_some_and(|at| Instant::now() >= at)
    }

    /// The broker's address.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Changes how long an answer may take.
    pub(crate) fn set_timeout(&self, timeout: Duration) -> Result<(), KafkaError> {
        self.stream.socket().set_read_timeout(Some(timeout)).map_err(|source| self.broken(source))
    }

    /// A second hold on the socket, to shut it down from another thread.
    pub(crate) fn socket(&self) -> Result<TcpStream, KafkaError> {
        self.stream.socket().try_clone().map_err(|source| self.broken(source))
    }

    /// Sends `request` in `version`, or in the broker's highest if that is lower, and waits for the answer.
    ///
    /// # Errors
    /// After any error the connection is of no use.
    pub(crate) fn call<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, KafkaError> {
        let (lowest, highest) = self.versions.get(&R::KEY).copied().unwrap_or((0, -1));
        let chosen = version.min(highest);
        if chosen < lowest {
            return Err(self.misunderstood(format!(
                "request {} is known there in versions {lowest} to {highest}, here up to {version}",
                R::KEY
            )));
        }
        self.exchange(request, chosen)
    }

    fn exchange<R: Request>(&mut self, request: &R, version: i16) -> Result<R::Response, KafkaError> {
        let frame = self.encode(request, version)?;
        self.stream.send(&frame).map_err(|source| self.broken(source))?;
        let mut answer = self.read_answer()?;
        let header = ResponseHeader::decode(&mut answer, R::Response::header_version(version))
            .map_err(|e| self.misunderstood(e))?;
        if header.correlation_id != self.last_request {
            return Err(
                self.misunderstood(format!("answer {} came to request {}", header.correlation_id, self.last_request))
            );
        }
        R::Response::decode(&mut answer, version).map_err(|e| self.misunderstood(e))
    }

    fn encode<R: Request>(&mut self, request: &R, version: i16) -> Result<BytesMut, KafkaError> {
        self.last_request = self.last_request.wrapping_add(1);
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.last_request)
            .with_client_id(Some(text(&self.client_id)));
        let mut frame = BytesMut::new();
        frame.put_i32(0);
        header.encode(&mut frame, R::header_version(version)).map_err(|e| self.misunderstood(e))?;
        request.encode(&mut frame, version).map_err(|e| self.misunderstood(e))?;
        let length = i32::try_from(frame.len() - LENGTH_BYTES).map_err(|e| self.misunderstood(e))?;
        frame[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
        Ok(frame)
    }

    fn read_answer(&mut self) -> Result<Bytes, KafkaError> {
        let mut length = [0; LENGTH_BYTES];
        self.stream.read_exact(&mut length).map_err(|source| self.broken(source))?;
        let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_ANSWER_BYTES {
            return Err(self.misunderstood(format!("an answer of {length} bytes")));
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).map_err(|source| self.broken(source))?;
        Ok(answer.into())
    }

    fn broken(&self, source: io::Error) -> KafkaError {
        untrusted(&self.address, &source)
            .unwrap_or_else(|| KafkaError::Connection { address: self.address.clone(), source })
    }

    pub(super) fn misunderstood(&self, reason: impl Display) -> KafkaError {
        KafkaError::Protocol { address: self.address.clone(), reason: reason.to_string() }
    }
}

/// A broker's alert may come in place of its first answer only (TLS 1.3).
fn untrusted(address: &str, error: &io::Error) -> Option<KafkaError> {
    let reason = tls::refusal(error)?.to_string();
    Some(KafkaError::Untrusted { address: address.to_owned(), reason })
}

fn connect(address: &str, timeout: Duration) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for candidate in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&candidate, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
