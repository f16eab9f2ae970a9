//! Sends each order's commands to the zone of its restaurant. Only the request names the zone; it is remembered for as
//! long as commands about the order can come.

use comanda_schemas::{DeliveryCommand, EventTime, Message, OrderId};
use comanda_streams::{Processor, ProcessorContext, Record, StreamsError, WindowStore};
use std::rc::Rc;

/// Deliveries end within hours, also by time limit; an order booked a day ahead is requested when it is confirmed. The
/// store forgets by the latest time it was given: the rules for outsiders' times let that be a day ahead at most.
pub(super) const ROUTE_KEPT_MS: i64 = 3 * 24 * 3_600_000;

/// Zone by order, at the time of the request: a window store forgets by itself.
pub(super) type RouteStore = WindowStore<OrderId, String>;

pub(super) struct Router(pub Rc<RouteStore>);

impl Router {
    /// The zone that a command goes to; `None` for a request that was made before, or a command without one.
    fn route(&self, order: OrderId, command: &DeliveryCommand, at: EventTime) -> Result<Option<String>, StreamsError> {
        let (from, to) = (at.plus_ms(-ROUTE_KEPT_MS).millis().max(0), at.plus_ms(ROUTE_KEPT_MS).millis());
        let known = self.0.fetch_range(&order, from, to)?.pop().map(|(_, zone)| zone);
        match command {
            DeliveryCommand::RequestDelivery(_) if known.is_some() => Ok(None),
            DeliveryCommand::RequestDelivery(request) => {
                self.0.put(&order, Some(&request.zone), at.millis())?;
                Ok(Some(request.zone.clone()))
            }
            _ => Ok(known),
        }
    }
}

impl Processor<OrderId, DeliveryCommand, String, DeliveryCommand> for Router {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, String, DeliveryCommand>,
        record: Record<OrderId, DeliveryCommand>,
    ) -> Result<(), StreamsError> {
        let time = record.value.as_ref().and_then(Message::envelope).map(|envelope| envelope.occurred_at);
        let (Some(order), Some(command), Some(at)) = (record.key, &record.value, time) else {
            ctx.drop_record();
            return Ok(());
        };
        match self.route(order, command, at)? {
            Some(zone) => ctx.forward(record.with_key(Some(zone))),
            None => {
                ctx.drop_record();
                Ok(())
            }
        }
    }
}
