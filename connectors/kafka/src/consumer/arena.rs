//! Payload bytes copied into shared chunks: one allocation for many records.

use bytes::{Bytes, BytesMut};

/// Size of a chunk. It stays in memory as long as any record in it, so one slow record holds no more than this.
const CHUNK_BYTES: usize = 64 * 1024;

/// Copies slices out of librdkafka's memory.
#[derive(Default)]
pub(super) struct Arena {
    chunk: BytesMut,
}

impl Arena {
    /// A copy of `bytes`, sharing its chunk with its neighbours.
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.is_empty() {
            return Bytes::new();
        }
        if self.chunk.capacity() < bytes.len() {
            if bytes.len() > CHUNK_BYTES / 4 {
                return Bytes::copy_from_slice(bytes); // large ones alone: the chunk's rest stays of use
            }
            self.chunk = BytesMut::with_capacity(CHUNK_BYTES);
        }
        self.chunk.extend_from_slice(bytes);
        self.chunk.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_keep_their_bytes_across_chunks() {
        let mut arena = Arena::default();
        let sizes = [0, 1, 300, 20_000, 5, 70_000, 16_000, 16_000, 16_000, 16_000, 16_000, 3];
        let written: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(i, n)| vec![i as u8; *n]).collect();
        let copies: Vec<Bytes> = written.iter().map(|bytes| arena.copy(bytes)).collect();
        assert_eq!(copies, written);
    }

    #[test]
    fn neighbours_lie_side_by_side_without_an_allocation_each() {
        let mut arena = Arena::default();
        let (a, b) = (arena.copy(b"abc"), arena.copy(b"defg"));
        assert_eq!(a.as_ptr() as usize + a.len(), b.as_ptr() as usize);
    }
}
