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

use comanda_schemas::{DriverId, DriverMessage, DriverState, DriverStatus, Envelope, EventId, EventTime};
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
    /// Takes in what a driver's device says; `None` if it is a repetition, late, or from nobody on shift.
    pub fn hear(&mut self, driver: DriverId, message: &DriverMessage) -> Option<Notices> {
        match message {
            DriverMessage::DriverShiftStarted(e) => {
                self.is_new(&e.envelope)?;
                let (at, cause) = (e.envelope.occurred_at, e.envelope.event_id);
                Some(self.start(driver, NextZone { zone: e.zone.clone(), lat: e.lat, lon: e.lon, at, cause }))
            }
            DriverMessage::DriverPing(e) => {
                self.is_new(&e.envelope)?;
                let (at, cause) = (e.envelope.occurred_at, e.envelope.event_id);
                self.moved(driver, NextZone { zone: e.zone.clone(), lat: e.lat, lon: e.lon, at, cause })
            }
            DriverMessage::DriverShiftEnded(e) => {
                self.is_new(&e.envelope)?;
                self.next = None;
                Some(self.ask_to_leave(driver, e.envelope.occurred_at, e.envelope.event_id))
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

    fn is_new(&mut self, envelope: &Envelope) -> Option<()> {
        let this = (envelope.occurred_at, envelope.event_id);
        if self.last.is_some_and(|last| this.0 < last.0 || this == last) {
            return None;
        }
        self.last = Some(this);
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
