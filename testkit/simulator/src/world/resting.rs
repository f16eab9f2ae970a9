//! The end of a run: everything processed, everything right, and nothing more to come.

use super::{CALM_MS, QUIET_MS, World, judge};
use crate::applications::{APPLICATION_ID, Logs};
use crate::cluster::{Cluster, Log};
use comanda_streams::TaskId;
use comanda_streams::broker::TopicPartition;
use std::collections::BTreeMap;

impl World {
    /// Goes on until everything is processed and right; says what is not if that does not come.
    pub(super) fn come_to_rest(&self) -> bool {
        let until_ms = self.cluster().now_ms + CALM_MS;
        let mut wrong = String::new();
        while self.cluster().now_ms < until_ms {
            self.pass(500);
            match self.rests().and_then(|()| self.verify()) {
                Ok(()) => return true,
                Err(what) => wrong = what,
            }
        }
        self.problem(format!("not at rest after {CALM_MS} ms without faults: {wrong}"));
        false
    }

    /// Nothing may come after all is processed; only then states are compared.
    pub(super) fn stay_at_rest(&self) {
        let generation = self.generation();
        self.pass(QUIET_MS);
        if let Err(problem) = self.rests().and_then(|()| self.verify()).and_then(|()| self.check_states()) {
            self.problem(format!("after a rest: {problem}"));
        }
        if self.generation() != generation {
            self.problem(format!("the group does not rest: generation {generation}, then {}", self.generation()));
        }
    }

    fn generation(&self) -> i32 {
        self.cluster().coordinators.get(APPLICATION_ID).map_or(-1, |group| group.generation())
    }

    fn verify(&self) -> Result<(), String> {
        let cluster = self.cluster();
        self.parts.borrow().iter().try_for_each(|part| part.verify(&Logs(&cluster), self.settings))
    }

    /// Whether all instances run and all inputs are committed as read.
    fn rests(&self) -> Result<(), String> {
        for (number, instance) in self.instances.iter().enumerate() {
            let life = instance.life.borrow();
            let Some(thread) = &life.thread else { return Err(format!("instance {number} is not up")) };
            if !thread.is_running() {
                return Err(format!("instance {number} does not run what it was given"));
            }
        }
        let cluster = self.cluster();
        if !cluster.coordinators.get(APPLICATION_ID).is_some_and(|group| group.is_stable()) {
            return Err("the group is not stable".to_owned());
        }
        let app = &cluster.offsets;
        for (input, log) in self.input_logs(&cluster) {
            let last = log.all_committed(log.end(), &cluster.fates).last().map_or(0, |record| record.offset + 1);
            let read = app.get(APPLICATION_ID).map_or(0, |offsets| offsets.decided(&input, &cluster.fates));
            if read < last {
                return Err(format!("{input} is read up to {read} of {last}"));
            }
        }
        Ok(())
    }

    fn input_logs<'a>(&self, cluster: &'a Cluster) -> Vec<(TopicPartition, &'a Log)> {
        let parts = self.application.topology.sub_topologies().iter();
        let topics: Vec<String> =
            parts.flat_map(|part| &part.source_topics).map(|topic| topic.resolve(APPLICATION_ID)).collect();
        let inputs =
            cluster.logs.iter().filter(|(partition, _)| topics.iter().any(|topic| **topic == *partition.topic));
        inputs.map(|(partition, log)| (partition.clone(), log)).collect()
    }

    fn check_states(&self) -> Result<(), String> {
        let cluster = self.cluster();
        let mut owners: BTreeMap<TaskId, usize> = BTreeMap::new();
        for (number, instance) in self.instances.iter().enumerate() {
            let life = instance.life.borrow();
            let Some(thread) = &life.thread else { continue };
            for task in thread.tasks() {
                if let Some(other) = owners.insert(task, number) {
                    return Err(format!("{task} runs in {other} and in {number}"));
                }
                let specs = self.application.topology.task_stores(&[task.sub_topology], &self.config);
                if let Some(view) = thread.queries().task(task) {
                    judge::check_state(&cluster, &specs, task, &view)?;
                }
            }
        }
        for (partition, log) in &cluster.logs {
            if log.stable() < log.end() {
                return Err(format!(
                    "a transaction is open for ever in {partition}: {} of {}",
                    log.stable(),
                    log.end()
                ));
            }
        }
        Ok(())
    }
}
