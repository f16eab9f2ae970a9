//! A line a second: simulated time, orders by status, events, lag.

use super::player::Player;
use crate::cluster;
use crate::config::Addresses;
use crate::error::AppError;
use crate::roles::{Role, processor};
use crate::serve::SINK_GROUP;
use comanda_clickhouse::Mapping;
use comanda_schemas::OrderStatus;
use comanda_streams::broker::{Admin, Broker, Isolation, OffsetSpec, TopicPartition};

/// Bogotá has no summer time: UTC−5 all year.
const BOGOTA_MS: i64 = -5 * 3_600_000;

/// What the line is made from.
pub struct Progress {
    admin: Box<dyn Admin>,
    /// Application ids with the partitions that they read.
    groups: Vec<(&'static str, Vec<TopicPartition>)>,
    moved: u64,
}

impl Progress {
    pub fn new(addresses: &Addresses) -> Result<Self, AppError> {
        let admin = cluster::broker(addresses)?.admin()?;
        let processors = Role::ALL.into_iter().filter_map(processor);
        let groups = processors.map(|processor| (processor.name, partitions_of(processor.reads)));
        let sunk: Vec<String> = Mapping::all()?.into_iter().map(|mapping| mapping.topic).collect();
        let sunk: Vec<&str> = sunk.iter().map(String::as_str).collect();
        let groups = groups.chain([(SINK_GROUP, partitions_of(&sunk))]).collect();
        Ok(Self { admin, groups, moved: 0 })
    }

    pub fn line(&mut self, player: &Player, now_ms: i64) -> Result<(), AppError> {
        let lag = self.lag()?;
        let moved = player.written() + player.seen;
        let rate = moved - std::mem::replace(&mut self.moved, moved);
        let orders = player.orders_by_status();
        let orders: Vec<String> = orders.iter().map(|(status, count)| format!("{count} {}", words(*status))).collect();
        let orders = if orders.is_empty() { "none".to_owned() } else { orders.join(", ") };
        println!("{}  orders: {orders}   {rate} events/s   lag {lag}", time_of_day(now_ms));
        Ok(())
    }

    /// Records that the processors and the sink have not yet committed as read; each transaction's marker counts as one.
    fn lag(&mut self) -> Result<i64, AppError> {
        let mut lag = 0;
        for (group, partitions) in &self.groups {
            let ends = self.admin.list_offsets(partitions, OffsetSpec::Latest, Isolation::ReadCommitted)?;
            let committed = self.admin.committed_offsets(group, partitions)?;
            for (end, committed) in ends.iter().zip(committed) {
                lag += end - committed.map_or(0, |committed| committed.offset);
            }
        }
        Ok(lag)
    }
}

fn partitions_of(topics: &[&str]) -> Vec<TopicPartition> {
    let known = topics.iter().filter_map(|name| comanda_schemas::topic(name));
    known.flat_map(|topic| (0..topic.partitions).map(|p| TopicPartition::new(topic.name.as_str(), p))).collect()
}

fn words(status: OrderStatus) -> String {
    status.symbol().to_lowercase().replace('_', " ")
}

fn time_of_day(now_ms: i64) -> String {
    let seconds = ((now_ms + BOGOTA_MS) / 1_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
