//! Free ports below the range from which the system serves outgoing connections: a server that was killed
//! finds its port still free when it comes back.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const FIRST_PORT: u32 = 20_000;
/// Linux hands out 32768 and above by itself.
const PORTS: u32 = 12_000;
/// Test processes started one after the other begin this far apart.
const STRIDE: u32 = 37;

/// A port on which nothing listens and which this process has not handed out before.
///
/// # Panics
/// If every port of the range is taken.
pub fn free_port() -> u16 {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU32::new(process::id().wrapping_mul(STRIDE)));
    (0..PORTS)
        .map(|_| FIRST_PORT + next.fetch_add(1, Ordering::Relaxed) % PORTS)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        .unwrap_or_else(|| panic!("no free port from {FIRST_PORT} on"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_passed_over() {
        let port = free_port();
        let following = TcpListener::bind((Ipv4Addr::LOCALHOST, port + 1));
        assert_ne!(free_port(), port);
        drop(following);
    }
}
