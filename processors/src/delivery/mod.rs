//! The delivery: finds a driver for each order, follows the ride, and knows what every driver is doing.
//!
//! Orders and drivers meet by zone. Both are sent there through repartition topics, and in a zone one dispatcher owns
//! all rides and all drivers: an assignment is one change of one task's state, so no driver can be given two.
//! A driver belongs to one zone at a time (`desk.rs`): the next zone gets him only when the former has let him go.

mod desk;
mod desk_processor;
mod dispatcher;
mod events;
mod ride;
mod router;
mod rules;
mod topology;
mod zone_keys;
mod zone_state;

pub use desk::{Desk, DriverNotice};
pub use ride::{Ride, RideStatus, RideStep};
pub use rules::{DISPATCH_AHEAD_MS, MAX_POSITION_AGE_MS, NO_DRIVER_MS, match_nearest};
pub use topology::{APPLICATION_ID, RIDES, ZONE_DRIVERS, rides_serde, topology, zone_drivers_serde};
pub use zone_keys::{ZoneDriver, zone_driver_keys};
pub use zone_state::{Driver, Job};
