//! What the application keeps of a key: how many amounts came, their sum, and padding that makes the state large.

use bytes::Bytes;

/// Bytes of padding: with the rest and the key about 1 KB an entry.
const PADDING_BYTES: usize = 1_000;

/// Of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Amounts so far.
    pub count: i64,
    /// Their sum.
    pub sum: i64,
}

impl Total {
    /// With one amount more.
    pub fn plus(self, amount: i64) -> Self {
        Self { count: self.count + 1, sum: self.sum.wrapping_add(amount) }
    }

    /// As it goes to the output.
    pub fn encode(self) -> Bytes {
        [self.count.to_be_bytes(), self.sum.to_be_bytes()].concat().into()
    }

    /// As the state has it: padded with bytes that no compression shrinks and that follow from the total, so that an entry
    /// of mixed parts would be seen.
    pub fn encode_padded(self) -> Bytes {
        let mut padded = Vec::with_capacity(16 + PADDING_BYTES);
        padded.extend_from_slice(&self.encode());
        let seed = scattered(self.count as u64 ^ self.sum as u64);
        padded.extend((0..PADDING_BYTES as u64 / 8).flat_map(|word| scattered(seed.wrapping_add(word)).to_be_bytes()));
        padded.into()
    }

    /// Of an output, or the beginning of a state's entry.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk()?;
        let (sum, _) = rest.split_first_chunk()?;
        Some(Self { count: i64::from_be_bytes(*count), sum: i64::from_be_bytes(*sum) })
    }

    /// Of a state's entry, if its padding is the total's.
    pub fn decode_padded(bytes: &[u8]) -> Option<Self> {
        Self::decode(bytes).filter(|total| total.encode_padded() == bytes)
    }
}

/// Spreads numbers over all others, always the same way (SplitMix64).
pub fn scattered(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
