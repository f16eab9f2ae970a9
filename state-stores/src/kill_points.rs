//! Named points at which a test makes the process die as if by `kill -9`.
//!
//! Compiled to nothing without the feature `kill-points`. With it, `COMANDA_KILL_POINT=apply.before` kills the process
//! when it first passes the point of that name, `COMANDA_KILL_POINT=apply.before:3` when it passes for the third time.

/// Passes the point `name`; may not return.
#[cfg(not(feature = "kill-points"))]
#[inline(always)]
pub fn pass(_name: &str) {}

/// Passes the point `name`; may not return.
#[cfg(feature = "kill-points")]
pub fn pass(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSES: AtomicU64 = AtomicU64::new(0);

    let wanted = WANTED.get_or_init(|| parse(&std::env::var("COMANDA_KILL_POINT").ok()?));
    if let Some((point, nth)) = wanted
        && point == name
        && PASSES.fetch_add(1, Ordering::Relaxed) + 1 == *nth
    {
        die();
    }
}

/// `POINT` or `POINT:N`.
#[cfg(feature = "kill-points")]
fn parse(setting: &str) -> Option<(String, u64)> {
    match setting.rsplit_once(':') {
        Some((point, nth)) => Some((point.to_owned(), nth.parse().ok()?)),
        None => Some((setting.to_owned(), 1)),
    }
}

/// SIGKILL cannot be caught, so no destructor, no flush and no signal handler runs: what `kill -9` does.
#[cfg(feature = "kill-points")]
fn die() -> ! {
    const SIGKILL: i32 = 9;
    let _ = signal_hook::low_level::raise(SIGKILL);
    std::process::abort()
}
