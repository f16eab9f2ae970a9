//! The payment role's topology: commands become calls to the providers, their answers events and postings.
//!
//! ```text
//! payment.methods (global) ─┐
//! payment.commands ─────────┴─► payment ─┬─calls─► payment-providers ─► payment-answers ─┐
//!                        (and the clock) └──────────────┬────────────────────────────────┘
//!                                                       └─► payment.events, payment.ledger
//! payment.method-commands ──► wallet ──► payment.methods
//! ```
//!
//! Both nodes work on the stores `payments` and `payment-agenda`. An answer never calls: what is to be called next
//! becomes due in the agenda, and the first node's sweep begins it. So the way of a record has no circle.

use super::account::PaymentAccount;
use super::desk::{Answers, Commands, Desk, Input};
use super::methods::{Wallet, token_of};
use super::provider::{Answer, ProviderCall};
use super::reaction::Effect;
use super::rules::PaymentRules;
use super::wallet::WalletProcessor;
use crate::TopicSerdes;
use crate::agenda::{Sweeps, agenda_store};
use crate::input::outsiders;
use crate::keys::id_keys;
use crate::state_codec::state_serde;
use comanda_schemas::{CustomerId, OrderId, PaymentCommand, PaymentFailureReason, PaymentMethod, PaymentMethodId};
use comanda_streams::{AsyncCalls, Consumed, KStream, Produced, Serde, Stores, StreamsBuilder, StreamsError, Topology};

/// `application.id` of the role.
pub const APPLICATION_ID: &str = "payment";
/// Store with the payment of every order, fed directly by `payment.commands`: key [`OrderId`], value [`PaymentAccount`].
pub const PAYMENTS: &str = "payments";
/// Store with every customer's methods, fed directly by `payment.method-commands`: key [`CustomerId`], value [`Wallet`].
pub const WALLETS: &str = "wallets";
/// The name under which whoever runs the topology gives it the client that calls the providers. Requests are
/// [`ProviderCall`]s, replies [`Answer`]s, both as [`state_serde`] writes them.
pub const PROVIDERS: &str = "payment-providers";

/// Serdes of the store [`PAYMENTS`].
pub fn payments_serde() -> (Serde<OrderId>, Serde<PaymentAccount>) {
    (id_keys(), state_serde())
}

/// Serdes of the store [`WALLETS`].
pub fn wallets_serde() -> (Serde<CustomerId>, Serde<Wallet>) {
    (id_keys(), state_serde())
}

/// Draws the role's topology.
///
/// # Errors
/// If the engine finds a contradiction in it.
pub fn topology(serdes: &TopicSerdes, rules: &PaymentRules) -> Result<Topology, StreamsError> {
    let builder = StreamsBuilder::new();
    wallets(&builder, serdes);
    write(&payments(&builder, &inputs(&builder, serdes), rules), serdes);
    builder.build()
}

/// Commands, an authorisation with the method that is to pay. The edge writes there too, what webhooks say.
fn inputs(builder: &StreamsBuilder, serdes: &TopicSerdes) -> KStream<OrderId, Input> {
    let methods = Consumed::with(id_keys::<PaymentMethodId>(), serdes.payment_methods.clone());
    let methods = builder.global_table("payment.methods", methods, None);
    outsiders(builder, "payment.commands", id_keys(), serdes.payment_commands.clone()).left_join_global_table(
        &methods,
        |_, command| method_of(command),
        |_, command, method| {
            let token = with_method(&command, method.as_ref());
            Some(Input { command, token })
        },
    )
}

fn method_of(command: &PaymentCommand) -> Option<PaymentMethodId> {
    if let PaymentCommand::AuthorizePayment(authorize) = command { Some(authorize.payment_method_id) } else { None }
}

fn with_method(
    command: &PaymentCommand,
    method: Option<&PaymentMethod>,
) -> Result<super::MethodToken, PaymentFailureReason> {
    match command {
        PaymentCommand::AuthorizePayment(authorize) => {
            token_of(method, authorize.customer_id, authorize.envelope.occurred_at)
        }
        _ => Err(PaymentFailureReason::MethodUnknown),
    }
}

/// Both nodes and the calls between them; what comes out is told and posted.
fn payments(
    builder: &StreamsBuilder,
    inputs: &KStream<OrderId, Input>,
    rules: &PaymentRules,
) -> KStream<OrderId, Effect> {
    let (keys, accounts) = payments_serde();
    let payments = builder.add_state_store(Stores::key_value_store(PAYMENTS, keys, accounts));
    let agenda = builder.add_state_store(agenda_store("payment-agenda"));
    let stores: [&dyn comanda_streams::ConnectedStore; 2] = [&payments.clone(), &agenda.clone()];
    let open = {
        let (payments, agenda, rules) = (payments.clone(), agenda.clone(), rules.clone());
        move |init: &mut comanda_streams::InitContext<'_, '_>| Desk::open(init, &payments, &agenda, rules.clone())
    };
    let opened = open.clone();
    let effects = inputs.process("payment", &stores, move |init| {
        let sweeps = Sweeps::new(init);
        Ok(Commands { desk: opened(init)?, sweeps })
    });
    let branches = effects.branch(vec![Box::new(|_, effect| matches!(effect, Some(Effect::Call(_))))]);
    let [calls, told] = <[KStream<OrderId, Effect>; 2]>::try_from(branches)
        .unwrap_or_else(|_| unreachable!("branch yields one stream per predicate and one more"));
    let key = |_: &OrderId, call: &ProviderCall| format!("{}:{}", call.key.order, call.number);
    let client = AsyncCalls::new(PROVIDERS, key, id_keys(), state_serde::<ProviderCall>(), state_serde::<Answer>());
    let answers = calls
        .map_values(|_, effect| if let Some(Effect::Call(call)) = effect { Some(call) } else { None })
        .call_async(client)
        .process("payment-answers", &stores, move |init| Ok(Answers(open(init)?)));
    told.merge(&answers)
}

fn write(effects: &KStream<OrderId, Effect>, serdes: &TopicSerdes) {
    let branches = effects.branch(vec![Box::new(|_, effect| matches!(effect, Some(Effect::Tell(_))))]);
    let [events, postings] = <[KStream<OrderId, Effect>; 2]>::try_from(branches)
        .unwrap_or_else(|_| unreachable!("branch yields one stream per predicate and one more"));
    events
        .map_values(|_, effect| if let Some(Effect::Tell(event)) = effect { Some(event) } else { None })
        .to("payment.events", Produced::with(id_keys(), serdes.payment_events.clone()));
    postings
        .map_values(|_, effect| if let Some(Effect::Post(posted)) = effect { Some(posted) } else { None })
        .to("payment.ledger", Produced::with(id_keys(), serdes.payment_ledger.clone()));
}

fn wallets(builder: &StreamsBuilder, serdes: &TopicSerdes) {
    let (keys, values) = wallets_serde();
    let wallets = builder.add_state_store(Stores::key_value_store(WALLETS, keys, values));
    outsiders(builder, "payment.method-commands", id_keys::<CustomerId>(), serdes.payment_method_commands.clone())
        .process("wallet", &[&wallets.clone()], move |init| Ok(WalletProcessor(init.open(&wallets)?)))
        .to("payment.methods", Produced::with(id_keys::<PaymentMethodId>(), serdes.payment_methods.clone()));
}
