//! Orders joined with a table of prices: a task with two inputs, whose interleaving is free within bounds.

use super::{Input, Logs, Part, Settings, includes, same_sequence};
use crate::dice::Dice;
use comanda_streams::{Consumed, Joined, Materialized, Produced, Serdes, StoreType, StreamsBuilder};
use std::collections::BTreeMap;

const PRICES: &str = "prices";
const ORDERS: &str = "orders";
const PRICED: &str = "priced";
const PARTITIONS: i32 = 2;
const KEYS: u64 = 6;
/// What an order says that found no price.
const NONE: &str = "none";

#[derive(Default)]
pub(super) struct Joining {
    orders: u64,
    prices: u64,
    /// The last orders are made: no price comes after them.
    ended: bool,
}

impl Joining {
    fn order(&mut self, key: u64, timestamp: i64) -> Input {
        self.orders += 1;
        Input { topic: ORDERS, key: format!("k{key}"), value: Some(format!("{:06}", self.orders)), timestamp }
    }
}

impl Part for Joining {
    fn draw(&self, builder: &StreamsBuilder, settings: Settings) {
        let text = Serdes::string;
        let mut stored = Materialized::with(text(), text()).named("prices");
        if settings.in_memory {
            stored = stored.with_store_type(StoreType::InMemory);
        }
        let prices = builder.table(PRICES, Consumed::with(text(), text()), Some(stored));
        builder
            .stream(ORDERS, Consumed::with(text(), text()))
            .left_join_table(
                &prices,
                |_, order: String, price: Option<String>| {
                    Some(format!("{order} {}", price.unwrap_or_else(|| NONE.to_owned())))
                },
                Joined::with(text(), text()),
            )
            .to(PRICED, Produced::with(text(), text()));
    }

    fn topics(&self) -> Vec<(&'static str, i32)> {
        vec![(PRICES, PARTITIONS), (ORDERS, PARTITIONS), (PRICED, PARTITIONS)]
    }

    fn inputs(&mut self, dice: &mut Dice, now_ms: i64) -> Vec<Input> {
        let count = 1 + dice.below(4);
        let mut inputs = vec![];
        for _ in 0..count {
            let key = dice.below(KEYS);
            inputs.push(self.order(key, now_ms));
            if dice.once_in(2) {
                self.prices += 1;
                let value = (!dice.once_in(8)).then(|| format!("price{}", self.prices));
                let key = format!("k{}", dice.below(KEYS));
                inputs.push(Input { topic: PRICES, key, value, timestamp: now_ms });
            }
        }
        inputs
    }

    fn last_inputs(&mut self, now_ms: i64) -> Vec<Input> {
        self.ended = true;
        (0..KEYS).map(|key| self.order(key, now_ms)).collect()
    }

    fn verify(&self, logs: &Logs<'_>, _settings: Settings) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let orders: Vec<String> = logs.texts(ORDERS, partition).into_iter().filter_map(|(_, v, _)| v).collect();
            let priced = logs.texts(PRICED, partition);
            let order_of = |value: &Option<String>| split(value).0.to_owned();
            let found: Vec<String> = priced.iter().map(|(_, value, _)| order_of(value)).collect();
            same_sequence(format!("orders in {PRICED}-{partition}"), &found, &orders)?;
            let prices = prices_of(logs, partition);
            let last = verify_prices(partition, &priced, &prices)?;
            if self.ended {
                verify_last(partition, &last, &prices)?;
            }
        }
        Ok(())
    }

    fn verify_at_least_once(&self, logs: &Logs<'_>, stateful: bool) -> Result<(), String> {
        for partition in 0..PARTITIONS {
            let orders = logs.texts(ORDERS, partition).into_iter().filter_map(|(_, order, _)| order);
            let priced = logs.texts(PRICED, partition);
            let found = priced.iter().map(|(_, value, _)| split(value).0.to_owned());
            includes(format!("orders in {PRICED}-{partition}"), found, orders)?;
            if self.ended && stateful {
                let last = priced.iter().map(|(key, value, _)| (key.as_str(), split(value).1)).collect();
                verify_last(partition, &last, &prices_of(logs, partition))?;
            }
        }
        Ok(())
    }
}

/// All prices of each key.
fn prices_of(logs: &Logs<'_>, partition: i32) -> BTreeMap<String, Vec<String>> {
    let mut prices: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, price, _) in logs.texts(PRICES, partition) {
        prices.entry(key).or_default().push(price.unwrap_or_else(|| NONE.to_owned()));
    }
    prices
}

/// Prices of a key are met in their order. Returns the price that the last order of each key met.
fn verify_prices<'a>(
    partition: i32,
    priced: &'a [(String, Option<String>, i64)],
    prices: &BTreeMap<String, Vec<String>>,
) -> Result<BTreeMap<&'a str, &'a str>, String> {
    // Per key, how many of its prices the task must have taken in.
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, value, _) in priced {
        let price = split(value).1;
        let known = prices.get(key).map_or(&[][..], Vec::as_slice);
        let from = reached.get(key.as_str()).copied().unwrap_or(0);
        let at = |taken: usize| if taken == 0 { NONE } else { known[taken - 1].as_str() };
        let Some(taken) = (from..=known.len()).find(|taken| at(*taken) == price) else {
            return Err(format!("{PRICED}-{partition}: {key} meets {value:?}, which is over ({from} of {known:?})"));
        };
        reached.insert(key, taken);
        last.insert(key, price);
    }
    Ok(last)
}

/// The last order of a key meets its last price.
fn verify_last(
    partition: i32,
    last: &BTreeMap<&str, &str>,
    prices: &BTreeMap<String, Vec<String>>,
) -> Result<(), String> {
    for (key, price) in last {
        let newest = prices.get(*key).and_then(|known| known.last()).map_or(NONE, String::as_str);
        if *price != newest {
            return Err(format!("{PRICED}-{partition}: the last order of {key} meets {price}, not {newest}"));
        }
    }
    Ok(())
}

fn split(value: &Option<String>) -> (&str, &str) {
    value.as_deref().and_then(|value| value.split_once(' ')).unwrap_or_default()
}
