//! A driver as the dispatcher of his zone sees him: the value of store `zone-drivers`.

use comanda_schemas::{DeliveryId, DriverId, DriverStatus, EventId, EventTime, OrderId};
use serde::{Deserialize, Serialize};

/// What a driver has in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The order.
    pub order: OrderId,
    /// Its delivery.
    pub delivery: DeliveryId,
    /// Whether the driver has the food.
    pub carrying: bool,
}

/// A driver on shift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Driver {
    /// A pseudonym.
    pub id: DriverId,
    /// Latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Age of the position.
    pub position_at: EventTime,
    /// Start of the shift.
    pub shift_started_at: EventTime,
    /// The only one.
    pub job: Option<Job>,
    /// The notice by which he leaves as soon as his hands are empty.
    pub leaving: Option<EventId>,
}

impl Driver {
    /// What he is doing.
    pub fn status(&self) -> DriverStatus {
        match self.job {
            None => DriverStatus::Idle,
            Some(job) if job.carrying => DriverStatus::Carrying,
            Some(_) => DriverStatus::Assigned,
        }
    }
}
