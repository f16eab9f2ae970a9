//! A payment on sequences of commands, answers and reports.

mod any_provider;
pub(crate) mod desk;
mod scenes;
