//! Which zone has a driver: one at a time, passed on like a token.
//!
//! Two zones are two tasks that know nothing of each other. A driver who turns up in another zone could be given an
//! order there while the former zone still counts on him. So the desk, keyed by driver, lets him into the next zone
//! only after the former has said by `DriverState` OFF_SHIFT, caused by the desk's own notice to leave, that it let
//! him go.
//!
//! ```text
//!          shift in zone B, zone A has him            OFF_SHIFT from A
//!   A ────────── Leave to A ──────────► A, leaving ────────────────────► B: Enter to B
//! ```

use comanda_schemas::{DriverId, DriverMessage, DriverState, DriverStatus, EventId, EventTime, Message};
use serde::{Deserialize, Serialize};

/// What a zone is told about a driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // The fields are those of the contract's messages.
pub enum DriverNotice {
    /// He is yours.
    Enter { driver: DriverId, lat: f64, lon: f64, at: EventTime, cause: EventId },
    /// He is somewhere else now.
    Move { driver: DriverId, lat: f64, lon: f64, at: EventTime },
    /// Let him go as soon as his hands are empty, and say so.
    Leave { driver: DriverId, at: EventTime, cause: EventId },
}

/// Where a driver belongs: the value of store `driver-desks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Desk {
    /// The zone that has him.
    pub zone: Option<String>,
    /// The notice by which that zone was told to let him go.
    pub leave: Option<EventId>,
    /// Where he wants to work next.
    pub next: Option<NextZone>,
    /// Time and identity of the last message: a device's messages keep their order, repetitions come later.
    last: Option<(EventTime, EventId)>,
}

/// A zone that waits for a driver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)] // The fields are those of the contract's messages.
pub struct NextZone {
    pub zone: String,
    pub lat: f64,
    pub lon: f64,
    pub at: EventTime,
    pub cause: EventId,
}

/// A notice and the zone it goes to.
pub(super) type Notices = Vec<(String, DriverNotice)>;

impl Desk {
    /// Takes in what a driver's device says about `at`; `None` if it is a repetition, late, or from nobody on shift.
    pub fn hear(&mut self, driver: DriverId, message: &DriverMessage, at: EventTime) -> Option<Notices> {
        let cause = message.envelope()?.event_id;
        self.is_new(at, cause)?;
        match message {
            DriverMessage::DriverShiftStarted(e) => {
                Some(self.start(driver, NextZone { zone: e.zone.clone(), lat: e.lat, lon: e.lon, at, cause }))
            }
            DriverMessage::DriverPing(e) => {
                self.moved(driver, NextZone { zone: e.zone.clone(), lat: e.lat, lon: e.lon, at, cause })
            }
            DriverMessage::DriverShiftEnded(_) => {
                self.next = None;
                Some(self.ask_to_leave(driver, at, cause))
            }
            DriverMessage::Unknown(_) => None,
        }
    }

    /// Takes in what a zone says; `None` if it does not release the driver.
    pub fn released(&mut self, state: &DriverState) -> Option<Notices> {
        let its_answer = self.leave.is_some() && state.envelope.causation_id == self.leave;
        if !its_answer || state.status != DriverStatus::OffShift {
            return None;
        }
        (self.zone, self.leave) = (None, None);
        Some(self.next.take().map(|next| self.enter(state.driver_id, next)).unwrap_or_default())
    }

    fn is_new(&mut self, at: EventTime, message: EventId) -> Option<()> {
        if self.last.is_some_and(|last| at < last.0 || message == last.1) {
            return None;
        }
        self.last = Some((at, message));
        Some(())
    }

    fn start(&mut self, driver: DriverId, shift: NextZone) -> Notices {
        match &self.zone {
            Some(zone) if *zone != shift.zone => {
                let (at, cause) = (shift.at, shift.cause);
                self.next = Some(shift);
                self.ask_to_leave(driver, at, cause)
            }
            _ => self.enter(driver, shift),
        }
    }

    /// Into the zone that he is in already, too: it may have been told that he leaves.
    fn enter(&mut self, driver: DriverId, shift: NextZone) -> Notices {
        (self.zone, self.leave, self.next) = (Some(shift.zone.clone()), None, None);
        let NextZone { zone, lat, lon, at, cause } = shift;
        vec![(zone, DriverNotice::Enter { driver, lat, lon, at, cause })]
    }

    fn moved(&mut self, driver: DriverId, here: NextZone) -> Option<Notices> {
        let zone = self.zone.clone()?;
        if zone == here.zone {
            let NextZone { lat, lon, at, .. } = here;
            return Some(vec![(zone, DriverNotice::Move { driver, lat, lon, at })]);
        }
        if self.leave.is_some() && self.next.is_none() {
            return None;
        }
        let (at, cause) = (here.at, here.cause);
        self.next = Some(here);
        Some(self.ask_to_leave(driver, at, cause))
    }

