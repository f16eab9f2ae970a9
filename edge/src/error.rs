//! What keeps the edge from running. What goes wrong with one request is a problem document instead.

use std::net::{IpAddr, SocketAddr};

/// The edge cannot run.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// Anybody could order in anybody's name from there.
    #[error("the edge listens on loopback only as long as it has no authentication: use 127.0.0.1 or ::1, not {0}")]
    NotLoopback(IpAddr),
    /// The address is taken or forbidden.
    #[error("cannot listen on {address}: {reason}; stop the program that uses it or choose another port")]
    Listen {
        /// Address and port.
        address: SocketAddr,
        /// The system's words.
        reason: std::io::Error,
    },
    /// A thread or runtime could not be started, or broke down.
    #[error("{attempt}: {reason}")]
    Runtime {
        /// What was attempted.
        attempt: &'static str,
        /// The system's words.
        reason: String,
    },
}
