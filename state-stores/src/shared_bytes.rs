//! Stored bytes, shared between the layers: short ones lie in the value itself, long ones behind a count of references.
//!
//! Most keys and many values are short. In place they cost no allocation when written and no second look into memory
//! when compared, which is what a store of many keys spends its time on.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// As many as make a value of three words, with a byte each for kind and length: holds an integer key with a window, and
/// a timestamped number as value.
const IN_PLACE_BYTES: usize = 22;

/// Immutable bytes; cloning copies at most three words and counts a reference.
#[derive(Clone)]
pub struct SharedBytes(Place);

#[derive(Clone)]
enum Place {
    Here { len: u8, bytes: [u8; IN_PLACE_BYTES] },
    Shared(Arc<[u8]>),
}

impl Deref for SharedBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Place::Here { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Place::Shared(bytes) => bytes,
        }
    }
}

impl From<&[u8]> for SharedBytes {
    #[inline]
    fn from(slice: &[u8]) -> Self {
        let mut bytes = [0; IN_PLACE_BYTES];
        match bytes.get_mut(..slice.len()) {
            Some(room) => {
                room.copy_from_slice(slice);
                Self(Place::Here { len: slice.len() as u8, bytes })
            }
            None => Self(Place::Shared(slice.into())),
        }
    }
}

impl From<Vec<u8>> for SharedBytes {
    fn from(bytes: Vec<u8>) -> Self {
        bytes.as_slice().into()
    }
}

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for SharedBytes {
    #[inline]
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for SharedBytes {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedBytes {}

impl PartialOrd for SharedBytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharedBytes {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for SharedBytes {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for SharedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_are_kept_compared_and_hashed_as_slices() {
        let hasher = foldhash::fast::FixedState::default();
        let hash = |value: &dyn Fn(&mut dyn Hasher)| {
            let mut state = std::hash::BuildHasher::build_hasher(&hasher);
            value(&mut state);
            state.finish()
        };
        for len in 0..100u8 {
            let slice: Vec<u8> = (0..len).collect();
            let bytes = SharedBytes::from(slice.as_slice());
            assert_eq!((&*bytes, &*bytes.clone()), (&*slice, &*slice));
            let longer = SharedBytes::from([&slice[..], &[0]].concat());
            assert!(bytes < longer && bytes != longer);
            assert_eq!(hash(&|mut state| bytes.hash(&mut state)), hash(&|mut state| slice.as_slice().hash(&mut state)));
        }
    }

    #[test]
    fn an_absent_write_takes_no_room_beside_the_bytes() {
        assert_eq!((size_of::<SharedBytes>(), size_of::<Option<Option<SharedBytes>>>()), (24, 24));
    }
}
