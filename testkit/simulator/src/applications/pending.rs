//! A processor that holds jobs back in a store until a punctuation lets them go, numbered by a second store.

use super::logs::REFUSED;
use super::{Input, Logs, Part, Settings, includes, same_sequence};
use crate::dice::Dice;
use comanda_streams::{
    Consumed, KeyValueStore, Processor, ProcessorContext, Produced, PunctuationType, Record, Schedule, Serdes, Stores,
    StreamsBuilder, StreamsError,
};
use std::collections::BTreeMap;
use std::rc::Rc;

const JOBS: &str = "jobs";
const DONE: &str = "done";
const PARTITIONS: i32 = 2;
const STREAM_TIME_MS: i64 = 700;
const WALL_CLOCK_MS: i64 = 400;
/// One job in so many cannot be processed.
const REFUSED_ONE_IN: u64 = 40;

#[derive(Default)]
pub(super) struct Pending {
    made: u64,
}

/// One task's instance.
struct Holding {
    /// Job number → key and text.
    held: Rc<KeyValueStore<String, String>>,
    /// Key → jobs so far.
    jobs: Rc<KeyValueStore<String, i64>>,
}

impl Processor<String, String, String, String> for Holding {
    fn process(
        &mut self,
        _ctx: &mut ProcessorContext<'_, String, String>,
        record: Record<String, String>,
    ) -> Result<(), StreamsError> {
        let (Some(key), Some(job)) = (record.key, record.value) else { return Ok(()) };
        let nth = self.jobs.get(&key)?.unwrap_or(0) + 1;
        self.jobs.put(&key, &nth)?;
        self.held.put(&job, &format!("{key} {job}:{nth}"))?;
        // Only now: what a refused job has written must not stay.
        if job.ends_with(REFUSED) {
            return Err(StreamsError::SkipRecord("the job is refused".to_owned()));
        }
        Ok(())
    }

    fn punctuate(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, String>,
        _schedule: &Schedule,
        timestamp_ms: i64,
    ) -> Result<(), StreamsError> {
        for (job, held) in self.held.all()? {
            let (key, text) = held.split_once(' ').unwrap_or_default();
            ctx.forward(Record::new(key.to_owned(), text.to_owned(), timestamp_ms))?;
            self.held.delete(&job)?;
        }
        Ok(())
    }
}

impl Part for Pending {
    fn draw(&self, builder: &StreamsBuilder, settings: Settings) {
        let (text, number) = (Serdes::string, Serdes::long);
        let mut jobs = Stores::key_value_store("jobs", text(), number());
        if settings.in_memory {
            jobs = jobs.in_memory();
        }
        let jobs = builder.add_state_store(jobs);
        let held = builder.add_state_store(Stores::key_value_store("held", text(), text()));
        let (open_jobs, open_held) = (jobs.clone(), held.clone());
        builder
            .stream(JOBS, Consumed::with(text(), text()))
            .process("holding", &[&jobs, &held], move |init| {
                init.schedule(STREAM_TIME_MS, PunctuationType::StreamTime);
                init.schedule(WALL_CLOCK_MS, PunctuationType::WallClockTime);
                Ok(Holding { held: init.open(&open_held)?, jobs: init.open(&open_jobs)? })
            })
            .to(DONE, Produced::with(text(), text()));
    }

    fn topics(&self) -> Vec<(&'static str, i32)> {
        vec![(JOBS, PARTITIONS), (DONE, PARTITIONS)]
    }

    fn inputs(&mut self, dice: &mut Dice, now_ms: i64) -> Vec<Input> {
        let count = 1 + dice.below(4);
        let mut one = || {
            self.made += 1;
            let refused = if dice.once_in(REFUSED_ONE_IN) { REFUSED.to_string() } else { String::new() };
            let value = Some(format!("{:06}{refused}", self.made));
            Input { topic: JOBS, key: format!("k{}", dice.below(7)), value, timestamp: now_ms }
        };
        (0..count).map(|_| one()).collect()
    }

    fn verify(&self, logs: &Logs<'_>, _settings: Settings) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let mut jobs: BTreeMap<String, i64> = BTreeMap::new();
            let mut expected = vec![];
            for (key, job, _) in logs.texts(JOBS, partition) {
                let nth = jobs.entry(key.clone()).or_insert(0);
                *nth += 1;
                expected.push((key, format!("{}:{nth}", job.unwrap_or_default())));
            }
            let done = logs.texts(DONE, partition).into_iter();
            let found: Vec<_> = done.map(|(key, value, _)| (key, value.unwrap_or_default())).collect();
            same_sequence(format!("{DONE}-{partition}"), &found, &expected)?;
        }
        Ok(())
    }

    fn verify_at_least_once(&self, logs: &Logs<'_>, _stateful: bool) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let jobs = logs.texts(JOBS, partition).into_iter().filter_map(|(_, job, _)| job);
            let done = logs.texts(DONE, partition).into_iter().filter_map(|(_, value, _)| value);
            let found = done.map(|value| value.split(':').next().unwrap_or_default().to_owned());
            includes(format!("{DONE}-{partition}"), found, jobs)?;
        }
        Ok(())
    }
}
