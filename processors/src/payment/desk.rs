//! The two nodes that change payments: one takes commands and the clock, the other the providers' answers.

use super::account::PaymentAccount;
use super::provider::{Answer, MethodToken, ProviderCall};
use super::reaction::Effect;
use super::rules::{PaymentInput, PaymentRules, pass_time, take};
use crate::agenda::{Agenda, AgendaStore, Sweeps};
use comanda_schemas::{EventTime, LedgerPosted, Message, OrderId, PaymentCommand, PaymentEvent, PaymentFailureReason};
use comanda_streams::{
    AsyncResult, InitContext, KeyValueStore, Processor, ProcessorContext, Record, Schedule, StoreHandle, StreamsError,
};
use std::rc::Rc;

type PaymentStore = KeyValueStore<OrderId, PaymentAccount>;
type Context<'a> = ProcessorContext<'a, OrderId, Effect>;

/// A command; with an authorisation what pays, or why nothing does.
#[derive(Clone)]
pub(super) struct Input {
    pub command: PaymentCommand,
    pub token: Result<MethodToken, PaymentFailureReason>,
}

/// The stores that both nodes work on.
pub(super) struct Desk {
    payments: Rc<PaymentStore>,
    deadlines: Agenda,
    rules: PaymentRules,
}

impl Desk {
    pub fn open(
        init: &mut InitContext<'_, '_>,
        payments: &StoreHandle<PaymentStore>,
        agenda: &StoreHandle<AgendaStore>,
        rules: PaymentRules,
    ) -> Result<Self, StreamsError> {
        Ok(Self { payments: init.open(payments)?, deadlines: Agenda(init.open(agenda)?), rules })
    }

    /// What happens to payments happens when the clock says so, also where the command is old: a provider was asked now.
    fn take(&self, ctx: &Context<'_>, order: OrderId, input: PaymentInput) -> Result<Vec<Effect>, StreamsError> {
        let now = EventTime(ctx.current_system_time_ms());
        let mut account = self.payments.get(&order)?;
        let former = account.as_ref().and_then(PaymentAccount::next_deadline);
        let effects = take(&mut account, input, now, &self.rules);
        if let Some(account) = &account {
            self.deadlines.change(order, former, account.next_deadline())?;
            self.payments.put(&order, account)?;
        }
        Ok(effects)
    }

    fn sweep(&self, now: EventTime) -> Result<Vec<(OrderId, Effect)>, StreamsError> {
        let mut effects = vec![];
        for due in self.deadlines.due(now)? {
            let Some(mut account) = self.payments.get(&due.order)? else {
                self.deadlines.change(due.order, Some(due.at), None)?;
                continue;
            };
            effects.extend(pass_time(&mut account, now).into_iter().map(|effect| (due.order, effect)));
            self.deadlines.change(due.order, Some(due.at), account.next_deadline())?;
            self.payments.put(&due.order, &account)?;
        }
        Ok(effects)
    }
}

/// Takes commands and the clock. Only this node calls providers.
pub(super) struct Commands {
    pub desk: Desk,
    pub sweeps: Sweeps,
}

impl Processor<OrderId, Input, OrderId, Effect> for Commands {
    fn process(&mut self, ctx: &mut Context<'_>, record: Record<OrderId, Input>) -> Result<(), StreamsError> {
        let (Some(order), Some(Input { command, token })) = (record.key, record.value) else {
            ctx.drop_record();
            return Ok(());
        };
        for effect in self.desk.take(ctx, order, PaymentInput::Command(command, token))? {
            forward(ctx, order, effect)?;
        }
        Ok(())
    }

    fn punctuate(&mut self, ctx: &mut Context<'_>, schedule: &Schedule, _: i64) -> Result<(), StreamsError> {
        for (order, effect) in self.desk.sweep(self.sweeps.passed(ctx, schedule))? {
            forward(ctx, order, effect)?;
        }
        Ok(())
    }
}

/// Takes answers.
pub(super) struct Answers(pub Desk);

impl Processor<OrderId, AsyncResult<ProviderCall, Answer>, OrderId, Effect> for Answers {
    fn process(
        &mut self,
        ctx: &mut Context<'_>,
        record: Record<OrderId, AsyncResult<ProviderCall, Answer>>,
    ) -> Result<(), StreamsError> {
        let (Some(order), Some(AsyncResult { request, response, .. })) = (record.key, record.value) else {
            return Ok(());
        };
        // A client that broke down in the middle: nobody knows how far it came.
        let answer = response.unwrap_or_else(|detail| Answer::Unknown { detail });
        for effect in self.0.take(ctx, order, PaymentInput::Answer(request, answer))? {
            if let Effect::Call(call) = &effect {
                return Err(StreamsError::Fatal(format!("the answer to a call may not call: {}", call.key)));
            }
            forward(ctx, order, effect)?;
        }
        Ok(())
    }
}

/// The Kafka timestamp of a record is when its event occurred.
fn forward(ctx: &mut Context<'_>, order: OrderId, effect: Effect) -> Result<(), StreamsError> {
    let at = match &effect {
        Effect::Call(call) => Some(call.asked_at),
        Effect::Tell(event) => PaymentEvent::envelope(event).map(|envelope| envelope.occurred_at),
        Effect::Post(posted) => LedgerPosted::envelope(posted).map(|envelope| envelope.occurred_at),
    };
    let timestamp = at.map_or(ctx.current_system_time_ms(), EventTime::millis);
    ctx.forward(Record::new(order, effect, timestamp))
}
