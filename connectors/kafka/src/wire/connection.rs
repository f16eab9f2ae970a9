//! One blocking connection to a broker: a request, then its answer.

use super::text;
use crate::KafkaError;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiVersionsRequest, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};
use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Time to establish a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer taken: metadata of some ten thousand partitions fits; more is a misread length.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
const LENGTH_BYTES: usize = 4;

/// A connection and the request versions its broker knows.
pub(crate) struct Connection {
    stream: TcpStream,
    address: String,
    client_id: String,
    last_request: i32,
    /// By API key: lowest and highest version of the broker.
    versions: HashMap<i16, (i16, i16)>,
}

impl Connection {
    /// Connects to `address` and asks for its versions; answers may take `timeout`.
    pub(crate) fn open(address: &str, client_id: &str, timeout: Duration) -> Result<Self, KafkaError> {
        let stream = connect(address, timeout)
            .map_err(|source| KafkaError::Unreachable { addresses: address.to_owned(), source })?;
        let mut connection = Self {
            stream,
            address: address.to_owned(),
            client_id: client_id.to_owned(),
            last_request: 0,
            versions: HashMap::new(),
        };
        // Version 0 is understood by every broker, whatever its age (KIP-511).
        let answer = connection.exchange(&ApiVersionsRequest::default(), 0)?;
        connection.versions =
            answer.api_keys.iter().map(|api| (api.api_key, (api.min_version, api.max_version))).collect();
        Ok(connection)
    }

    /// Changes how long an answer may take.
    pub(crate) fn set_timeout(&self, timeout: Duration) -> Result<(), KafkaError> {
        self.stream.set_read_timeout(Some(timeout)).map_err(|source| self.broken(source))
    }

    /// A second hold on the socket, to shut it down from another thread.
    pub(crate) fn socket(&self) -> Result<TcpStream, KafkaError> {
        self.stream.try_clone().map_err(|source| self.broken(source))
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
        self.stream.write_all(&frame).map_err(|source| self.broken(source))?;
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
        KafkaError::Connection { address: self.address.clone(), source }
    }

    fn misunderstood(&self, reason: impl Display) -> KafkaError {
        KafkaError::Protocol { address: self.address.clone(), reason: reason.to_string() }
    }
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
