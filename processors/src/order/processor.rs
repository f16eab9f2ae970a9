//! The order role's processor: takes messages and the time in, keeps state, refusals and deadlines, says what follows.

use super::other_roles::check_payment;
use super::payment::Operation;
use super::placing::RefusedOrder;
use super::reaction::{OrderInput, OrderOutput};
use super::state::OrderState;
use super::{rules, time_limits};
use crate::agenda::{Agenda, AgendaStore, Sweeps};
use comanda_schemas::{EventTime, OrderCommand, OrderId, PlaceOrder, RestaurantCatalog, RestaurantId};
use comanda_streams::{
    ConnectedStore, GlobalKTable, InitContext, KeyValueStore, Processor, ProcessorContext, ReadOnlyKeyValueStore,
    Record, Schedule, StoreHandle, StreamsError,
};
use std::rc::Rc;

/// What the processor is to open.
#[derive(Clone)]
pub(super) struct Handles {
    pub orders: StoreHandle<KeyValueStore<OrderId, OrderState>>,
    pub deadlines: StoreHandle<AgendaStore>,
    pub refusals: StoreHandle<KeyValueStore<OrderId, RefusedOrder>>,
    pub catalogs: GlobalKTable<RestaurantId, RestaurantCatalog>,
}

impl Handles {
    /// Its own stores.
    pub fn stores(&self) -> [&dyn ConnectedStore; 3] {
        [&self.orders, &self.deadlines, &self.refusals]
    }
}

pub(super) struct OrderProcessor {
    orders: Rc<KeyValueStore<OrderId, OrderState>>,
    deadlines: Agenda,
    refusals: Rc<KeyValueStore<OrderId, RefusedOrder>>,
    catalogs: ReadOnlyKeyValueStore<RestaurantId, RestaurantCatalog>,
    sweeps: Sweeps,
}

impl OrderProcessor {
    pub fn new(init: &mut InitContext<'_, '_>, handles: &Handles) -> Result<Self, StreamsError> {
        let (sweeps, catalogs) = (Sweeps::new(init), init.open_global(&handles.catalogs));
        let (orders, refusals) = (init.open(&handles.orders)?, init.open(&handles.refusals)?);
        let deadlines = Agenda(init.open(&handles.deadlines)?);
        Ok(Self { orders, deadlines, refusals, catalogs, sweeps })
    }

    /// A message about an order that is known.
    fn take(&self, state: &mut OrderState, input: OrderInput) -> Result<Option<Vec<OrderOutput>>, StreamsError> {
        if let OrderInput::Payment(event) = &input {
            check_payment(&state.payment, event).map_err(StreamsError::SkipRecord)?;
        }
        let (former, given_up) = (time_limits::next(state), state.payment.given_up());
        let Some(outputs) = rules::take(state, input) else { return Ok(None) };
        self.store(state.id(), former, Some(state))?;
        report_given_up(given_up, state);
        Ok(Some(outputs))
    }

    /// A message about an order that is not.
    fn take_first(&self, order: OrderId, input: OrderInput) -> Result<Option<Vec<OrderOutput>>, StreamsError> {
        match input {
            OrderInput::Command(OrderCommand::PlaceOrder(place)) => self.place(order, place),
            OrderInput::Command(command) => Ok(rules::refuse_unknown(order, &command).map(|refused| vec![refused])),
            _ => Ok(None),
        }
    }

    fn place(&self, order: OrderId, place: PlaceOrder) -> Result<Option<Vec<OrderOutput>>, StreamsError> {
        if self.refusals.get(&order)?.is_some_and(|refused| refused.command == place.envelope.event_id) {
            return Ok(None);
        }
        let catalog = self.catalogs.get(&place.restaurant_id)?;
        let envelope = place.envelope.clone();
        match rules::place(place, catalog.as_ref()) {
            Ok((state, outputs)) => {
                self.store(order, None, Some(&state))?;
                Ok(Some(outputs))
            }
            Err(refusal) => {
                let (refused, said) = rules::refuse_order(order, &envelope, refusal);
                self.deadlines.change(order, None, Some(refused.forget_at()))?;
                self.refusals.put(&order, &refused)?;
                Ok(Some(vec![said]))
            }
        }
    }

    fn store(&self, order: OrderId, former: Option<EventTime>, state: Option<&OrderState>) -> Result<(), StreamsError> {
        self.deadlines.change(order, former, state.and_then(time_limits::next))?;
        match state {
            Some(state) => self.orders.put(&order, state),
            None => self.orders.delete(&order),
        }
    }
}

type Context<'a> = ProcessorContext<'a, OrderId, OrderOutput>;

impl Processor<OrderId, OrderInput, OrderId, OrderOutput> for OrderProcessor {
    fn process(&mut self, ctx: &mut Context<'_>, record: Record<OrderId, OrderInput>) -> Result<(), StreamsError> {
        let (Some(order), Some(input)) = (record.key, record.value) else {
            ctx.drop_record();
            return Ok(());
        };
        let taken = match self.orders.get(&order)? {
            Some(mut state) => self.take(&mut state, input)?,
            None => self.take_first(order, input)?,
        };
        let Some(outputs) = taken else {
            ctx.drop_record();
            return Ok(());
        };
        forward(ctx, order, outputs, record.timestamp)
    }

    fn punctuate(&mut self, ctx: &mut Context<'_>, schedule: &Schedule, _: i64) -> Result<(), StreamsError> {
        let now = self.sweeps.passed(ctx, schedule);
        for due in self.deadlines.due(now)? {
            let Some(state) = self.orders.get(&due.order)? else {
                self.deadlines.change(due.order, Some(due.at), None)?;
                self.refusals.delete(&due.order)?;
                continue;
            };
            let given_up = state.payment.given_up();
            let (state, outputs) = rules::pass_time(state, now);
            state.iter().for_each(|state| report_given_up(given_up, state));
            self.store(due.order, Some(due.at), state.as_ref())?;
            forward(ctx, due.order, outputs, now.millis())?;
        }
        Ok(())
    }
}

/// Money that is not where it belongs and that nobody moves any more is for a person to look at.
fn report_given_up(former: Option<Operation>, state: &OrderState) {
    let Some(operation) = state.payment.given_up().filter(|_| former.is_none()) else { return };
    let (kind, attempt) = (operation.kind.symbol(), operation.attempt);
    tracing::error!(order = %state.id(), operation = kind, attempt, "the payment is stuck and not asked for any more");
}

/// The Kafka timestamp of a record is when its event occurred.
fn forward(ctx: &mut Context<'_>, order: OrderId, outputs: Vec<OrderOutput>, now_ms: i64) -> Result<(), StreamsError> {
    for output in outputs {
        let timestamp = output.occurred_at().map_or(now_ms, EventTime::millis);
        ctx.forward(Record::new(order, output, timestamp))?;
    }
    Ok(())
}
