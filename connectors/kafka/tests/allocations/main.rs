//! What a record of a stateless topology costs in allocations: by the engine alone, and by engine and connector on a real
//! broker. Counts, no times.
//!
//! An allocator is `unsafe`, so these tests stand in the one crate that may write one. It sees what Rust code allocates, not
//! librdkafka's C.
#![allow(unsafe_code, clippy::unwrap_used)]

mod counting;
mod engine;
mod prepared;
mod real_broker;

use bytes::Bytes;
use comanda_streams::{Consumed, Produced, Serdes, StreamsBuilder, Topology};

/// Of the records as made here one in ten is dropped, and of the others' values a part goes on. The user's function is
/// given a shared slice and hands one back: what it would allocate is not the engine's.
fn filter_and_slice(input: &str, output: &str, seen: impl Fn() + Send + Sync + 'static) -> Topology {
    let builder = StreamsBuilder::new();
    builder
        .stream(input, Consumed::with(Serdes::bytes(), Serdes::bytes()))
        .filter(move |_, value: Option<&Bytes>| {
            seen();
            value.is_some_and(|value| value[0] != b'0')
        })
        .map_values(|_, value| value.map(|value| value.slice(..100)))
        .to(output, Produced::with(Serdes::bytes(), Serdes::bytes()));
    builder.build().unwrap()
}

/// The value of a record: its number's last digit, then filling.
fn value(number: u64) -> Vec<u8> {
    format!("{:x<200}", number % 10).into_bytes()
}
