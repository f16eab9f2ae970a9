//! The order: its life cycle, its payment's and its delivery's part in it, and the view that joins the three.

mod life_cycle;
mod other_roles;
mod payment;
mod placing;
mod processor;
mod reaction;
mod rules;
mod state;
mod time_limits;
mod topology;
mod view;

pub use life_cycle::{Actor, Row, Step, TABLE, Trigger, mermaid, step};
pub use payment::{Action, Operation, Payment, Wish};
pub use placing::RefusedOrder;
pub use reaction::{OrderInput, OrderOutput};
pub use state::OrderState;
pub use topology::{APPLICATION_ID, ORDER_DEADLINES, ORDER_REFUSALS, ORDERS, orders_serde, refusals_serde, topology};
pub use view::view;
