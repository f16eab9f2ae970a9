//! What can be wrong with a webhook, and identities that do not change when it is sent again.

use comanda_schemas::EventId;
use uuid::Uuid;

/// A webhook that is not believed or not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// Not signed by the provider, or long ago. Answer 400 and forget it.
    #[error("the signature is not the provider's: {0}")]
    Signature(&'static str),
    /// Signed, and yet not what the provider's API describes. Answer 400 and look at it.
    #[error("the body is not a webhook of this provider: {0}")]
    Body(&'static str),
    /// The provider could not be asked what it is about. Answer 503: it sends the webhook again.
    #[error("the provider could not be asked about its webhook: {0}")]
    Unavailable(String),
}

/// The same webhook has the same identity, however often it is sent.
pub(crate) fn event_id(provider: &str, webhook: &str) -> EventId {
    EventId(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{provider}:{webhook}").as_bytes()))
}
