//! The end of a run: everything processed, everything right, and nothing more to come.

use super::deployment::Deployment;
use super::{CALM_MS, QUIET_MS, World, judge};
use crate::cluster::{Cluster, Coordinator};
use comanda_streams::TaskId;
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
        let generations = self.generations();
        self.pass(QUIET_MS);
        if let Err(problem) = self.rests().and_then(|()| self.verify()).and_then(|()| self.check_states()) {
            self.problem(format!("after a rest: {problem}"));
        }
        let later = self.generations();
        if later != generations {
            self.problem(format!("the groups do not rest: generations {generations:?}, then {later:?}"));
        }
    }

    fn generations(&self) -> Vec<i32> {
        let cluster = self.cluster();
        let group =
            |deployment: &Deployment| cluster.coordinators.get(deployment.id).map_or(-1, Coordinator::generation);
        self.deployments.iter().map(group).collect()
    }

    fn verify(&self) -> Result<(), String> {
        let cluster = self.cluster();
        self.deployments.iter().try_for_each(|deployment| deployment.verify(&cluster))
    }

    /// Whether all instances run and all inputs are committed as read.
    fn rests(&self) -> Result<(), String> {
        for instance in &self.instances {
            let (number, life) = (instance.number, instance.life.borrow());
            for slot in instance.slots() {
                match life.workers.get(slot).and_then(|worker| worker.thread.as_ref()) {
                    None => return Err(format!("thread {slot} of instance {number} is not up")),
                    Some(thread) if !thread.is_running() => {
                        return Err(format!("thread {slot} of instance {number} does not run what it was given"));
                    }
                    Some(_) => {}
                }
            }
        }
        let cluster = self.cluster();
        self.deployments.iter().try_for_each(|deployment| all_is_read(&cluster, deployment))
    }

    fn check_states(&self) -> Result<(), String> {
        let cluster = self.cluster();
        let mut owners: BTreeMap<(usize, TaskId), (usize, usize)> = BTreeMap::new();
        for instance in &self.instances {
            let (deployment, life) = (&self.deployments[instance.deployment], instance.life.borrow());
            let Some(process) = &life.process else { continue };
            for (slot, thread) in
                life.workers.iter().enumerate().filter_map(|(slot, w)| Some((slot, w.thread.as_ref()?)))
            {
                for task in thread.tasks() {
                    let here = (instance.number, slot);
                    if let Some(other) = owners.insert((instance.deployment, task), here) {
                        return Err(format!("{task} runs in thread {other:?} and in {here:?}"));
                    }
                    let view = process.instance.queries().task(task).filter(|_| deployment.is_exactly_once());
                    view.map_or(Ok(()), |view| judge::check_state(&cluster, deployment, task, &view))?;
                }
            }
        }
        let open = cluster.logs.iter().find(|(_, log)| log.stable() < log.end());
        open.map_or(Ok(()), |(partition, log)| {
            Err(format!("a transaction is open for ever in {partition}: {} of {}", log.stable(), log.end()))
        })
    }
}

fn all_is_read(cluster: &Cluster, deployment: &Deployment) -> Result<(), String> {
    let (id, sources) = (deployment.id, deployment.sources());
    if !cluster.coordinators.get(id).is_some_and(Coordinator::is_stable) {
        return Err(format!("group {id} is not stable"));
    }
    for (input, log) in cluster.logs.iter().filter(|(input, _)| sources.iter().any(|topic| **topic == *input.topic)) {
        let there = log.all_committed(log.end(), &cluster.fates).filter(|record| !log.is_lost(record.offset));
        let last = there.last().map_or(0, |record| record.offset + 1);
        let read = cluster.offsets.get(id).map_or(0, |offsets| offsets.decided(input, &cluster.fates));
        if read < last {
            return Err(format!("{input} is read up to {read} of {last}"));
        }
    }
    Ok(())
}
