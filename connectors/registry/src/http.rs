//! Client for Confluent's schema registry API, which Apicurio, Karapace and Redpanda speak too. Blocks.
//!
//! Source: docs.confluent.io, "Schema Registry API Reference".

use crate::{RegistryError, SchemaId, SchemaRegistry};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

/// The API's own media type.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// How long and how often one call is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// To connect.
    pub connect_timeout_ms: u64,
    /// From the start of a try to the end of its answer.
    pub timeout_ms: u64,
    /// Tries of a call when nothing or a server error comes back; at least 1.
    pub attempts: u32,
    /// Pause before the second try; doubles with each.
    pub backoff_ms: u64,
}

impl Default for HttpSettings {
    /// At worst 16 s: short of the time in which a stream thread must come back to its group.
    fn default() -> Self {
        Self { connect_timeout_ms: 2_000, timeout_ms: 5_000, attempts: 3, backoff_ms: 200 }
    }
}

/// A registry at an address.
pub struct HttpRegistry {
    agent: Agent,
    base: String,
    settings: HttpSettings,
}

impl HttpRegistry {
    /// `url` with the path prefix that the registry has, e.g. `http://host:8081` or `…/apis/ccompat/v7`. Does not call.
    pub fn new(url: &str, settings: HttpSettings) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(Duration::from_millis(settings.connect_timeout_ms)))
            .timeout_global(Some(Duration::from_millis(settings.timeout_ms)))
            .http_status_as_error(false) // the reason is in the answer's body
            .proxy(None) // an inner service, reached directly
            .build();
        Self { agent: config.into(), base: url.trim_end_matches('/').to_owned(), settings }
    }

    /// Base address.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// The id of a schema that is registered under a subject.
    pub fn lookup(&self, subject: &str, schema: &str) -> Result<SchemaId, RegistryError> {
        let attempt = format!("look up {subject}");
        let path = format!("/subjects/{}", encoded(subject));
        id_of(&self.call(&attempt, Method::POST, &path, Some(&avro(schema)))?, &attempt)
    }

    /// Version numbers of a subject, oldest first.
    pub fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        let attempt = format!("versions of {subject}");
        self.call_as(&attempt, Method::GET, &format!("/subjects/{}/versions", encoded(subject)), None)
    }

    /// Whether a schema could be registered after all versions of a subject.
    pub fn is_compatible(&self, subject: &str, schema: &str) -> Result<bool, RegistryError> {
        let attempt = format!("compatibility with {subject}");
        let path = format!("/compatibility/subjects/{}/versions", encoded(subject));
        let answer = self.call(&attempt, Method::POST, &path, Some(&avro(schema)))?;
        answer["is_compatible"].as_bool().ok_or_else(|| unreadable(&attempt, &answer))
    }

    /// What new versions of a subject are held against.
    pub fn compatibility(&self, subject: &str) -> Result<String, RegistryError> {
        let attempt = format!("compatibility level of {subject}");
        let path = format!("/config/{}?defaultToGlobal=true", encoded(subject));
        let answer = self.call(&attempt, Method::GET, &path, None)?;
        answer["compatibilityLevel"].as_str().map(str::to_owned).ok_or_else(|| unreadable(&attempt, &answer))
    }

    /// Sets what new versions of a subject are held against, e.g. `FULL_TRANSITIVE`.
    pub fn set_compatibility(&self, subject: &str, level: &str) -> Result<(), RegistryError> {
        let attempt = format!("set {level} for {subject}");
        let body = json!({ "compatibility": level });
        self.call(&attempt, Method::PUT, &format!("/config/{}", encoded(subject)), Some(&body)).map(|_| ())
    }

    fn call(&self, attempt: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Value, RegistryError> {
        self.call_as(attempt, method, path, body)
    }

    fn call_as<T: DeserializeOwned>(
        &self,
        attempt: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, RegistryError> {
        let mut pause = Duration::from_millis(self.settings.backoff_ms);
        for _ in 1..self.settings.attempts {
            match self.call_once(attempt, &method, path, body) {
                Err(error) if error.is_retriable() => tracing::warn!("{error}; trying again in {pause:?}"),
                other => return other,
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        self.call_once(attempt, &method, path, body)
    }

    fn call_once<T: DeserializeOwned>(
        &self,
        attempt: &str,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, RegistryError> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("accept", MEDIA_TYPE)
            .header("content-type", MEDIA_TYPE)
            .body(body.map(Value::to_string).unwrap_or_default());
        let sent = request.map_err(ureq::Error::from).and_then(|request| self.agent.run(request));
        let mut response = sent.map_err(|error| self.unavailable(attempt, error.to_string()))?;
        if !response.status().is_success() {
            return Err(self.refusal(attempt, response));
        }
        response.body_mut().read_json().map_err(|error| match error {
            ureq::Error::Json(error) => unreadable(attempt, &error),
            lost => self.unavailable(attempt, lost.to_string()),
        })
    }

    fn unavailable(&self, attempt: &str, reason: String) -> RegistryError {
        RegistryError::Unavailable { attempt: attempt.to_owned(), url: self.base.clone(), reason }
    }

    /// What an answer outside of 2xx means; its body is `{ "error_code", "message" }`.
    fn refusal(&self, attempt: &str, mut response: Response<Body>) -> RegistryError {
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_string().unwrap_or_else(|error| error.to_string());
        let message =
            serde_json::from_str(&body).ok().and_then(|json: Value| Some(json["message"].as_str()?.to_owned()));
        let (attempt, reason) = (attempt.to_owned(), message.unwrap_or(body));
        match status {
            404 => RegistryError::NotFound { attempt, reason },
            409 => RegistryError::Incompatible { attempt, reason },
            429 | 500.. => self.unavailable(&attempt, format!("{status} {reason}")),
            _ => RegistryError::Refused { attempt, status, reason },
        }
    }
}

impl SchemaRegistry for HttpRegistry {
    fn register(&self, subject: &str, schema: &str) -> Result<SchemaId, RegistryError> {
        let attempt = format!("register {subject}");
        let path = format!("/subjects/{}/versions", encoded(subject));
        id_of(&self.call(&attempt, Method::POST, &path, Some(&avro(schema)))?, &attempt)
    }

    fn schema(&self, id: SchemaId) -> Result<String, RegistryError> {
        let attempt = format!("schema {id}");
        let answer = self.call(&attempt, Method::GET, &format!("/schemas/ids/{id}"), None)?;
        let kind = answer.get("schemaType").and_then(Value::as_str).unwrap_or("AVRO"); // left out for Avro
        match answer["schema"].as_str() {
            Some(_) if kind != "AVRO" => {
                Err(RegistryError::Refused { attempt, status: 200, reason: format!("it is {kind}, not Avro") })
            }
            Some(schema) => Ok(schema.to_owned()),
            None => Err(unreadable(&attempt, &answer)),
        }
    }
}

fn avro(schema: &str) -> Value {
    json!({ "schema": schema })
}

fn id_of(answer: &Value, attempt: &str) -> Result<SchemaId, RegistryError> {
    let id = answer["id"].as_u64().and_then(|id| u32::try_from(id).ok());
    id.map(SchemaId).ok_or_else(|| unreadable(attempt, answer))
}

fn unreadable(attempt: &str, what: &dyn std::fmt::Display) -> RegistryError {
    RegistryError::Unreadable { attempt: attempt.to_owned(), reason: what.to_string() }
}

/// A subject as a part of a path (RFC 3986, section 2.3).
fn encoded(subject: &str) -> String {
    let mut path = String::with_capacity(subject.len());
    for byte in subject.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}
