//! Delivery metrics: how many orders of a zone were delivered, late or cancelled in a quarter of an hour, and how long
//! they took.

mod quarter;
mod topology;

pub(super) use topology::draw;
