//! The whole HTTP surface without a socket, over test doubles of the ports.

#![allow(clippy::unwrap_used)]

mod any_body;
mod doubles;
mod errors;
mod health;
mod kafka_commands;
mod observed;
mod placing;
mod popular_items;
mod showing;
mod stopping;
mod webhooks;
