//! Couriers' devices: shifts begin and end, and in between they say where they are.

use crate::agenda::Happening;
use crate::city::City;
use crate::events;
use crate::place::Place;

/// Error of the device's position, standard deviation.
const GPS_ERROR_M: f64 = 7.0;

impl City {
    pub(crate) fn start_shift(&mut self, courier: usize, at_ms: i64) {
        if self.evening_done() {
            return;
        }
        let this = &mut self.couriers[courier];
        this.on_shift = true;
        let off_ms = this.off_ms;
        self.send_for_courier(courier, at_ms, |head, courier, zone| {
            events::shift_started(head, courier.id, zone, courier.place_at(at_ms))
        });
        self.plan_ping(courier, at_ms);
        self.plan(off_ms, Happening::ShiftEnds(courier));
    }

    /// Only with empty hands; else after the last order.
    pub(crate) fn end_shift(&mut self, courier: usize, at_ms: i64) {
        let this = &self.couriers[courier];
        if !this.on_shift || !this.free() || at_ms < this.off_ms || self.evening_done() {
            return;
        }
        self.couriers[courier].on_shift = false;
        self.send_for_courier(courier, at_ms, |head, courier, zone| events::shift_ended(head, courier.id, zone));
    }

    fn plan_ping(&mut self, courier: usize, at_ms: i64) {
        let (shortest_ms, longest_ms) = self.config.ping_every_ms;
        let pause_ms = self.couriers[courier].device.between_ms(shortest_ms, longest_ms);
        self.plan(at_ms + pause_ms.max(1), Happening::Ping(courier));
    }

    pub(crate) fn ping(&mut self, courier: usize, at_ms: i64) {
        if !self.couriers[courier].on_shift || self.evening_done() {
            return;
        }
        self.send_for_courier(courier, at_ms, |head, courier, zone| {
            let place = courier.place_at(at_ms);
            let seen = Place {
                x_m: place.x_m + courier.device.normal() * GPS_ERROR_M,
                y_m: place.y_m + courier.device.normal() * GPS_ERROR_M,
            };
            events::ping(head, courier.id, zone, seen, courier.speed_mps_at(at_ms))
        });
        self.plan_ping(courier, at_ms);
    }
}
