//! Drivers as the stand-in sees them, and the nearest idle one for each order.

use comanda_schemas::{
    DeliveryAssigned, DeliveryEvent, DeliveryId, DriverId, DriverMessage, Envelope, EventId, OrderId,
};

use super::{Driver, StandIn, caused};
use crate::observe::Observation;

/// A driver is looked for so long before the food is expected.
const DISPATCH_AHEAD_MS: i64 = 9 * 60_000;

impl StandIn {
    pub(super) fn driver_message(&mut self, message: &DriverMessage) {
        match message {
            DriverMessage::DriverShiftStarted(started) => {
                let driver = Driver {
                    zone: started.zone.clone(),
                    lat_lon: (started.lat, started.lon),
                    on_shift: true,
                    order: None,
                };
                self.drivers.entry(started.driver_id).or_insert(driver);
            }
            DriverMessage::DriverPing(ping) => {
                if let Some(driver) = self.drivers.get_mut(&ping.driver_id) {
                    driver.lat_lon = (ping.lat, ping.lon);
                }
            }
            DriverMessage::DriverShiftEnded(ended) => {
                if let Some(driver) = self.drivers.get_mut(&ended.driver_id) {
                    driver.on_shift = false;
                }
            }
            DriverMessage::Unknown(_) => {}
        }
    }

    /// The nearest idle driver of the zone for whoever waits longest.
    pub(super) fn dispatch(&mut self, now_ms: i64) {
        let due: Vec<(i64, OrderId)> = self
            .waiting
            .range(..(now_ms + DISPATCH_AHEAD_MS, OrderId(uuid::Uuid::nil())))
            .map(|(key, _)| *key)
            .collect();
        for key in due {
            let Some(driver) = self.nearest(key.1) else {
                continue;
            };
            let Some(cause) = self.waiting.remove(&key) else {
                continue;
            };
            self.assign(key.1, driver, &cause);
        }
    }

    fn nearest(&self, id: OrderId) -> Option<DriverId> {
        let placed = &self.orders[&id].placed;
        let restaurant = h3o::LatLng::from(placed.restaurant_cell.parse::<h3o::CellIndex>().ok()?);
        let distance =
            |driver: &Driver| (driver.lat_lon.0 - restaurant.lat()).hypot(driver.lat_lon.1 - restaurant.lng());
        let idle = self
            .drivers
            .iter()
            .filter(|(_, driver)| driver.on_shift && driver.order.is_none() && driver.zone == placed.zone);
        idle.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))).map(|(id, _)| *id)
    }

    fn assign(&mut self, id: OrderId, driver_id: DriverId, cause: &Envelope) {
        let (Some(order), Some(driver)) = (self.orders.get_mut(&id), self.drivers.get_mut(&driver_id)) else {
            return;
        };
        order.driver = Some(driver_id);
        order.attempts += 1;
        driver.order = Some(id);
        let (placed, mut envelope) = (order.placed.clone(), caused::<DeliveryAssigned>(cause));
        envelope.event_id = EventId::caused_by(placed.envelope.event_id, &format!("assigned {}", order.attempts));
        self.out.push(Observation::Delivery(DeliveryEvent::DeliveryAssigned(DeliveryAssigned {
            envelope,
            order_id: id,
            delivery_id: DeliveryId(uuid::Uuid::new_v5(&id.0, b"delivery")),
            driver_id,
            restaurant_id: placed.restaurant_id,
            zone: placed.zone,
            restaurant_cell: placed.restaurant_cell,
            customer_cell: placed.customer_cell,
            attempt: order.attempts,
            driver_distance_m: 0.0,
        })));
    }
}
