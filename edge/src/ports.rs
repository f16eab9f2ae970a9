//! What the edge asks of the rest of the house: commands in, queries out. Traits, so that HTTP is tested without servers.

use axum::body::Bytes;
use comanda_schemas::{
    CommandRejectReason, EventId, OrderId, OrderView, PaymentCommand, PaymentProvider, PopularItems,
};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

/// Where a command stands in its topic, or a little behind: the offset of a record of the same partition that was
/// acknowledged with it. Who has taken in this offset has taken in the command. The partition follows from the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandOffset(pub i64);

impl fmt::Display for CommandOffset {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for CommandOffset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(offset) if offset >= 0 => Ok(Self(offset)),
            _ => Err("is not an offset: a whole number from 0".to_owned()),
        }
    }
}

/// Writes the commands of one topic.
pub trait Commands<M>: Send + Sync + 'static {
    /// Appends a command to its topic; done once Kafka has acknowledged it. Who drops the future before that may or may
    /// not have written.
    fn append(&self, command: M) -> Appending;
}

/// An append under way.
pub type Appending = Pin<Box<dyn Future<Output = Result<CommandOffset, AppendError>> + Send>>;

/// A command that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written; the same may work later.
    #[error("nothing was written: {0}")]
    NotWritten(String),
    /// It may be in the topic or not: look, or send the very same again.
    #[error("it is not known whether it was written: {0}")]
    OutcomeUnknown(String),
    /// It cannot be written, now or later.
    #[error("the command cannot be written: {0}")]
    Unwritable(String),
}

/// What a query about one key finds.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<T> {
    /// This instance has the key; the state has at least reached the offset asked for.
    Here(T),
    /// This instance has the key and its state has not reached the offset asked for.
    Behind,
    /// Another instance has the key, or it is just being moved.
    Elsewhere {
        /// Address of the instance that has it, if that is known.
        owner: Option<String>,
    },
}

/// A query that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct QueryError {
    /// What failed.
    pub reason: String,
    /// Whether the same query may work later.
    pub retriable: bool,
}

/// An order as the order role knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownOrder {
    /// `event_id` of the `PlaceOrder` that it was made by.
    pub placed_by: EventId,
    /// All there is to know.
    pub view: OrderView,
}

/// An order that the order role refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedOrder {
    /// `event_id` of the `PlaceOrder` that was refused.
    pub command: EventId,
    /// Why, as a code.
    pub reason: CommandRejectReason,
    /// Why, in a sentence.
    pub detail: String,
}

/// Answers about orders. Calls may read from disk: the edge makes them outside of its event loop.
pub trait Orders: Send + Sync + 'static {
    /// The order, as of a state that has taken in the command at `after` if given.
    ///
    /// # Errors
    /// If the state cannot be read.
    fn order(&self, order: OrderId, after: Option<CommandOffset>) -> Result<Answer<Option<KnownOrder>>, QueryError>;

    /// The refusal of an order that does not exist, for as long as the order role remembers it.
    ///
    /// # Errors
    /// If the state cannot be read.
    fn refusal(&self, order: OrderId) -> Result<Answer<Option<RefusedOrder>>, QueryError>;
}

/// Answers about statistics. Calls may read from disk, as with [`Orders`].
pub trait Analytics: Send + Sync + 'static {
    /// The ranking of the current or last window of `zone`, or of all zones under the name `all`.
    ///
    /// # Errors
    /// If the state cannot be read.
    fn popular_items(&self, zone: &str) -> Result<Answer<Option<PopularItems>>, QueryError>;
}

/// Whether the process around the edge works; an error says in one sentence what is missing.
pub trait Health: Send + Sync + 'static {
    /// Everything has been started.
    ///
    /// # Errors
    /// What is not there yet.
    fn started(&self) -> Result<(), String>;

    /// Requests can be answered now.
    ///
    /// # Errors
    /// What is missing.
    fn ready(&self) -> Result<(), String>;
}

/// A webhook as it came.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Whose it says to be.
    pub provider: PaymentProvider,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body, byte for byte.
    pub body: Bytes,
}

impl Webhook {
    /// A header's value; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Tells genuine webhooks from others, and what they say.
pub trait Webhooks: Send + Sync + 'static {
    /// The command that a webhook means; `None` for one that is about nothing of ours. It may ask the provider.
    fn read(&self, webhook: Webhook) -> ReadingWebhook;
}

/// A webhook being read.
pub type ReadingWebhook = Pin<Box<dyn Future<Output = Result<Option<PaymentCommand>, WebhookError>> + Send>>;

/// A webhook that is not believed, or not yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Not the provider's, or not what it describes.
    #[error("{0}")]
    NotGenuine(String),
    /// There is no account with this provider.
    #[error("the provider is not configured")]
    NotConfigured,
    /// The provider does not answer; the same webhook may be read later.
    #[error("{0}")]
    Unavailable(String),
}
