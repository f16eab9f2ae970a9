//! One zone's dispatcher: owns the zone's rides and drivers. Every assignment is made here, in one task, on one state.

mod drivers;

use super::desk::DriverNotice;
use super::events::{self, Said};
use super::ride::{Ride, RideStatus, RideStep};
use super::rules;
use super::zone_keys::{ZoneDriver, ZoneMoment, prefix};
use super::zone_state::{Driver, Job};
use crate::agenda::{Agenda, Sweeps};
use crate::keys::Moment;
use crate::time_rules::believed_now;
use comanda_schemas::{
    DeclineReason, DeliveryCancelled, DeliveryCommand, DeliveryDeclined, DeliveryDelivered, DeliveryFailed,
    DeliveryInTransit, DeliveryPickedUp, DriverId, DriverStatus, Envelope, Event, EventId, EventTime, Message, OrderId,
    RequestDelivery,
};
use comanda_streams::{KeyValueStore, Processor, ProcessorContext, Record, Schedule, StreamsError};
use std::rc::Rc;

pub(super) type RideStore = KeyValueStore<OrderId, Ride>;
pub(super) type DriverStore = KeyValueStore<ZoneDriver, Driver>;
pub(super) type WaitingStore = KeyValueStore<ZoneMoment, bool>;

/// What comes into a zone.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // One is in process at a time.
pub(super) enum ZoneInput {
    Command(DeliveryCommand),
    Driver(DriverNotice),
}

pub(super) struct Dispatcher {
    pub rides: Rc<RideStore>,
    pub drivers: Rc<DriverStore>,
    /// Rides that wait, by zone and the time they are due.
    pub waiting: Rc<WaitingStore>,
    pub agenda: Agenda,
    pub sweeps: Sweeps,
}

type Context<'a> = ProcessorContext<'a, (), Said>;
type Done = Result<(), StreamsError>;

impl Processor<String, ZoneInput, (), Said> for Dispatcher {
    fn process(&mut self, ctx: &mut Context<'_>, record: Record<String, ZoneInput>) -> Done {
        let (Some(zone), Some(input)) = (record.key, record.value) else { return Ok(()) };
        match input {
            ZoneInput::Command(DeliveryCommand::RequestDelivery(request)) => self.request(ctx, &request),
            ZoneInput::Command(command) => self.command(ctx, &command),
            ZoneInput::Driver(notice) => self.notice(ctx, &zone, notice),
        }
    }

    /// Rides whose time has come, and rides whose time is over.
    fn punctuate(&mut self, ctx: &mut Context<'_>, schedule: &Schedule, _: i64) -> Done {
        let now = self.sweeps.passed(ctx, schedule);
        for due in self.agenda.due(now)? {
            let Some(mut ride) = self.rides.get(&due.order)? else {
                self.agenda.change(due.order, Some(due.at), None)?;
                continue;
            };
            let (ends_at, reason) = ride.ends_at();
            if ends_at <= now {
                let id = EventId::caused_by(ride.cause, &format!("{} {}", DeliveryFailed::FULL_NAME, ends_at.millis()));
                let envelope = Envelope::first(id, ends_at, ride.order, events::PRODUCER);
                say(ctx, Said::Event(events::failed(&ride, reason, envelope)))?;
                self.end(ctx, ride, id, ends_at)?;
            } else {
                let zone = ride.zone.clone();
                self.keep(&mut ride, now)?;
                self.dispatch(ctx, &zone, now)?;
            }
        }
        Ok(())
    }
}

impl Dispatcher {
    fn request(&mut self, ctx: &mut Context<'_>, request: &RequestDelivery) -> Done {
        if self.rides.get(&request.order_id)?.is_some() {
            ctx.drop_record();
            return Ok(());
        }
        let mut ride = Ride::new(request);
        self.waiting.put(&waiting_key(&ride), &true)?;
        self.keep(&mut ride, now(ctx))?;
        self.dispatch(ctx, &ride.zone, now(ctx))
    }

