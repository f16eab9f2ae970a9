//! What can be wrong with the set-up of a provider.

/// A provider's client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// No TLS, mostly for want of root certificates.
    #[error("cannot set up TLS for calls to providers: {0}; are root certificates installed?")]
    Client(#[from] reqwest::Error),
    /// No threads.
    #[error("cannot start the threads that call providers: {0}")]
    Threads(std::io::Error),
}
