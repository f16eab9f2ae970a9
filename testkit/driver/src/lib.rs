//! Tests a topology without a cluster: Kafka Streams' `TopologyTestDriver` for `comanda-streams`.
//!
//! It runs the production task on stand-ins for Kafka: all sub-topologies as one task, one partition per topic, a commit
//! after every record, a clock that moves when told. What it does not show is what brokers do: partitions, rebalances,
//! failures.
//!
//! ```
//! use comanda_streams::{Consumed, Produced, Serdes, StreamsBuilder};
//! use comanda_streams_test::TopologyTestDriver;
//!
//! let builder = StreamsBuilder::new();
//! let text = || Serdes::string();
//! builder
//!     .stream("in", Consumed::with(text(), text()))
//!     .map_values(|_, value: Option<String>| value.map(|v| v.to_uppercase()))
//!     .to("out", Produced::with(text(), text()));
//! let mut driver = TopologyTestDriver::new(&builder.build()?)?;
//! let input = driver.input_topic("in", text(), text());
//! let output = driver.output_topic("out", text(), text());
//! input.pipe(&mut driver, "k", "hello", 0)?;
//! assert_eq!(output.read_values(&mut driver)?, [Some("HELLO".to_owned())]);
//! # Ok::<(), comanda_streams::StreamsError>(())
//! ```
#![deny(unsafe_code, missing_docs)]

mod captured;
mod driver;
mod scripted_client;
mod topics;

pub use driver::TopologyTestDriver;
pub use scripted_client::ScriptedClient;
pub use topics::{TestInputTopic, TestOutputTopic};

/// The README's "your first processor", run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
