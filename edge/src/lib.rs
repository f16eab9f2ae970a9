//! HTTP in front of Comanda: commands in, queries out; it decides nothing. Routes, errors and an example follow.
//!
#![doc = include_str!("../README.md")]
#![deny(unsafe_code, missing_docs)]

mod analytics;
mod app;
mod commands;
mod error;
mod fields;
mod health;
mod json_body;
mod observe;
mod orders;
mod parameters;
mod ports;
mod problem;
mod rfc3339;
mod service;
mod stores;
mod webhooks;

pub use app::{EdgeParts, Limits, app};
pub use commands::KafkaCommands;
pub use error::EdgeError;
pub use observe::{REQUEST_SECONDS, REQUEST_SECONDS_BUCKETS, describe_metrics};
pub use ports::{
    Analytics, Answer, AppendError, Appending, CommandOffset, Commands, Health, KnownOrder, Orders, QueryError,
    ReadingWebhook, RefusedOrder, Webhook, WebhookError, Webhooks,
};
pub use service::{EdgeHandle, EdgeOptions, EdgeService};
pub use stores::{OrdersInStore, Owner, PopularItemsInStore};
pub use webhooks::PaymentWebhooks;
