//! The cluster's logs as verifiers read them.

use super::same_sequence;
use crate::cluster::Cluster;
use comanda_streams::broker::RawRecord;

/// The cluster's logs as a verifier reads them: committed records only.
pub(crate) struct Logs<'a>(pub &'a Cluster);

impl Logs<'_> {
    /// Committed records of a partition as (key, value, timestamp), oldest first, without bad ones.
    pub fn texts(&self, topic: &str, partition: i32) -> Vec<(String, Option<String>, i64)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |record: &RawRecord| {
            (text(record.key.as_deref().unwrap_or_default()), record.value.as_deref().map(text), record.timestamp)
        };
        self.0.history(topic, partition).into_iter().filter(|record| !is_bad(record)).map(one).collect()
    }

    /// The keys of all committed records.
    pub fn keys(&self, topic: &str, partition: i32) -> Vec<String> {
        let key = |record: &RawRecord| String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
        self.0.history(topic, partition).into_iter().map(key).collect()
    }

    /// All committed records with the long that each value is.
    pub fn longs(&self, topic: &str, partition: i32) -> Result<Vec<(String, i64)>, String> {
        let one = |record: &RawRecord| {
            let value = record.value.as_deref().and_then(|value| value.try_into().ok()).map(i64::from_be_bytes);
            let key = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
            Ok((key, value.ok_or_else(|| format!("{topic}-{partition} has a value that is no long"))?))
        };
        self.0.history(topic, partition).into_iter().map(one).collect()
    }

    /// Partitions of a topic; none if it does not exist.
    pub fn partitions(&self, topic: &str) -> std::ops::Range<i32> {
        0..self.0.describe(topic).map_or(0, |topic| topic.partitions)
    }

    /// Every bad record of a topic has its dead letter: one, or with `repeated` one or more.
    pub fn verify_dead_letters(&self, topic: &str, repeated: bool) -> Result<(), String> {
        let letters = format!("{topic}.dead-letter");
        for partition in self.partitions(topic) {
            let bad = self.0.history(topic, partition).into_iter().filter(|record| is_bad(record));
            let expected: Vec<i64> = bad.map(|record| record.offset).collect();
            let letters = self.0.history(&letters, partition);
            let mut found: Vec<i64> = letters.into_iter().map(offset_in_letter).collect::<Result<_, String>>()?;
            found.sort_unstable();
            if repeated {
                found.dedup();
            }
            same_sequence(format!("dead letters of {topic}-{partition}"), &found, &expected)?;
        }
        Ok(())
    }
}

/// The end of a value that a processor refuses.
pub(crate) const REFUSED: char = '!';

/// Whether a record must end as a dead letter: no text, or one that is refused.
fn is_bad(record: &RawRecord) -> bool {
    let value = record.value.as_deref().unwrap_or_default();
    std::str::from_utf8(value).map_or(true, |text| text.ends_with(REFUSED))
}

/// Of which record a dead letter is.
fn offset_in_letter(letter: &RawRecord) -> Result<i64, String> {
    let offset = letter.headers.last("__streams.errors.offset").and_then(|text| std::str::from_utf8(text).ok());
    offset.and_then(|text| text.parse().ok()).ok_or_else(|| format!("a dead letter of no record: {letter:?}"))
}