    /// Once: the zone answers when his hands are empty.
    fn ask_to_leave(&mut self, driver: DriverId, at: EventTime, cause: EventId) -> Notices {
        let Some(zone) = self.zone.clone().filter(|_| self.leave.is_none()) else { return vec![] };
        let cause = EventId::caused_by(cause, "leave");
        self.leave = Some(cause);
        vec![(zone, DriverNotice::Leave { driver, at, cause })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comanda_schemas::{CorrelationId, DriverPing, DriverShiftEnded, DriverShiftStarted, Envelope};
    use uuid::Uuid;

    const DRIVER: DriverId = DriverId(Uuid::from_u128(1));

    fn envelope(second: i64) -> Envelope {
        let id = EventId(Uuid::from_u128(1_000 + second as u128));
        Envelope::first(id, EventTime(second * 1_000), CorrelationId(DRIVER.0), "test")
    }

    fn start(second: i64, zone: &str) -> DriverMessage {
        let (envelope, zone) = (envelope(second), zone.to_owned());
        DriverShiftStarted { envelope, driver_id: DRIVER, zone, lat: 4.6, lon: -74.0 }.into()
    }

    fn ping(second: i64, zone: &str) -> DriverMessage {
        let (envelope, zone) = (envelope(second), zone.to_owned());
        DriverPing { envelope, driver_id: DRIVER, zone, lat: second as f64 / 100.0, lon: -74.0, speed_mps: None }.into()
    }

    fn end(second: i64) -> DriverMessage {
        DriverShiftEnded { envelope: envelope(second), driver_id: DRIVER, zone: "a".to_owned() }.into()
    }

    /// What zone `a` says when it has let the driver go for `leave`.
    fn off_shift(leave: Option<EventId>) -> DriverState {
        DriverState {
            envelope: Envelope { causation_id: leave, ..envelope(999) },
            driver_id: DRIVER,
            zone: "a".to_owned(),
            status: DriverStatus::OffShift,
            lat: 4.6,
            lon: -74.0,
            position_at: EventTime(0),
            order_id: None,
            delivery_id: None,
            shift_started_at: None,
        }
    }

    fn hear(desk: &mut Desk, message: &DriverMessage) -> Option<Notices> {
        let at = message.envelope()?.occurred_at;
        desk.hear(DRIVER, message, at)
    }

    fn in_short(notices: Option<Notices>) -> Option<Vec<String>> {
        let short = |(zone, notice): (String, DriverNotice)| match notice {
            DriverNotice::Enter { lat, .. } => format!("{zone}: enter at {lat}"),
            DriverNotice::Move { lat, .. } => format!("{zone}: move to {lat}"),
            DriverNotice::Leave { .. } => format!("{zone}: leave"),
        };
        notices.map(|all| all.into_iter().map(short).collect())
    }

    fn said(words: &[&str]) -> Option<Vec<String>> {
        Some(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn a_driver_in_another_zone_is_asked_to_leave_once_and_enters_with_his_latest_position() {
        let mut desk = Desk::default();
        assert_eq!(in_short(hear(&mut desk, &start(0, "a"))), said(&["a: enter at 4.6"]));
        assert_eq!(in_short(hear(&mut desk, &ping(10, "b"))), said(&["a: leave"]));
        assert_eq!(in_short(hear(&mut desk, &ping(20, "b"))), said(&[]));
        assert_eq!(in_short(desk.released(&off_shift(desk.leave))), said(&["b: enter at 0.2"]));
        assert_eq!(in_short(hear(&mut desk, &ping(30, "b"))), said(&["b: move to 0.3"]));
    }

    #[test]
    fn the_answer_to_a_leave_that_was_taken_back_releases_nobody() {
        let mut desk = Desk::default();
        hear(&mut desk, &start(0, "a"));
        hear(&mut desk, &end(10));
        let taken_back = desk.leave;
        assert_eq!(in_short(hear(&mut desk, &start(20, "a"))), said(&["a: enter at 4.6"]));
        assert_eq!(desk.released(&off_shift(taken_back)), None);
        assert_eq!(in_short(hear(&mut desk, &start(30, "b"))), said(&["a: leave"]));
        assert_eq!(desk.released(&off_shift(taken_back)), None, "zone a has him again and has not answered this leave");
        assert_eq!(in_short(desk.released(&off_shift(desk.leave))), said(&["b: enter at 4.6"]));
    }

    #[test]
    fn who_is_off_shift_is_nowhere() {
        let mut desk = Desk::default();
        assert_eq!(hear(&mut desk, &ping(0, "a")), None);
        hear(&mut desk, &start(10, "a"));
        assert_eq!(in_short(hear(&mut desk, &end(20))), said(&["a: leave"]));
        assert_eq!(in_short(desk.released(&off_shift(desk.leave))), said(&[]));
        assert_eq!(hear(&mut desk, &ping(30, "a")), None);
        assert_eq!(in_short(hear(&mut desk, &start(40, "b"))), said(&["b: enter at 4.6"]));
    }
}
