//! Compares what the application wrote with what its inputs demand: in each partition the total after every amount, in
//! order, without gap or repetition; the change log's last entries are the final totals.

use crate::topics::{CHANGELOG, INPUT, OUTPUT, PARTITIONS, kafka, read, unstable};
use crate::totals::Total;
use crate::waits::Waits;
use bytes::Bytes;
use comanda_streams::broker::{Broker, RawRecord};
use std::collections::HashMap;
use std::error::Error;
use std::path::Path;

/// What is wrong with one partition's outputs, said at most.
const COMPLAINTS: usize = 3;

type Totals = HashMap<Bytes, Total>;

/// Prints figures, and fails with what is wrong.
///
/// # Errors
/// The broker's, or the verdict.
pub fn run(bootstrap: &str, sent: u64, faults: &Path) -> Result<(), Box<dyn Error>> {
    let broker = kafka(bootstrap)?;
    let mut complaints: Vec<String> =
        unstable(&mut *broker.admin()?)?.into_iter().map(|at| format!("a transaction hangs: {at}")).collect();
    let expected = Expected::read(&broker)?;
    let inputs: usize = expected.outputs.iter().map(Vec::len).sum();
    if inputs as u64 != sent {
        complaints.push(format!("{sent} inputs were acknowledged, {inputs} are there"));
    }
    let mut waits = Waits::read(faults)?;
    complaints.extend(outputs(&broker, &expected, &mut waits)?);
    complaints.extend(state(&broker, &expected.totals)?);
    println!("{inputs} inputs of {} keys", expected.totals.len());
    waits.report().iter().for_each(|line| println!("{line}"));
    if complaints.is_empty() {
        println!("EXACTLY-ONCE");
        return Ok(());
    }
    complaints.iter().for_each(|complaint| println!("WRONG {complaint}"));
    Err(format!("{} complaints", complaints.len()).into())
}

/// What a run without faults makes of the inputs.
struct Expected {
    outputs: Vec<Vec<(Bytes, Total)>>,
    /// When each input was appended.
    inputs_ms: Vec<Vec<i64>>,
    totals: Totals,
}

impl Expected {
    fn read(broker: &dyn Broker) -> Result<Self, Box<dyn Error>> {
        let (mut outputs, mut totals) = (vec![vec![]; PARTITIONS as usize], Totals::new());
        let mut inputs_ms = vec![vec![]; PARTITIONS as usize];
        read(broker, INPUT, |partition, record| {
            let (Some(key), Some(amount)) = (&record.key, amount(&record)) else { return };
            // A copy: a slice of what was fetched would keep all of it.
            let key = Bytes::copy_from_slice(key);
            let total = totals.entry(key.clone()).or_default();
            *total = total.plus(amount);
            outputs[partition].push((key, *total));
            inputs_ms[partition].push(record.timestamp);
        })?;
        Ok(Self { outputs, inputs_ms, totals })
    }
}

fn amount(record: &RawRecord) -> Option<i64> {
    Some(i64::from_be_bytes(record.value.as_deref()?.try_into().ok()?))
}

/// What is wrong with the outputs.
fn outputs(broker: &dyn Broker, expected: &Expected, waits: &mut Waits) -> Result<Vec<String>, Box<dyn Error>> {
    let mut found = vec![0; PARTITIONS as usize];
    let mut differences = vec![vec![]; PARTITIONS as usize];
    read(broker, OUTPUT, |partition, record| {
        let at = found[partition];
        if let Some(input_ms) = expected.inputs_ms[partition].get(at) {
            waits.appended(*input_ms, record.timestamp);
        }
        found[partition] += 1;
        let wanted = expected.outputs[partition].get(at);
        let is = record.key.clone().zip(record.value.as_deref().and_then(Total::decode));
        if is.as_ref() != wanted && differences[partition].len() < COMPLAINTS {
            let text = format!("output {partition}, record {at}: {}, not {}", shown(is.as_ref()), shown(wanted));
            differences[partition].push(text);
        }
    })?;
    let counts = expected.outputs.iter().map(Vec::len).zip(found).enumerate();
    let short = counts.filter(|(_, (wanted, found))| wanted != found);
    let short = short.map(|(partition, (wanted, found))| format!("output {partition}: {found} records, not {wanted}"));
    Ok(short.chain(differences.into_iter().flatten()).collect())
}

fn shown(output: Option<&(Bytes, Total)>) -> String {
    output.map_or_else(
        || "nothing".to_owned(),
        |(key, total)| format!("{} count {} sum {}", String::from_utf8_lossy(key), total.count, total.sum),
    )
}

/// What is wrong with the last entries of the change log.
fn state(broker: &dyn Broker, totals: &Totals) -> Result<Vec<String>, Box<dyn Error>> {
    let mut last = Totals::with_capacity(totals.len());
    let mut torn = 0;
    read(broker, CHANGELOG, |_, record| {
        let total = record.value.as_deref().and_then(Total::decode_padded);
        let (Some(key), Some(total)) = (record.key, total) else {
            torn += 1;
            return;
        };
        match last.get_mut(&key) {
            Some(entry) => *entry = total,
            None => drop(last.insert(Bytes::copy_from_slice(&key), total)),
        }
    })?;
    let wrong = totals.iter().filter(|(key, total)| last.get(*key) != Some(total)).count();
    let mut complaints = vec![];
    if torn + wrong > 0 || last.len() != totals.len() {
        let (found, wanted) = (last.len(), totals.len());
        complaints.push(format!("change log: {wrong} keys wrong, {torn} entries torn, {found} keys, not {wanted}"));
    }
    Ok(complaints)
}
