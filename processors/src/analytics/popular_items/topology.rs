//! From delivered orders to rankings.

use super::ranking::{self, WindowTotal};
use super::sales::{Sales, ZoneItem, sales_of};
use crate::TopicSerdes;
use crate::keys::id_keys;
use crate::state_codec::state_serde;
use comanda_schemas::{EventTime, OrderEvent, OrderId, PopularItems};
use comanda_streams::{
    Grouped, InitContext, KStream, KeyValueStore, Materialized, Processor, ProcessorContext, Produced, Record,
    Repartitioned, Serde, Serdes, StoreHandle, Stores, StreamsBuilder, StreamsError, TimeWindows, WindowStore,
    Windowed,
};
use std::rc::Rc;

/// Store with the ranking of the last full hour per zone and for `all`: key [`String`], value [`PopularItems`].
pub const POPULAR_ITEMS: &str = "popular-items";
/// Sums per (zone, item) and window.
const SALES: &str = "popular-items-sales";
/// Rankings per (zone, window).
const RANKINGS: &str = "popular-items-rankings";
const HOUR_MS: i64 = 3_600_000;
const ADVANCE_MS: i64 = 5 * 60_000;
/// Records come minutes late at most; later ones are counted and left out.
const GRACE_MS: i64 = 5 * 60_000;
/// Windows change for size + grace after their start; the rest is room for partitions that lag behind others.
const RANKINGS_KEPT_MS: i64 = 3 * HOUR_MS;

type Rankings = WindowStore<String, PopularItems>;
type Shown = KeyValueStore<String, PopularItems>;

/// Serdes of the store [`POPULAR_ITEMS`], for those who query it.
pub fn popular_items_serde() -> (Serde<String>, Serde<PopularItems>) {
    (Serdes::string(), state_serde())
}

pub(in crate::analytics) fn draw(
    builder: &StreamsBuilder,
    orders: &KStream<OrderId, OrderEvent>,
    serdes: &TopicSerdes,
) {
    let rankings = builder.add_state_store(Stores::window_store(
        RANKINGS,
        RANKINGS_KEPT_MS,
        HOUR_MS,
        Serdes::string(),
        state_serde(),
    ));
    let (zones, values) = popular_items_serde();
    let shown = builder.add_state_store(Stores::key_value_store(POPULAR_ITEMS, zones, values));
    totals(orders)
        .repartition(Repartitioned::with(Serdes::string(), state_serde()).with_name("popular-items-by-zone"))
        .process("popular-items-ranking", &[&rankings.clone(), &shown.clone()], move |init| {
            RankingProcessor::new(init, &rankings, &shown)
        })
        .to("analytics.popular-items", Produced::with(Serdes::string(), serdes.popular_items.clone()));
}

/// Totals per (zone, item) and window, by zone.
fn totals(orders: &KStream<OrderId, OrderEvent>) -> KStream<String, WindowTotal> {
    let hours = TimeWindows::of_size_and_grace(HOUR_MS, GRACE_MS).advance_by(ADVANCE_MS);
    orders
        .flat_map(|_, event| match event {
            Some(OrderEvent::OrderDelivered(delivered)) => {
                sales_of(&delivered).into_iter().map(|(item, sales)| (Some(item), Some(sales))).collect()
            }
            _ => vec![],
        })
        .group_by_key(Grouped::with(id_keys(), state_serde()).with_name("popular-items-by-item"))
        .windowed_by(hours)
        .reduce(
            |so_far: Sales, new| {
                Some(match new {
                    Some(new) => so_far.plus(new),
                    None => so_far,
                })
            },
            Materialized::with(id_keys(), state_serde()).named(SALES),
        )
        .to_stream()
        .map(|key: Option<Windowed<ZoneItem>>, sales| {
            let Some((Windowed { key, window }, sales)) = key.zip(sales) else { return (None, None) };
            (Some(key.zone), Some(WindowTotal::new(key.item, window, sales)))
        })
}

struct RankingProcessor {
    rankings: Rc<Rankings>,
    shown: Rc<Shown>,
}

impl RankingProcessor {
    fn new(
        init: &mut InitContext<'_, '_>,
        rankings: &StoreHandle<Rankings>,
        shown: &StoreHandle<Shown>,
    ) -> Result<Self, StreamsError> {
        Ok(Self { rankings: init.open(rankings)?, shown: init.open(shown)? })
    }
}

impl Processor<String, WindowTotal, String, PopularItems> for RankingProcessor {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, PopularItems>,
        record: Record<String, WindowTotal>,
    ) -> Result<(), StreamsError> {
        let (Some(zone), Some(total)) = (record.key, record.value) else {
            ctx.drop_record();
            return Ok(());
        };
        let start_ms = total.window_start.millis();
        if start_ms <= ctx.current_stream_time_ms() - RANKINGS_KEPT_MS {
            // Its ranking is forgotten: one made of this total alone would be wrong.
            ctx.drop_record();
            return Ok(());
        }
        let former = self.rankings.fetch(&zone, start_ms)?;
        let Some(new) = ranking::rank(former.as_ref(), &zone, total, EventTime(record.timestamp)) else {
            return Ok(());
        };
        self.rankings.put(&zone, Some(&new), start_ms)?;
        if ranking::replaces(self.shown.get(&zone)?.as_ref(), &new, ADVANCE_MS) {
            self.shown.put(&zone, &new)?;
        }
        ctx.forward(Record::new(zone, new, record.timestamp))
    }
}
