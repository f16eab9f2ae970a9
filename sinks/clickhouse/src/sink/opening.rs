//! Taking partitions up: from the group's committed offset, or from where the log begins.

use super::{RETRY_MS, Sink};
use crate::error::SinkError;
use crate::mark::{Committed, Mark, TopicId, read};
use crate::partition::{Partition, Route};
use crate::slots::Slot;
use comanda_streams::TaskId;
use comanda_streams::broker::{
    BrokerError, ErrorKind, Isolation, OffsetAndMetadata, OffsetSpec, PartitionId, TopicPartition,
};

impl Sink {
    /// Opens what was assigned. A broker that does not answer is asked again later.
    pub(super) fn open(&mut self, now_ms: i64) -> Result<(), SinkError> {
        if self.to_open.is_empty() || now_ms < self.open_at_ms {
            return Ok(());
        }
        match self.try_open() {
            Ok(()) => self.kafka_trouble.settle(now_ms, "partitions open"),
            Err(SinkError::Kafka(error)) if error.kind != ErrorKind::Fatal => {
                self.open_at_ms = now_ms + RETRY_MS;
                self.kafka_trouble.raise(now_ms, &format!("{error}; trying again"));
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    fn try_open(&mut self) -> Result<(), SinkError> {
        let tasks: Vec<TaskId> = self.to_open.iter().copied().collect();
        let partitions: Vec<TopicPartition> = tasks.iter().filter_map(|task| self.group.partition_of(*task)).collect();
        let ids = self.topic_ids(&partitions)?;
        let committed = self.admin.committed_offsets(&self.config.group_id, &partitions)?;
        let starts = self.ends(&partitions, OffsetSpec::Earliest)?;
        for (number, task) in tasks.into_iter().enumerate() {
            let (partition, id) = (&partitions[number], ids[number]);
            let mark = self.mark(partition, id, committed[number].as_ref(), starts[number])?;
            self.open_one(task, partition.clone(), id, mark)?;
        }
        Ok(())
    }

    fn topic_ids(&mut self, partitions: &[TopicPartition]) -> Result<Vec<TopicId>, SinkError> {
        let names: Vec<&str> = partitions.iter().map(|partition| &*partition.topic).collect();
        let found = self.admin.describe_topics(&names)?;
        let id = |(topic, name): (Option<comanda_streams::broker::TopicDescription>, &&str)| {
            topic
                .map(|topic| TopicId(topic.id))
                .ok_or_else(|| BrokerError::new(ErrorKind::UnknownTopic, format!("open {name}"), "the topic is gone"))
        };
        Ok(found.into_iter().zip(&names).map(id).collect::<Result<_, _>>()?)
    }

    fn ends(&mut self, of: &[TopicPartition], end: OffsetSpec) -> Result<Vec<i64>, BrokerError> {
        self.admin.list_offsets(of, end, Isolation::ReadCommitted)
    }

    fn mark(
        &self,
        partition: &TopicPartition,
        id: TopicId,
        committed: Option<&OffsetAndMetadata>,
        log_start: i64,
    ) -> Result<Mark, SinkError> {
        match committed.map(|committed| read(committed, id)) {
            Some(Committed::Mark(mark)) => Ok(mark),
            Some(Committed::Foreign(metadata)) => Err(SinkError::ForeignOffsets {
                group: self.config.group_id.clone(),
                partition: partition.to_string(),
                metadata,
            }),
            Some(Committed::OtherTopic) => {
                tracing::warn!(%partition, "the topic was deleted and made again: starting over");
                Ok(Mark::at(log_start))
            }
            None => Ok(Mark::at(log_start)),
        }
    }

    fn open_one(
        &mut self,
        task: TaskId,
        partition: TopicPartition,
        topic_id: TopicId,
        mark: Mark,
    ) -> Result<(), SinkError> {
        tracing::info!(%partition, delivered = mark.delivered, promised = mark.promised, "partition opened");
        let table = self.tables[task.sub_topology as usize].clone();
        let route = Route { partition: partition.clone(), topic_id, table, bounds: self.bounds() };
        let id = self.slots.insert(Slot::new(task, Partition::resume(route, mark)));
        if let Err(error) = self.consumer.assign(id, &partition, mark.delivered) {
            self.slots.remove(id);
            return Err(error.into());
        }
        self.to_open.remove(&task);
        self.group.opened(task);
        Ok(())
    }

    /// Closes a partition of which it is not known what the group holds, and asks the group.
    pub(super) fn reopen(&mut self, id: PartitionId) {
        if let Some(slot) = self.slots.remove(id) {
            slot.revoke_lease();
            if let Err(error) = self.consumer.unassign(id) {
                tracing::warn!(%error, "cannot stop reading a partition");
            }
            self.to_open.insert(slot.task);
        }
    }

    /// The log does not have the position: what retention took is gone, and said; a log that ends before what was
    /// delivered is not for the sink to interpret.
    pub(super) fn out_of_range(&mut self, now_ms: i64, id: PartitionId) -> Result<(), SinkError> {
        let Some(slot) = self.slots.get_mut(id) else {
            return Ok(());
        };
        let partition = slot.partition.route.partition.clone();
        let position = slot.partition.reading_from();
        let of = std::slice::from_ref(&partition);
        let ends = self.ends(of, OffsetSpec::Earliest);
        let ends = ends.and_then(|first| Ok((first[0], self.ends(of, OffsetSpec::Latest)?[0])));
        let (first, end) = match ends {
            Ok(ends) => ends,
            Err(error) => {
                self.kafka_trouble.raise(now_ms, &error.to_string());
                self.reopen(id);
                return Ok(());
            }
        };
        if position > end {
            let partition = partition.to_string();
            return Err(SinkError::LogTruncated { partition, end, delivered: position });
        }
        if position < first {
            tracing::error!(%partition, lost = first - position, "records were deleted before they were delivered");
            metrics::counter!("comanda_sink_records_lost_total", "topic" => partition.topic.to_string())
                .increment((first - position).unsigned_abs());
        }
        let from = position.max(first);
        if let Some(slot) = self.slots.get_mut(id) {
            slot.partition.end_seen(from);
        }
        Ok(self.consumer.assign(id, &partition, from)?)
    }
}
