//! An instance's states, as its listener is told them.

use crate::applications::counting;
use crate::feed::Feed;
use crate::fixture::*;
use comanda_servers::{Servers, unique_name};
use comanda_streams::KafkaStreamsState::{self, *};
use comanda_streams::{Consumed, KafkaStreams, Produced, Serdes, StreamsBuilder, Topology};
use std::sync::{Arc, Mutex};

type Told = Arc<Mutex<Vec<(KafkaStreamsState, KafkaStreamsState)>>>;

/// An application that runs, and what its listener is told: old state, new state.
fn listened(topology: Topology) -> (KafkaStreams, Told) {
    let scratch = tempfile::tempdir().unwrap();
    let config = config(&unique_name("life"), scratch.path());
    let mut streams = KafkaStreams::new(topology, config, cluster(Servers::kafka())).unwrap();
    let told = Told::default();
    let tell = told.clone();
    streams.set_state_listener(move |new, old| tell.lock().unwrap().push((old, new)));
    streams.start().unwrap();
    assert!(streams.wait_until_running(PATIENCE), "{:?}", streams.error());
    (streams, told)
}

/// From one state to the next.
fn steps(states: &[KafkaStreamsState]) -> Vec<(KafkaStreamsState, KafkaStreamsState)> {
    states.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

#[test]
fn a_life_in_good_order_is_told_step_by_step() {
    let [input, output] = ["life-in", "life-out"].map(unique_name);
    create_topics(&*cluster(Servers::kafka()), &[&input, &output], PARTITIONS);
    let (streams, told) = listened(counting(&input, &output));
    assert_eq!(streams.close(), NotRunning);
    assert_eq!(*told.lock().unwrap(), steps(&[Created, Rebalancing, Running, PendingShutdown, NotRunning]));
}

#[test]
fn a_life_that_an_error_ends_is_told_step_by_step() {
    let kafka = cluster(Servers::kafka());
    let [input, output] = ["life-in", "life-out"].map(unique_name);
    create_topics(&*kafka, &[&input, &output], 1);
    let text = Serdes::string;
    let builder = StreamsBuilder::new();
    builder
        .stream(&input, Consumed::with(text(), text()))
        .map_values(|_, _: Option<String>| -> Option<String> { panic!("as the test wants it") })
        .to(&output, Produced::with(text(), text()));
    let (streams, told) = listened(builder.build().unwrap());
    let mut feed = Feed::new(&*kafka, &input);
    feed.raw(Some(0), Some(b"k"), Some(b"v"));
    feed.flush();
    wait_until("the application gives up", || streams.state() == Error);
    assert_eq!(streams.close(), Error, "an error is final");
    assert_eq!(*told.lock().unwrap(), steps(&[Created, Rebalancing, Running, PendingError, Error]));
}
