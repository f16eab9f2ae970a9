//! How long a record's output lets wait for itself: from the record's production until a read_committed consumer has it.
//!
//! One process produces and reads, so both moments are of one clock.

use crate::error::BenchError;
use crate::feed::{Feed, number_of};
use crate::job::Job;
use crate::peer::{Engine, Peer};
use crate::reader::Reader;
use crate::service::Service;
use comanda_streams::broker::Broker;
use std::time::{Duration, Instant};

/// Records a second, steady.
const PER_S: u64 = 5_000;
/// Each key comes every two seconds.
const KEYS: u64 = 10_000;
/// Left out: Java compiles what is hot, and the consumers find their pace.
const WARM_UP: Duration = Duration::from_secs(15);
/// What figures are made of.
const MEASURED: Duration = Duration::from_secs(30);

/// What the records of the measured time waited, and what the engine used meanwhile.
#[derive(Clone, Debug)]
pub struct Latency {
    /// Milliseconds, sorted.
    waits_ms: Vec<f64>,
    /// CPU seconds a second.
    cores: f64,
    peak_rss_mb: f64,
}

/// Feeds one engine steadily and reads what it writes.
///
/// # Errors
/// If the engine fails, or an output does not come.
pub fn measure(broker: &dyn Broker, peer: &Peer, engine: Engine, job: &Job) -> Result<Latency, BenchError> {
    let partitions = job.workload.partitions();
    let (service, _) = Service::start(peer, engine, job)?;
    let mut reader = Reader::new(broker, &job.output, partitions)?;
    let (first, all) = (PER_S * WARM_UP.as_secs(), PER_S * (WARM_UP + MEASURED).as_secs());
    let began = Instant::now();
    let (sent, seen, cores) = std::thread::scope(|scope| {
        let fed = scope.spawn(|| Feed::new(&job.bootstrap, &job.input, partitions, KEYS)?.paced(0..all, PER_S, began));
        let used = scope.spawn(|| cores(&service));
        let mut seen = vec![None; all as usize];
        reader.until(all, |_, output| {
            let number = output.value.as_deref().and_then(number_of);
            if let Some(seen) = number.and_then(|number| seen.get_mut(number as usize)) {
                *seen = Some(Instant::now());
            }
        })?;
        let sent = fed.join().expect("the feed does not panic")?;
        Ok::<_, BenchError>((sent, seen, used.join().expect("watching does not panic")?))
    })?;
    let peak_rss_mb = service.peak_rss_mb()?;
    service.close()?;
    let waits_ms = waits_ms(&sent[first as usize..], &seen[first as usize..])?;
    Ok(Latency { waits_ms, cores, peak_rss_mb })
}

/// What the engine uses in the measured time.
fn cores(service: &Service) -> Result<f64, BenchError> {
    std::thread::sleep(WARM_UP);
    let before = service.usage()?;
    std::thread::sleep(MEASURED);
    let after = service.usage()?;
    Ok(after.cpu_since(&before) / after.seconds_since(&before))
}

fn waits_ms(sent: &[Instant], seen: &[Option<Instant>]) -> Result<Vec<f64>, BenchError> {
    let wait = |(sent, seen): (&Instant, &Option<Instant>)| Some((*seen)?.duration_since(*sent).as_secs_f64() * 1e3);
    let waits: Option<Vec<f64>> = sent.iter().zip(seen).map(wait).collect();
    let mut waits = waits.ok_or_else(|| BenchError::Stopped("a record has no output of its number".to_owned()))?;
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

impl Latency {
    /// The columns' values: see `Family::columns`.
    pub fn values(&self) -> Vec<f64> {
        let Self { waits_ms, cores, peak_rss_mb } = self;
        vec![quantile(waits_ms, 0.5), quantile(waits_ms, 0.99), quantile(waits_ms, 1.0), *cores, *peak_rss_mb]
    }
}

/// The smallest value that so large a part of the sorted values does not exceed.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_the_value_that_so_many_do_not_exceed() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|part| quantile(&values, part)), [100.0, 198.0, 200.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn waits_are_sorted_and_a_record_without_output_is_an_error() {
        let began = Instant::now();
        let after = |ms| began + Duration::from_millis(ms);
        let waits = waits_ms(&[after(0), after(10)], &[Some(after(30)), Some(after(15))]).unwrap();
        assert_eq!(waits, [5.0, 30.0]);
        assert!(waits_ms(&[began], &[None]).is_err());
    }
}
