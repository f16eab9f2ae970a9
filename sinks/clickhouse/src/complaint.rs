//! Something that does not work for now: said at once, then now and then, and once more when it is over.

/// Between two log lines about the same trouble.
const REPEAT_MS: i64 = 30_000;

/// One trouble.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    since_ms: Option<i64>,
    said_ms: i64,
}

impl Complaint {
    /// It does not work; `text` says what and what happens now.
    pub fn raise(&mut self, now_ms: i64, text: &str) {
        let is_new = self.since_ms.is_none();
        let since_ms = *self.since_ms.get_or_insert(now_ms);
        if is_new || now_ms - self.said_ms >= REPEAT_MS {
            self.said_ms = now_ms;
            tracing::warn!(for_s = (now_ms - since_ms) / 1_000, "{text}");
        }
    }

    /// It works; said if it did not before.
    pub fn settle(&mut self, now_ms: i64, what: &str) {
        if let Some(since_ms) = self.since_ms.take() {
            tracing::info!(after_s = (now_ms - since_ms) / 1_000, "{what} again");
        }
    }
}
