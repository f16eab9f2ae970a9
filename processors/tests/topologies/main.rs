//! Business rules on event sequences: each role's topology in the test driver, which runs the production task.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bank;
mod delivery_driver;
mod delivery_drivers;
mod delivery_rides;
mod evening;
mod evenings;
mod life_cycle_doc;
mod messages;
mod order_and_payment;
mod order_cancellation;
mod order_driver;
mod order_input;
mod order_life;
mod order_payment;
mod order_placing;
mod order_scheduled;
mod order_table;
mod payment_saga;
mod payment_scenarios;
mod serdes;
mod times_of_outsiders;
