//! What happened in one zone and window: counts, and a histogram of durations.

use comanda_schemas::{
    DeliveryMetrics, Envelope, Event, EventId, EventTime, OrderCancelled, OrderDelivered, OrderEvent, OrderId,
};
use comanda_streams::Window;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Width of a histogram's bucket: percentiles are exact to half of it.
const BUCKET_MINUTES: f64 = 0.5;
/// Half a day; what takes longer counts as this long in the percentiles. It bounds the histogram.
const LAST_BUCKET: u16 = 1_440;

/// How one order ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ending {
    order: OrderId,
    event: EventId,
    at: EventTime,
    /// From placing to delivery; `None` if it was cancelled.
    minutes: Option<f64>,
    late: bool,
}

impl Ending {
    /// The ending that an event tells of, with its zone.
    pub fn of(event: &OrderEvent) -> Option<(&str, Ending)> {
        match event {
            OrderEvent::OrderDelivered(delivered) => Some((&delivered.zone, Ending::delivered(delivered))),
            OrderEvent::OrderCancelled(cancelled) => Some((&cancelled.zone, Ending::cancelled(cancelled))),
            _ => None,
        }
    }

    fn delivered(delivered: &OrderDelivered) -> Ending {
        let at = delivered.envelope.occurred_at;
        Ending {
            order: delivered.order_id,
            event: delivered.envelope.event_id,
            at,
            minutes: Some(at.minutes_since(delivered.placed_at).max(0.0)),
            late: delivered.promised_at.is_some_and(|promised| at > promised),
        }
    }

    fn cancelled(cancelled: &OrderCancelled) -> Ending {
        Ending {
            order: cancelled.order_id,
            event: cancelled.envelope.event_id,
            at: cancelled.envelope.occurred_at,
            minutes: None,
            late: false,
        }
    }
}

/// One window's endings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Quarter {
    delivered: u32,
    cancelled: u32,
    late: u32,
    sum_minutes: f64,
    /// Deliveries by duration in half minutes; only buckets that are not empty.
    durations: BTreeMap<u16, u32>,
    last: Option<(EventTime, EventId, OrderId)>,
}

impl Quarter {
    pub fn with(mut self, ending: Ending) -> Quarter {
        match ending.minutes {
            Some(minutes) => {
                self.delivered += 1;
                self.late += u32::from(ending.late);
                self.sum_minutes += minutes;
                let bucket = (minutes / BUCKET_MINUTES).min(f64::from(LAST_BUCKET)) as u16;
                *self.durations.entry(bucket).or_default() += 1;
            }
            None => self.cancelled += 1,
        }
        self.last = self.last.max(Some((ending.at, ending.event, ending.order)));
        self
    }

    /// Middle of the bucket that holds the order of this rank (nearest rank); 0 without deliveries.
    fn percentile_minutes(&self, share: f64) -> f64 {
        let rank = (share * f64::from(self.delivered)).ceil().max(1.0) as u32;
        let mut seen = 0;
        let bucket = self.durations.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        bucket.map_or(0.0, |(bucket, _)| (f64::from(*bucket) + 0.5) * BUCKET_MINUTES)
    }

    /// As it is published; `None` before the first ending.
    pub fn metrics(&self, zone: String, window: Window, now: EventTime) -> Option<DeliveryMetrics> {
        let (_, cause, order) = self.last?;
        let ended = self.delivered + self.cancelled;
        let what = format!("{} {zone} {} {ended}", DeliveryMetrics::FULL_NAME, window.start_ms);
        Some(DeliveryMetrics {
            envelope: Envelope {
                event_id: EventId::caused_by(cause, &what),
                occurred_at: now,
                correlation_id: order.into(),
                causation_id: Some(cause),
                producer: crate::analytics::APPLICATION_ID.to_owned(),
            },
            zone,
            window_start: EventTime(window.start_ms),
            window_end: EventTime(window.end_ms),
            delivered: self.delivered.into(),
            cancelled: self.cancelled.into(),
            late: self.late.into(),
            mean_minutes: if self.delivered == 0 { 0.0 } else { self.sum_minutes / f64::from(self.delivered) },
            p50_minutes: self.percentile_minutes(0.5),
            p90_minutes: self.percentile_minutes(0.9),
        })
    }
}
