//! The order role's topology: four topics, all keyed by order, meet in one processor over the store `orders`.

use super::other_roles::check_payment;
use super::payment::Operation;
use super::reaction::{OrderInput, OrderOutput};
use super::state::OrderState;
use super::{rules, time_limits};
use crate::TopicSerdes;
use crate::agenda::{Agenda, AgendaStore, Sweeps, agenda_store};
use crate::input::outsiders;
use crate::keys::id_keys;
use crate::state_codec::state_serde;
use comanda_schemas::{EventTime, OrderId};
use comanda_streams::{
    Consumed, InitContext, KStream, KeyValueStore, Processor, ProcessorContext, Produced, Record, Schedule, Serde,
    StoreHandle, Stores, StreamsBuilder, StreamsError, Topology,
};
use std::rc::Rc;

/// `application.id` of the role.
pub const APPLICATION_ID: &str = "order";
/// Store with the state of every order, fed directly by `order.commands`: key [`OrderId`], value [`OrderState`].
pub const ORDERS: &str = "orders";
/// Store with the next time limit of every order.
pub const ORDER_DEADLINES: &str = "order-deadlines";

type OrderStore = KeyValueStore<OrderId, OrderState>;

/// Serdes of the store [`ORDERS`], for those who query it.
pub fn orders_serde() -> (Serde<OrderId>, Serde<OrderState>) {
    (id_keys(), state_serde())
}

/// Draws the role's topology.
///
/// # Errors
/// If the engine finds a contradiction in it.
pub fn topology(serdes: &TopicSerdes) -> Result<Topology, StreamsError> {
    let builder = StreamsBuilder::new();
    let (order_keys, states) = orders_serde();
    let orders = builder.add_state_store(Stores::key_value_store(ORDERS, order_keys, states));
    let deadlines = builder.add_state_store(agenda_store(ORDER_DEADLINES));
    let outputs = inputs(&builder, serdes).process("order", &[&orders.clone(), &deadlines.clone()], move |init| {
        OrderProcessor::new(init, &orders, &deadlines)
    });
    write(&outputs, serdes);
    builder.build()
}

fn inputs(builder: &StreamsBuilder, serdes: &TopicSerdes) -> KStream<OrderId, OrderInput> {
    let commands = outsiders(builder, "order.commands", id_keys(), serdes.order_commands.clone())
        .map_values(|_, command| command.map(OrderInput::Command));
    let payments = outsiders(builder, "payment.events", id_keys(), serdes.payment_events.clone())
        .map_values(|_, event| event.map(OrderInput::Payment));
    let deliveries = builder
        .stream("delivery.events", Consumed::with(id_keys(), serdes.delivery_events.clone()))
        .map_values(|_, event| event.map(OrderInput::Delivery));
    let estimates = builder
        .stream("analytics.eta", Consumed::with(id_keys(), serdes.eta.clone()))
        .map_values(|_, eta| eta.map(OrderInput::Eta));
    commands.merge(&payments).merge(&deliveries).merge(&estimates)
}

fn write(outputs: &KStream<OrderId, OrderOutput>, serdes: &TopicSerdes) {
    let branches = outputs.branch(vec![
        Box::new(|_, output| matches!(output, Some(OrderOutput::Event(_)))),
        Box::new(|_, output| matches!(output, Some(OrderOutput::Payment(_)))),
        Box::new(|_, output| matches!(output, Some(OrderOutput::Delivery(_)))),
    ]);
    let [events, payments, deliveries, views] = <[KStream<OrderId, OrderOutput>; 4]>::try_from(branches)
        .unwrap_or_else(|_| unreachable!("branch yields one stream per predicate and one more"));
    let event = |_: Option<&OrderId>, output| if let Some(OrderOutput::Event(e)) = output { Some(e) } else { None };
    let payment = |_: Option<&OrderId>, output| if let Some(OrderOutput::Payment(c)) = output { Some(c) } else { None };
    let delivery =
        |_: Option<&OrderId>, output| if let Some(OrderOutput::Delivery(c)) = output { Some(c) } else { None };
    let view = |_: Option<&OrderId>, output| if let Some(OrderOutput::View(v)) = output { Some(v) } else { None };
    events.map_values(event).to("order.events", Produced::with(id_keys(), serdes.order_events.clone()));
    payments.map_values(payment).to("payment.commands", Produced::with(id_keys(), serdes.payment_commands.clone()));
    deliveries
        .map_values(delivery)
        .to("delivery.commands", Produced::with(id_keys(), serdes.delivery_commands.clone()));
    views.map_values(view).to("order.views", Produced::with(id_keys(), serdes.order_views.clone()));
}

struct OrderProcessor {
    orders: Rc<OrderStore>,
    deadlines: Agenda,
    sweeps: Sweeps,
}

impl OrderProcessor {
    fn new(
        init: &mut InitContext<'_, '_>,
        orders: &StoreHandle<OrderStore>,
        deadlines: &StoreHandle<AgendaStore>,
    ) -> Result<Self, StreamsError> {
        let sweeps = Sweeps::new(init);
        Ok(Self { orders: init.open(orders)?, deadlines: Agenda(init.open(deadlines)?), sweeps })
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
        let mut state = self.orders.get(&order)?;
        if let (Some(known), OrderInput::Payment(event)) = (&state, &input) {
            check_payment(&known.payment, event).map_err(StreamsError::SkipRecord)?;
        }
        let former = state.as_ref().and_then(time_limits::next);
        let given_up = state.as_ref().and_then(|known| known.payment.given_up());
        let Some(outputs) = rules::take(&mut state, order, input) else {
            ctx.drop_record();
            return Ok(());
        };
        if let Some(state) = &state {
            self.store(order, former, Some(state))?;
            report_given_up(given_up, state);
        }
        forward(ctx, order, outputs, record.timestamp)
    }

    fn punctuate(&mut self, ctx: &mut Context<'_>, schedule: &Schedule, _: i64) -> Result<(), StreamsError> {
        let now = self.sweeps.passed(ctx, schedule);
        for due in self.deadlines.due(now)? {
            let Some(state) = self.orders.get(&due.order)? else {
                self.deadlines.change(due.order, Some(due.at), None)?;
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
