//! A seeded city for one evening: customers, restaurants, couriers and the payment provider, as a discrete-event
//! world that yields records in time order and takes the processors' outputs back in.
//!
//! What it is: a pure library, a function of the seed and of what it observes, with books of its own to compare a
//! summary with. What it is not: a client of Kafka (whoever plays it writes the records), a clock (it is asked for
//! a time), or a second implementation of the processors' rules (it only knows what people would do).
//!
//! ```
//! use comanda_city::{City, CityConfig};
//! let mut city = City::new(CityConfig { seed: 7, orders: 50, ..CityConfig::default() });
//! let mut sent = 0;
//! while !city.is_over() {
//!     let records = city.next_before(city.clock_ms() + 1_000);
//!     sent += records.len(); // write them; hand what the processors publish to `city.observe`
//! }
//! let books = city.books();
//! assert_eq!(books.orders_made, books.delivered + books.cancelled);
//! assert_eq!(sent as u64, books.topics.values().map(|topic| topic.sent).sum::<u64>());
//! ```

mod accounts;
mod agenda;
mod books;
pub mod calibration;
mod city;
mod config;
mod courier;
mod curve;
mod customers;
mod error;
mod evening;
mod events;
mod fate;
mod faults;
mod figures;
mod hidden;
mod kitchens;
mod menu;
mod methods;
mod network;
mod observe;
mod order;
mod place;
mod plan;
mod provider;
mod restaurant;
mod rides;
mod roster;
mod sending;
mod shifts;
pub mod stand_in;

pub use books::{Books, MoneyBook, OrderBook, Outcome, TopicBook};
pub use city::City;
pub use config::{CityConfig, DEFAULT_STARTS_AT_MS};
pub use curve::{Curve, PROBABILITIES};
pub use error::CityError;
pub use evening::{Evening, EveningOrder, EveningShift, OPENING_HOUR};
pub use events::CityEvent;
pub use faults::FaultKind;
pub use figures::{ARRIVAL_BINS, Figures, LEAD_HOURS, RESTAURANT_FRACTIONS, Sample, samples_of};
pub use hidden::Hidden;
pub use network::{Emission, Payload, Placement};
pub use observe::{Observation, WATCHED_TOPICS};
pub use place::Place;
