//! What can go wrong with the registry and with the bytes.

use crate::SchemaId;
use comanda_streams::serde::SerdeError;

/// A call to the registry that failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No answer, or a server error: the same call may succeed later.
    #[error("{attempt}: the schema registry at {url} does not answer: {reason}")]
    Unavailable {
        /// The call.
        attempt: String,
        /// Base address.
        url: String,
        /// What the connection or the server said.
        reason: String,
    },
    /// There is no such schema or subject.
    #[error("{attempt}: the schema registry has no such thing ({reason})")]
    NotFound {
        /// The call.
        attempt: String,
        /// The registry's words.
        reason: String,
    },
    /// The schema cannot follow those registered before; change it so that every version can read every other.
    #[error("{attempt}: not compatible with the versions before: {reason}")]
    Incompatible {
        /// The call.
        attempt: String,
        /// The registry's words.
        reason: String,
    },
    /// The registry refuses the request for another reason.
    #[error("{attempt}: the schema registry refuses with {status}: {reason}")]
    Refused {
        /// The call.
        attempt: String,
        /// HTTP status.
        status: u16,
        /// The registry's words.
        reason: String,
    },
    /// The answer is not what Confluent's API says.
    #[error("{attempt}: cannot make sense of the schema registry's answer: {reason}")]
    Unreadable {
        /// The call.
        attempt: String,
        /// What is wrong.
        reason: String,
    },
    /// A schema of ours that the Avro codec refuses.
    #[error("schema {full_name}: {reason}")]
    Schema {
        /// Its record type.
        full_name: String,
        /// The codec's words.
        reason: String,
    },
}

impl RegistryError {
    /// Whether the same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        matches!(self, RegistryError::Unavailable { .. })
    }
}

/// A record's value that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes do not begin as Confluent's wire format does (0, then a schema id of four bytes).
    #[error("not Avro in Confluent's wire format: {0} bytes, beginning with {1:02x?}")]
    NotAvro(usize, Vec<u8>),
    /// The registry does not know the schema.
    #[error("schema id {0} is not in the registry")]
    UnknownSchema(SchemaId),
    /// The registry has something else than an Avro schema that stands alone under this id.
    #[error("schema id {id} cannot be used: {reason}")]
    UnusableSchema {
        /// The id in the record.
        id: SchemaId,
        /// Why not.
        reason: String,
    },
    /// Another record type than the topic is for.
    #[error("{found} stands where {expected} is expected")]
    UnexpectedType {
        /// Full name of the writer's type.
        found: String,
        /// Full name of the only type that can be read here.
        expected: &'static str,
    },
    /// The bytes do not fit the schema they claim, or a value breaks a rule of its type.
    #[error("broken {full_name}: {reason}")]
    Broken {
        /// The writer's type.
        full_name: String,
        /// The codec's words.
        reason: String,
    },
    /// The registry could not be asked; the record may be fine.
    #[error(transparent)]
    Registry(RegistryError),
}

impl From<DecodeError> for SerdeError {
    fn from(error: DecodeError) -> Self {
        match &error {
            DecodeError::Registry(cause) if cause.is_retriable() => SerdeError::unavailable(error.to_string()),
            _ => SerdeError::invalid(error.to_string()),
        }
    }
}
