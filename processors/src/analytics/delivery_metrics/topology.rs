//! From ended orders to the metrics of their zone and quarter of an hour.

use super::quarter::{Ending, Quarter};
use crate::TopicSerdes;
use crate::state_codec::state_serde;
use comanda_schemas::{DeliveryMetrics, EventTime, OrderEvent, OrderId};
use comanda_streams::{
    Grouped, KStream, Materialized, Processor, ProcessorContext, Produced, Record, Serdes, StreamsError, TimeWindows,
    Windowed,
};

const QUARTERS: &str = "delivery-metrics-quarters";
const QUARTER_MS: i64 = 15 * 60_000;
/// Records come minutes late at most; later ones are counted and left out.
const GRACE_MS: i64 = 5 * 60_000;

pub(in crate::analytics) fn draw(orders: &KStream<OrderId, OrderEvent>, serdes: &TopicSerdes) {
    let quarters = TimeWindows::of_size_and_grace(QUARTER_MS, GRACE_MS);
    orders
        .flat_map(|_, event| {
            let ending = event.as_ref().and_then(Ending::of);
            ending.map(|(zone, ending)| (Some(zone.to_owned()), Some(ending)))
        })
        .group_by_key(Grouped::with(Serdes::string(), state_serde()).with_name("delivery-metrics-by-zone"))
        .windowed_by(quarters)
        .aggregate(
            || Some(Quarter::default()),
            |_, ending: Option<Ending>, quarter| match ending {
                Some(ending) => Some(quarter.unwrap_or_default().with(ending)),
                None => quarter,
            },
            Materialized::with(Serdes::string(), state_serde()).named(QUARTERS),
        )
        .to_stream()
        .process("delivery-metrics", &[], |_| Ok(Publisher))
        .to("analytics.delivery-metrics", Produced::with(Serdes::string(), serdes.delivery_metrics.clone()));
}

/// Says each quarter as it stands now, at the time of its newest ending.
struct Publisher;

impl Processor<Windowed<String>, Quarter, String, DeliveryMetrics> for Publisher {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, DeliveryMetrics>,
        record: Record<Windowed<String>, Quarter>,
    ) -> Result<(), StreamsError> {
        let Some((Windowed { key: zone, window }, quarter)) = record.key.zip(record.value) else { return Ok(()) };
        match quarter.metrics(zone.clone(), window, EventTime(record.timestamp)) {
            Some(metrics) => ctx.forward(Record::new(zone, metrics, record.timestamp)),
            None => Ok(()),
        }
    }
}
