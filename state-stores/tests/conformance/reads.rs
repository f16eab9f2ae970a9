//! Every read there is, asked of two parties and compared.

use comanda_state_stores::{Direction, StoreKind, StoreSpec};

/// Key, start (or valid from), end (or valid to), value.
pub type Found = (Vec<u8>, i64, i64, Vec<u8>);
type Bytes = Vec<u8>;

/// Keys that are prefixes of each other, and look like the ends of other keys' suffixes.
pub const KEYS: [&[u8]; 7] = [b"", b"a", b"a\0\0\0\0\0\0\0\x05", b"aa", b"ab", b"a\xff", b"b"];

/// Times are multiples of that, so that writes meet.
pub const TIME_STEP_MS: i64 = 5;
/// Number of different times.
pub const TIMES: i64 = 30;

pub trait Reads {
    fn get(&self, store: usize, key: &[u8]) -> Option<Bytes>;
    fn range(&self, store: usize, from: Option<&[u8]>, to: Option<&[u8]>, direction: Direction) -> Vec<Found>;
    fn prefix(&self, store: usize, prefix: &[u8], direction: Direction) -> Vec<Found>;
    fn window_fetch(&self, store: usize, key: &[u8], start_ms: i64) -> Option<Bytes>;
    fn window_range(&self, store: usize, key: &[u8], times: (i64, i64), direction: Direction) -> Vec<Found>;
    fn window_keys(
        &self,
        store: usize,
        keys: (Option<&[u8]>, Option<&[u8]>),
        times: (i64, i64),
        direction: Direction,
    ) -> Vec<Found>;
    fn session_fetch(&self, store: usize, key: &[u8], times: (i64, i64)) -> Option<Bytes>;
    fn session_find(&self, store: usize, key: &[u8], bounds: (i64, i64), direction: Direction) -> Vec<Found>;
    fn session_ending(&self, store: usize, ends: (i64, i64), direction: Direction) -> Vec<Found>;
    /// Latest, or as of a time.
    fn version(&self, store: usize, key: &[u8], as_of_ms: Option<i64>) -> Option<Found>;
}

const BOTH_WAYS: [Direction; 2] = [Direction::Forward, Direction::Backward];

fn times() -> impl Iterator<Item = i64> {
    (0..TIMES).map(|n| n * TIME_STEP_MS)
}

/// Some ranges of times: all, none, and pieces.
const SPANS: [(i64, i64); 5] = [(0, i64::MAX), (-20, 60), (35, 35), (40, 95), (90, 10)];

pub fn assert_same_answers(specs: &[StoreSpec], subject: &impl Reads, model: &impl Reads, when: &str) {
    for (index, spec) in specs.iter().enumerate() {
        let compare = Compare { index, context: format!("{} {when}", spec.name), subject, model };
        match &spec.kind {
            StoreKind::KeyValue | StoreKind::Ttl { .. } => compare.key_value(),
            StoreKind::Window(window) => compare.window(window.retain_duplicates),
            StoreKind::Session(_) => compare.session(),
            StoreKind::Versioned(_) => compare.versioned(),
        }
    }
}

struct Compare<'a, S, M> {
    index: usize,
    context: String,
    subject: &'a S,
    model: &'a M,
}

impl<S: Reads, M: Reads> Compare<'_, S, M> {
    fn key_value(&self) {
        let (i, context) = (self.index, &self.context);
        for key in KEYS {
            assert_eq!(self.subject.get(i, key), self.model.get(i, key), "{context}: get {key:?}");
        }
        for direction in BOTH_WAYS {
            for from in KEYS.into_iter().map(Some).chain([None]) {
                for to in [None, Some(b"aa".as_slice()), Some(b"a")] {
                    let answers =
                        (self.subject.range(i, from, to, direction), self.model.range(i, from, to, direction));
                    assert_eq!(answers.0, answers.1, "{context}: range {from:?} {to:?} {direction:?}");
                }
                let prefix = from.unwrap_or(b"zz");
                let answers = (self.subject.prefix(i, prefix, direction), self.model.prefix(i, prefix, direction));
                assert_eq!(answers.0, answers.1, "{context}: prefix {prefix:?} {direction:?}");
            }
        }
    }

    fn window(&self, duplicates: bool) {
        let (i, context) = (self.index, &self.context);
        for key in KEYS {
            for start in times().filter(|_| !duplicates) {
                let answers = (self.subject.window_fetch(i, key, start), self.model.window_fetch(i, key, start));
                assert_eq!(answers.0, answers.1, "{context}: fetch {key:?} {start}");
            }
        }
        for (span, direction) in SPANS.into_iter().flat_map(|span| BOTH_WAYS.map(|direction| (span, direction))) {
            for key in KEYS {
                let answers = (
                    self.subject.window_range(i, key, span, direction),
                    self.model.window_range(i, key, span, direction),
                );
                assert_eq!(answers.0, answers.1, "{context}: fetch range {key:?} {span:?} {direction:?}");
            }
            for keys in [(None, None), (Some(b"a".as_slice()), Some(b"aa".as_slice())), (None, Some(KEYS[2]))] {
                let answers = (
                    self.subject.window_keys(i, keys, span, direction),
                    self.model.window_keys(i, keys, span, direction),
                );
                assert_eq!(answers.0, answers.1, "{context}: fetch keys {keys:?} {span:?} {direction:?}");
            }
        }
    }

    fn session(&self) {
        let (i, context) = (self.index, &self.context);
        for key in KEYS {
            for session in times().flat_map(|start| [(start, start), (start, start + 2 * TIME_STEP_MS)]) {
                let answers = (self.subject.session_fetch(i, key, session), self.model.session_fetch(i, key, session));
                assert_eq!(answers.0, answers.1, "{context}: fetch session {key:?} {session:?}");
            }
        }
        for (span, direction) in SPANS.into_iter().flat_map(|span| BOTH_WAYS.map(|direction| (span, direction))) {
            for key in KEYS {
                let answers = (
                    self.subject.session_find(i, key, span, direction),
                    self.model.session_find(i, key, span, direction),
                );
                assert_eq!(answers.0, answers.1, "{context}: find sessions {key:?} {span:?} {direction:?}");
            }
            let answers =
                (self.subject.session_ending(i, span, direction), self.model.session_ending(i, span, direction));
            assert_eq!(answers.0, answers.1, "{context}: sessions ending {span:?} {direction:?}");
        }
    }

    fn versioned(&self) {
        let (i, context) = (self.index, &self.context);
        for key in KEYS {
            for as_of in times().flat_map(|time| [time - 1, time]).map(Some).chain([None]) {
                let answers = (self.subject.version(i, key, as_of), self.model.version(i, key, as_of));
                assert_eq!(answers.0, answers.1, "{context}: version of {key:?} as of {as_of:?}");
            }
        }
    }
}
