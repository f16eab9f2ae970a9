//! What keeps a case from being run at all; what a case itself makes the engine refuse is an observation instead.

use std::path::PathBuf;

/// Why there is nothing to observe.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// A file of the corpus cannot be read.
    #[error("reading {path}: {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file of the corpus is not as FORMAT.md says.
    #[error("{path}: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// The engine does not have what the case uses.
    #[error("the engine lacks {}", .0.join(", "))]
    Unsupported(Vec<&'static str>),
    /// The case contradicts itself: an unknown function, a missing node, a wrong type.
    #[error("malformed case: {0}")]
    Malformed(String),
}

impl OracleError {
    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed(reason.into())
    }
}
