//! ETA: by when an order is delivered in half of the cases, and in nine of ten.
//!
//! [`progress`] is what happens to an order, [`facts`] what is known of an open one, [`learned`] what ended ones have
//! taught about their zone and restaurant, [`rules`] the estimate made of both. [`load`] counts drivers and
//! open orders, [`forecast`] plays the next hours through with them, [`offset`] corrects by former errors.

mod facts;
mod forecast;
mod learned;
mod load;
mod offset;
mod progress;
mod rules;
mod topology;

pub(super) use topology::draw;
