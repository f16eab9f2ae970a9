//! How long an insert may wait before it must not be sent any more.
//!
//! An instance that was stopped (a long pause, a suspended machine) and goes on finds itself in the middle of an insert
//! that its heir has long repeated. The token makes that harmless as long as the table remembers it: the lease bounds how
//! late the last byte can leave, and the server's receive time-out what happens after a pause in mid-send.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Sending may begin or go on for so long after the thread, a member in good standing, handed the insert over.
pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// Permission to send one insert.
#[derive(Debug)]
pub(crate) struct Lease {
    until: Instant,
    /// The monotonic clock stands still while a machine is suspended, this one does not.
    until_wall: SystemTime,
    revoked: AtomicBool,
}

impl Lease {
    /// From now on.
    pub fn new(length: Duration) -> Self {
        Self { until: Instant::now() + length, until_wall: SystemTime::now() + length, revoked: AtomicBool::new(false) }
    }

    /// Ends it early: the partition is lost.
    pub fn revoke(&self) {
        self.revoked.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.revoked.load(Ordering::Relaxed) || Instant::now() >= self.until || SystemTime::now() >= self.until_wall
    }
}

/// A request's body, read by the client after the connection stands; fails once the lease is over, which breaks the
/// request off before ClickHouse has the whole block.
pub(crate) struct LeasedReader<'a> {
    rest: &'a [u8],
    lease: &'a Lease,
}

impl<'a> LeasedReader<'a> {
    pub fn new(body: &'a [u8], lease: &'a Lease) -> Self {
        Self { rest: body, lease }
    }
}

impl Read for LeasedReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.lease.is_over() {
            return Err(io::Error::other("not sent: the permission to insert is over"));
        }
        self.rest.read(out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_while_the_lease_lasts() {
        let lease = Lease::new(LEASE);
        let mut sent = vec![];
        LeasedReader::new(b"rows", &lease).read_to_end(&mut sent).unwrap();
        assert_eq!(sent, b"rows");
    }

    #[test]
    fn a_body_breaks_off_when_the_lease_is_over_or_revoked() {
        let over = Lease::new(Duration::ZERO);
        let revoked = Lease::new(LEASE);
        revoked.revoke();
        for lease in [over, revoked] {
            assert!(LeasedReader::new(b"rows", &lease).read(&mut [0; 4]).is_err());
        }
    }
}
