//! ClickHouse's HTTP interface: questions, statements, and inserts that refuse to start late.

use crate::config::ClickHouseConfig;
use crate::error::SinkError;
use crate::lease::{Lease, LeasedReader};
use crate::request_builder::InsertRequest;
use serde_json::Value as Json;
use std::time::Duration;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body, SendBody};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// From sending a request to the end of its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Less than the server's own `keep_alive_timeout`, so that an idle connection is rarely found closed.
const MAX_IDLE: Duration = Duration::from_secs(3);

/// ClickHouse's codes for a row that it will not take, whenever it is asked. All others may pass: they are waited for.
const ROW_REFUSED: [u32; 5] = [
    321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    407, // DECIMAL_OVERFLOW
    469, // VIOLATED_CONSTRAINT
    691, // UNKNOWN_ELEMENT_OF_ENUM
];

/// Nothing to wait for when a question is wrong: SYNTAX_ERROR, UNKNOWN_IDENTIFIER, TYPE_MISMATCH, AUTHENTICATION_FAILED.
const QUESTION_REFUSED: [u32; 4] = [62, 47, 53, 516];

/// A server at an address.
#[derive(Clone)]
pub struct ClickHouse {
    agent: Agent,
    config: ClickHouseConfig,
}

/// How an insert ended that did not succeed.
#[derive(Debug)]
pub(crate) enum InsertError {
    /// ClickHouse will never take one of the rows; nothing of the block was inserted.
    RowRefused(String),
    /// Not known to have been inserted: to be repeated with the same token.
    Failed(String),
}

impl ClickHouse {
    /// Does not call.
    pub fn new(config: ClickHouseConfig) -> Self {
        let agent = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(ANSWER_TIMEOUT))
            .max_idle_age(MAX_IDLE)
            .http_status_as_error(false) // the reason is in the answer's body
            .proxy(None) // an inner service, reached directly
            .build();
        Self { agent: agent.into(), config }
    }

    /// The database of all tables.
    pub fn database(&self) -> &str {
        &self.config.database
    }

    pub(crate) fn compresses(&self) -> bool {
        self.config.compress
    }

    /// Carries out a statement in the database.
    ///
    /// # Errors
    /// [`SinkError::ClickHouse`] with the server's words.
    pub fn execute(&self, statement: &str) -> Result<(), SinkError> {
        self.ask(statement, Some(&self.config.database)).map(drop)
    }

    /// The same outside of any database.
    pub(crate) fn execute_outside(&self, statement: &str) -> Result<(), SinkError> {
        self.ask(statement, None).map(drop)
    }

    /// The rows that a `SELECT` or `DESCRIBE` gives; `question` names no format.
    ///
    /// # Errors
    /// [`SinkError::ClickHouse`] with the server's words.
    pub fn query(&self, question: &str) -> Result<Vec<Vec<Json>>, SinkError> {
        let sql = format!("{question} FORMAT JSONCompactEachRow");
        let text = self.ask(&sql, Some(&self.config.database))?;
        let rows: Result<_, serde_json::Error> = text.lines().map(serde_json::from_str).collect();
        rows.map_err(|error| self.failed(question, error.to_string(), false))
    }

    fn ask(&self, sql: &str, database: Option<&str>) -> Result<String, SinkError> {
        let parameters: Vec<(&str, &str)> = database.map(|name| ("database", name)).into_iter().collect();
        let request = self.request(&parameters).body(sql.to_owned());
        let sent = request.map_err(ureq::Error::from).and_then(|request| self.agent.run(request));
        let mut response = sent.map_err(|error| self.failed(sql, format!("does not answer: {error}"), true))?;
        let text = response.body_mut().read_to_string();
        let text = text.map_err(|error| self.failed(sql, format!("broke off: {error}"), true))?;
        if response.status().is_success() {
            return Ok(text);
        }
        let refused = exception_code(&response).is_some_and(|code| QUESTION_REFUSED.contains(&code));
        Err(self.failed(sql, first_line(&text).to_owned(), !refused))
    }

    /// Inserts one block, unless the lease is over before the last of it is sent.
    pub(crate) fn insert(&self, insert: &InsertRequest, lease: &Lease) -> Result<(), InsertError> {
        let failed = |error: &dyn std::fmt::Display| InsertError::Failed(error.to_string());
        let parameters: Vec<(&str, &str)> =
            insert.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut request = self.request(&parameters).header("content-length", insert.body.len().to_string());
        if insert.compressed {
            request = request.header("content-encoding", "lz4");
        }
        let mut body = LeasedReader::new(&insert.body, lease);
        let request = request.body(SendBody::from_reader(&mut body)).map_err(|e| failed(&e))?;
        let mut response = self.agent.run(request).map_err(|error| failed(&error))?;
        let text = response.body_mut().read_to_string().map_err(|error| failed(&error))?;
        if response.status().is_success() {
            return Ok(());
        }
        let words = first_line(&text).to_owned();
        match exception_code(&response) {
            Some(code) if ROW_REFUSED.contains(&code) => Err(InsertError::RowRefused(words)),
            _ => Err(InsertError::Failed(words)),
        }
    }

    fn request(&self, parameters: &[(&str, &str)]) -> ureq::http::request::Builder {
        let query: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        let url = format!("{}/?{}", self.config.url.trim_end_matches('/'), query.join("&"));
        let mut request = Request::builder().method(Method::POST).uri(url);
        if !self.config.user.is_empty() {
            request = request.header("x-clickhouse-user", &self.config.user);
        }
        if !self.config.password.is_empty() {
            request = request.header("x-clickhouse-key", &self.config.password);
        }
        request
    }

    fn failed(&self, sql: &str, reason: String, retriable: bool) -> SinkError {
        const SHOWN_CHARS: usize = 80;
        let url = self.config.url.clone();
        let attempt = first_line(sql).chars().take(SHOWN_CHARS).collect();
        SinkError::ClickHouse { attempt, url, reason, retriable }
    }
}

fn exception_code(response: &Response<Body>) -> Option<u32> {
    let code = response.headers().get("x-clickhouse-exception-code")?;
    code.to_str().ok()?.parse().ok()
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or("gives no reason")
}

/// RFC 3986, "unreserved characters" stay.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_percent_encoded() {
        assert_eq!(percent_encoded("a-1/b c%é"), "a-1%2Fb%20c%25%C3%A9");
    }
}