    fn command(&mut self, ctx: &mut Context<'_>, command: &DeliveryCommand) -> Done {
        let order = command.key().and_then(|key| key.parse().ok());
        let ride = order.map(|order: OrderId| self.rides.get(&order)).transpose()?.flatten();
        let step = ride.as_ref().and_then(|ride| ride.step(command));
        let (Some(ride), Some(step), Some(cause)) = (ride, step, command.envelope()) else {
            ctx.drop_record();
            return Ok(());
        };
        match (step, ride.driver) {
            (RideStep::Cancel, _) => self.cancel(ctx, ride, cause),
            (RideStep::Decline, Some(driver)) => self.decline(ctx, ride, driver, command, cause),
            (RideStep::PickUp, Some(driver)) => self.pick_up(ctx, ride, driver, cause),
            (RideStep::Depart, Some(driver)) => self.depart(ctx, ride, driver, cause),
            (RideStep::HandOver, Some(driver)) => {
                let envelope = cause.causes::<DeliveryDelivered>(cause.occurred_at, events::PRODUCER);
                say(ctx, Said::Event(events::delivered(&ride, driver, envelope)))?;
                self.end(ctx, ride, cause.event_id, cause.occurred_at)
            }
            (RideStep::Fail(reason), Some(_)) => {
                let envelope = cause.causes::<DeliveryFailed>(cause.occurred_at, events::PRODUCER);
                say(ctx, Said::Event(events::failed(&ride, reason, envelope)))?;
                self.end(ctx, ride, cause.event_id, cause.occurred_at)
            }
            (_, None) => Ok(()),
        }
    }

    fn cancel(&mut self, ctx: &mut Context<'_>, ride: Ride, cause: &Envelope) -> Done {
        let envelope = cause.causes::<DeliveryCancelled>(cause.occurred_at, events::PRODUCER);
        say(ctx, Said::Event(events::cancelled(&ride, envelope)))?;
        self.end(ctx, ride, cause.event_id, cause.occurred_at)
    }

    fn decline(
        &mut self,
        ctx: &mut Context<'_>,
        mut ride: Ride,
        driver: DriverId,
        command: &DeliveryCommand,
        cause: &Envelope,
    ) -> Done {
        let reason = match command {
            DeliveryCommand::DeclineDelivery(decline) => decline.reason,
            _ => DeclineReason::Unknown,
        };
        let envelope = cause.causes::<DeliveryDeclined>(cause.occurred_at, events::PRODUCER);
        say(ctx, Said::Event(events::declined(&ride, driver, reason, envelope)))?;
        ride.give_back(cause.event_id);
        self.waiting.put(&waiting_key(&ride), &true)?;
        self.keep(&mut ride, now(ctx))?;
        self.free(ctx, &ride.zone, driver, ride.order, cause.event_id, cause.occurred_at)?;
        self.dispatch(ctx, &ride.zone, now(ctx))
    }

    fn pick_up(&mut self, ctx: &mut Context<'_>, mut ride: Ride, driver: DriverId, cause: &Envelope) -> Done {
        let envelope = cause.causes::<DeliveryPickedUp>(cause.occurred_at, events::PRODUCER);
        say(ctx, Said::Event(events::picked_up(&ride, driver, envelope)))?;
        (ride.status, ride.picked_up_at) = (RideStatus::PickedUp, Some(cause.occurred_at));
        self.keep(&mut ride, now(ctx))?;
        let key = ZoneDriver { zone: ride.zone.clone(), driver };
        let Some(mut known) = self.drivers.get(&key)? else { return Ok(()) };
        known.job = known.job.map(|job| Job { carrying: true, ..job });
        self.drivers.put(&key, &known)?;
        let (status, zone) = (known.status(), &ride.zone);
        say(ctx, Said::Driver(events::driver_state(&known, zone, status, cause.event_id, cause.occurred_at)))
    }

