//! Runs a case step by step and keeps what comes out.

use crate::case::{Case, Step, StoreType};
use crate::error::OracleError;
use crate::interpret::{Interpreted, interpret};
use crate::observed::{ErrorAt, Observed, OutputRecord};
use crate::stores::{self, Kind};
use crate::val::{Type, values};
use bytes::Bytes;
use comanda_streams::broker::{Headers, RawRecord};
use comanda_streams::{ErrorHandler, Serdes, StreamsConfig, StreamsError};
use comanda_streams_test::TopologyTestDriver;
use std::collections::BTreeMap;

/// Runs a case in the test driver.
///
/// # Errors
/// If the case cannot be run. What the engine refuses or fails at is observed, not an error of this function.
pub fn run(case: &Case) -> Result<Observed, OracleError> {
    let mut observed = Observed {
        name: case.name.clone(),
        outputs: BTreeMap::new(),
        stores: None,
        dropped_records: None,
        error: None,
        visible_from: BTreeMap::new(),
    };
    let interpreted = match interpret(case)? {
        Ok(interpreted) => interpreted,
        Err(refused) => {
            observed.error = Some(error_at(-1, &refused));
            return Ok(observed);
        }
    };
    observed.outputs = interpreted.sinks.keys().map(|topic| (topic.clone(), vec![])).collect();
    let mut step = -1;
    if let Err(error) = run_steps(case, &interpreted, &mut step, &mut observed) {
        observed.error = Some(error_at(step, &error));
        (observed.stores, observed.dropped_records) = (None, None);
    }
    Ok(observed)
}

fn run_steps(
    case: &Case,
    interpreted: &Interpreted,
    step: &mut i64,
    observed: &mut Observed,
) -> Result<(), StreamsError> {
    let start_ms = case.config.wall_clock_start_ms;
    let mut driver = TopologyTestDriver::with_config(&interpreted.topology, config(case), start_ms)?;
    for input in &case.inputs {
        *step += 1;
        match input {
            Step::Pipe { pipe, .. } => driver.pipe(pipe, raw(input, &interpreted.inputs)?)?,
            Step::Advance { advance_wall_clock_ms } => driver.advance_wall_clock_time(*advance_wall_clock_ms)?,
        }
        for (topic, of) in &interpreted.sinks {
            for sent in driver.take_output(topic) {
                let record = output(*step, topic, sent, *of)?;
                observed.outputs.entry(topic.clone()).or_default().push(record);
            }
        }
    }
    observed.stores = Some(stores::dump([driver.stores(), driver.global_stores()], &interpreted.stores, &case.probes)?);
    observed.dropped_records = Some(driver.dropped_records());
    for (name, store) in &interpreted.stores {
        if store.kind == Kind::Window && store.caching && case.config.cache_bytes > 0 {
            let visible_from = stores::earliest_visible(driver.stores(), name)?;
            observed.visible_from.insert(name.clone(), visible_from);
        }
    }
    Ok(())
}

fn config(case: &Case) -> StreamsConfig {
    let default_store_type = match case.config.store_type {
        StoreType::InMemory => comanda_streams::StoreType::InMemory,
        StoreType::RocksDb => comanda_streams::StoreType::RocksDb,
    };
    StreamsConfig {
        statestore_cache_max_bytes: case.config.cache_bytes,
        default_store_type,
        max_task_idle_ms: 0,
        deserialization_handler: ErrorHandler::Fail,
        processing_handler: ErrorHandler::Fail,
        ..StreamsConfig::new("oracle", "")
    }
}

fn raw(step: &Step, inputs: &BTreeMap<String, Type>) -> Result<RawRecord, StreamsError> {
    let Step::Pipe { pipe, key, value, ts, headers } = step else {
        return Err(StreamsError::Fatal("a step of the clock has no record".to_owned()));
    };
    let serde = values(inputs.get(pipe).copied().unwrap_or(Type::String));
    let bytes = |value| -> Result<Bytes, StreamsError> {
        let mut out = vec![];
        serde.serialize(pipe, value, &mut out)?;
        Ok(out.into())
    };
    let mut sent = Headers::EMPTY;
    for (name, text) in headers {
        sent.add(name, Some(Bytes::from(text.clone().into_bytes())));
    }
    Ok(RawRecord {
        offset: 0,
        timestamp: *ts,
        key: key.clone().map(|key| Bytes::from(key.into_bytes())),
        value: value.as_ref().map(bytes).transpose()?,
        headers: sent,
    })
}

fn output(step: i64, topic: &str, sent: RawRecord, of: Type) -> Result<OutputRecord, StreamsError> {
    let text = |bytes: &[u8]| Serdes::string().deserialize(topic, bytes);
    let mut headers = vec![];
    for (name, value) in sent.headers.iter() {
        headers.push((name.to_owned(), text(value.unwrap_or_default())?));
    }
    Ok(OutputRecord {
        step,
        key: sent.key.as_deref().map(text).transpose()?,
        value: sent.value.as_deref().map(|bytes| values(of).deserialize(topic, bytes)).transpose()?,
        ts: sent.timestamp,
        headers,
    })
}

fn error_at(step: i64, error: &StreamsError) -> ErrorAt {
    let debug = format!("{error:?}");
    let kind = debug.split(['(', ' ']).next().unwrap_or_default().to_owned();
    ErrorAt { step, kind }
}
