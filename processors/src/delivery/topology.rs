//! The delivery role's topology: orders and drivers are sent to their zones, where dispatchers bring them together.
//!
//! ```text
//! delivery.commands ──────► router ──► orders-by-zone ──┐
//!                                                        ├─► dispatcher ──► delivery.events, delivery.drivers
//! delivery.driver-pings ─┬─► desk ──► drivers-by-zone ──┘
//! delivery.drivers ──────┘
//! ```

use super::desk::{Desk, DriverNotice};
use super::desk_processor::{DeskInput, DeskProcessor};
use super::dispatcher::{Dispatcher, ZoneInput};
use super::events::Said;
use super::ride::Ride;
use super::router::{ROUTE_KEPT_MS, Router};
use super::zone_keys::{ZoneDriver, zone_driver_keys, zone_moment_keys};
use super::zone_state::Driver;
use crate::TopicSerdes;
use crate::agenda::{Agenda, Sweeps, agenda_store};
use crate::input::outsiders;
use crate::keys::id_keys;
use crate::state_codec::state_serde;
use comanda_schemas::{DriverId, DriverState, DriverStatus, OrderId, RequestDelivery, topic};
use comanda_streams::{
    Consumed, KStream, Produced, Repartitioned, Serde, Serdes, Stores, StreamsBuilder, StreamsError, Topology,
};

/// `application.id` of the role.
pub const APPLICATION_ID: &str = "delivery";
/// Store with every delivery under way: key [`OrderId`], value [`Ride`].
pub const RIDES: &str = "rides";
/// Store with every driver on shift: key [`ZoneDriver`], value [`Driver`].
pub const ZONE_DRIVERS: &str = "zone-drivers";

/// Serdes of the store [`RIDES`].
pub fn rides_serde() -> (Serde<OrderId>, Serde<Ride>) {
    (id_keys(), state_serde())
}

/// Serdes of the store [`ZONE_DRIVERS`].
pub fn zone_drivers_serde() -> (Serde<ZoneDriver>, Serde<Driver>) {
    (zone_driver_keys(), state_serde())
}

/// Draws the role's topology.
///
/// # Errors
/// If the engine finds a contradiction in it.
pub fn topology(serdes: &TopicSerdes) -> Result<Topology, StreamsError> {
    let builder = StreamsBuilder::new();
    let inputs = orders_by_zone(&builder, serdes).merge(&drivers_by_zone(&builder, serdes));
    write(&dispatch(&builder, &inputs), serdes);
    builder.build()
}

fn orders_by_zone(builder: &StreamsBuilder, serdes: &TopicSerdes) -> KStream<String, ZoneInput> {
    let commands = serdes.delivery_commands.clone();
    let routes = Stores::window_store("delivery-routes", ROUTE_KEPT_MS, 1, id_keys::<OrderId>(), Serdes::string());
    let routes = builder.add_state_store(routes);
    outsiders(builder, "delivery.commands", id_keys(), commands.clone())
        .process("router", &[&routes.clone()], move |init| Ok(Router(init.open(&routes)?)))
        .repartition(by_zone("orders-by-zone", commands))
        .map_values(|_, command| command.map(ZoneInput::Command))
}

fn drivers_by_zone(builder: &StreamsBuilder, serdes: &TopicSerdes) -> KStream<String, ZoneInput> {
    let desks = Stores::key_value_store("driver-desks", id_keys::<DriverId>(), state_serde::<Desk>());
    let desks = builder.add_state_store(desks);
    let devices = outsiders(builder, "delivery.driver-pings", id_keys(), serdes.driver_pings.clone())
        .map_values(|_, message| message.map(DeskInput::Device));
    let releases = builder
        .stream("delivery.drivers", Consumed::with(id_keys(), serdes.drivers.clone()))
        .filter(|_, state: Option<&DriverState>| state.is_some_and(|s| s.status == DriverStatus::OffShift))
        .map_values(|_, state| state.map(DeskInput::Zone));
    devices
        .merge(&releases)
        .process("desk", &[&desks.clone()], move |init| Ok(DeskProcessor(init.open(&desks)?)))
        .repartition(by_zone("drivers-by-zone", state_serde::<DriverNotice>()))
        .map_values(|_, notice| notice.map(ZoneInput::Driver))
}

/// Both repartition topics have the same number of partitions, else one zone would be two tasks.
fn by_zone<V>(name: &str, values: Serde<V>) -> Repartitioned<String, V> {
    let commands = <RequestDelivery as comanda_schemas::Event>::TOPIC;
    let partitions = topic(commands).expect("the contract has a topic for each of its events").partitions;
    Repartitioned::with(Serdes::string(), values).with_name(name).with_number_of_partitions(partitions)
}

fn dispatch(builder: &StreamsBuilder, inputs: &KStream<String, ZoneInput>) -> KStream<(), Said> {
    let (ride_keys, ride_values) = rides_serde();
    let (driver_keys, driver_values) = zone_drivers_serde();
    let rides = builder.add_state_store(Stores::key_value_store(RIDES, ride_keys, ride_values));
    let drivers = builder.add_state_store(Stores::key_value_store(ZONE_DRIVERS, driver_keys, driver_values));
    let waiting = Stores::key_value_store("waiting-rides", zone_moment_keys(), state_serde::<bool>());
    let waiting = builder.add_state_store(waiting);
    let agenda = builder.add_state_store(agenda_store("ride-agenda"));
    let stores: [&dyn comanda_streams::ConnectedStore; 4] =
        [&rides.clone(), &drivers.clone(), &waiting.clone(), &agenda.clone()];
    inputs.process("dispatcher", &stores, move |init| {
        Ok(Dispatcher {
            rides: init.open(&rides)?,
            drivers: init.open(&drivers)?,
            waiting: init.open(&waiting)?,
            agenda: Agenda(init.open(&agenda)?),
            sweeps: Sweeps::new(init),
        })
    })
}

fn write(said: &KStream<(), Said>, serdes: &TopicSerdes) {
    let branches = said.branch(vec![Box::new(|_, said| matches!(said, Some(Said::Event(_))))]);
    let [events, drivers] = <[KStream<(), Said>; 2]>::try_from(branches)
        .unwrap_or_else(|_| unreachable!("branch yields one stream per predicate and one more"));
    events
        .map(|_, said| {
            let event = if let Some(Said::Event(event)) = said { Some(event) } else { None };
            let key = event.as_ref().and_then(comanda_schemas::Message::key);
            (key, event)
        })
        .to("delivery.events", Produced::with(Serdes::string(), serdes.delivery_events.clone()));
    drivers
        .map(|_, said| {
            let state = if let Some(Said::Driver(state)) = said { Some(state) } else { None };
            (state.as_ref().map(|state| state.driver_id), state)
        })
        .to("delivery.drivers", Produced::with(id_keys(), serdes.drivers.clone()));
}