    fn depart(&mut self, ctx: &mut Context<'_>, mut ride: Ride, driver: DriverId, cause: &Envelope) -> Done {
        let envelope = cause.causes::<DeliveryInTransit>(cause.occurred_at, events::PRODUCER);
        say(ctx, Said::Event(events::in_transit(&ride, driver, envelope)))?;
        ride.status = RideStatus::InTransit;
        self.keep(&mut ride, now(ctx))
    }

    /// Gives orders that are due to drivers who are idle.
    fn dispatch(&mut self, ctx: &mut Context<'_>, zone: &str, now: EventTime) -> Done {
        let (from, to) = ZoneMoment::until(zone, now);
        let due = self.waiting.range(&from, &to)?;
        if due.is_empty() {
            return Ok(());
        }
        let mut idle: Vec<Driver> = self.drivers.prefix_scan(&prefix(zone))?.into_iter().map(|(_, d)| d).collect();
        idle.retain(|driver| rules::is_available(driver, now));
        if idle.is_empty() {
            return Ok(());
        }
        let mut rides = vec![];
        for (key, _) in due {
            rides.extend(self.rides.get(&key.moment.order)?);
        }
        for (ride, driver, metres) in rules::match_nearest(&rides, &idle) {
            self.assign(ctx, rides[ride].clone(), idle[driver].clone(), metres, now)?;
        }
        Ok(())
    }

    fn assign(&mut self, ctx: &mut Context<'_>, mut ride: Ride, driver: Driver, metres: f64, now: EventTime) -> Done {
        self.waiting.delete(&waiting_key(&ride))?;
        ride.assign(driver.id, now);
        let job = Some(Job { order: ride.order, delivery: ride.delivery, carrying: false });
        let driver = Driver { job, ..driver };
        self.drivers.put(&ZoneDriver { zone: ride.zone.clone(), driver: driver.id }, &driver)?;
        self.keep(&mut ride, now)?;
        say(ctx, Said::Event(events::assigned(&ride, &driver, metres, now)))?;
        let state = events::driver_state(&driver, &ride.zone, DriverStatus::Assigned, ride.cause, now);
        say(ctx, Said::Driver(state))
    }

    /// Ends a ride: it is forgotten, its driver is free.
    fn end(&mut self, ctx: &mut Context<'_>, ride: Ride, cause: EventId, at: EventTime) -> Done {
        self.agenda.change(ride.order, ride.look_at, None)?;
        self.rides.delete(&ride.order)?;
        match ride.driver {
            None => self.waiting.delete(&waiting_key(&ride)),
            Some(driver) => {
                self.free(ctx, &ride.zone, driver, ride.order, cause, at)?;
                self.dispatch(ctx, &ride.zone, now(ctx))
            }
        }
    }

    /// Stores a ride and when to look at it next.
    fn keep(&mut self, ride: &mut Ride, now: EventTime) -> Done {
        let look_at = Some(ride.next_look(now));
        self.agenda.change(ride.order, ride.look_at, look_at)?;
        ride.look_at = look_at;
        self.rides.put(&ride.order, ride)
    }
}

/// Dispatch decides on all that the task has seen, at the time of the latest of it.
fn now(ctx: &Context<'_>) -> EventTime {
    believed_now(ctx)
}

fn waiting_key(ride: &Ride) -> ZoneMoment {
    ZoneMoment { zone: ride.zone.clone(), moment: Moment { at: ride.due_at, order: ride.order } }
}

fn say(ctx: &mut Context<'_>, said: Said) -> Done {
    let time = match &said {
        Said::Event(event) => event.envelope().map(|envelope| envelope.occurred_at),
        Said::Driver(state) => Some(state.envelope.occurred_at),
    };
    let time = time.unwrap_or(now(ctx));
    ctx.forward(Record::new(None, said, time.millis()))
}
