//! The order role and the payment role side by side: each one's output is the other's input, and a bank answers.

use crate::bank::{Bank, Report};
use crate::messages::{at, catalog, envelope, order_id, payment_id, place_order};
use crate::serdes::topic_serdes;
use comanda_processors::payment::{self, PROVIDERS, PaymentRules, Quote, ShareRules};
use comanda_processors::{TopicSerdes, id_keys, order};
use comanda_schemas::*;
use comanda_streams::broker::RawRecord;
use comanda_streams::{AsyncClients, Serde, StreamsConfig};
use comanda_streams_test::TopologyTestDriver;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long customers may take to approve, seconds.
pub const APPROVAL_S: i64 = 480;
const SHARES: [LedgerAccount; 4] =
    [LedgerAccount::Restaurant, LedgerAccount::Courier, LedgerAccount::Platform, LedgerAccount::Tax];

pub struct OrderAndPayment {
    order: TopologyTestDriver,
    payment: TopologyTestDriver,
    pub bank: Bank,
    serdes: TopicSerdes,
    /// Seconds of the evening.
    pub second: i64,
    /// The latest view of the latest order that changed.
    pub view: Option<OrderView>,
    /// What the payment role has told.
    pub told: Vec<PaymentEvent>,
    pub ledger: Vec<LedgerPosted>,
    /// What the roles have said to each other.
    said: Vec<(&'static str, RawRecord)>,
}

impl OrderAndPayment {
    /// Both roles and the bank; customer 1 has a method, a card good to the end of 2027.
    pub fn new() -> Self {
        let (serdes, bank, now_ms) = (topic_serdes(), Bank::default(), at(0).millis());
        let config = || StreamsConfig::new("test", "");
        let order = order::topology(&serdes).unwrap();
        let order = TopologyTestDriver::with_config(&order, config(), now_ms).unwrap();
        let payment = payment::topology(&serdes, &rules()).unwrap();
        let clients = AsyncClients::default().with(PROVIDERS, Arc::new(bank.clone()));
        let payment = TopologyTestDriver::with_async_clients(&payment, config(), now_ms, &clients).unwrap();
        let (view, told, ledger, said) = (None, vec![], vec![], vec![]);
        let mut both = Self { order, payment, bank, serdes, second: 0, view, told, ledger, said };
        both.publish(catalog());
        both.method(add_method(1));
        both
    }

    /// What a restaurant sells.
    fn publish(&mut self, catalog: RestaurantCatalog) {
        let (key, time) = (catalog.restaurant_id, catalog.envelope.occurred_at.millis());
        let serde = self.serdes.restaurant_catalog.clone();
        let input = self.order.input_topic("restaurant.catalog", id_keys::<RestaurantId>(), serde);
        input.pipe(&mut self.order, key, catalog, time).unwrap();
    }

    /// What a customer does with his methods.
    pub fn method(&mut self, command: impl Into<PaymentMethodCommand>) {
        let (command, time) = (command.into(), at(self.second).millis());
        let customer: CustomerId = Message::key(&command).unwrap().parse().unwrap();
        let serde = self.serdes.payment_method_commands.clone();
        let input = self.payment.input_topic("payment.method-commands", id_keys::<CustomerId>(), serde);
        input.pipe(&mut self.payment, customer, command, time).unwrap();
    }

    /// What people say to the order role.
    pub fn command(&mut self, command: impl Into<OrderCommand>) {
        let serde = self.serdes.order_commands.clone();
        pipe(&mut self.order, "order.commands", serde, command.into());
        self.pass(0);
    }

    /// What the courier has done.
    pub fn delivery(&mut self, event: impl Into<DeliveryEvent>) {
        let serde = self.serdes.delivery_events.clone();
        pipe(&mut self.order, "delivery.events", serde, event.into());
        self.pass(0);
    }

    /// A verified webhook about the payment of order 1.
    pub fn webhook(&mut self, report: PaymentReport, reference: &str, amount: i64) {
        self.report(Report { report, reference: reference.to_owned(), amount, attempt: None });
    }

    /// The same, of the bank's own.
    pub fn report(&mut self, said: Report) {
        let report = ReportPayment {
            envelope: envelope(1, self.second),
            order_id: order_id(1),
            payment_id: payment_id(1),
            provider: PaymentProvider::Stripe,
            report: said.report,
            attempt: said.attempt,
            reason: None,
            provider_reference: said.reference,
            currency: "COP".to_owned(),
            amount_minor: said.amount,
        };
        pipe(&mut self.payment, "payment.commands", self.serdes.payment_commands.clone(), report.into());
        self.pass(0);
    }

    /// Why commands to the payment role went to the dead-letter topic since the last call.
    pub fn dead_letters(&mut self) -> Vec<String> {
        let letters = self.payment.take_output("payment.commands.dead-letter");
        let reason = |letter: &RawRecord| letter.headers.last("__streams.errors.message").unwrap().to_vec();
        letters.iter().map(|letter| String::from_utf8(reason(letter)).unwrap()).collect()
    }

    /// So many seconds pass, one after the other.
    pub fn pass(&mut self, seconds: i64) {
        self.exchange();
        (0..seconds).for_each(|_| self.leap(1));
    }

    /// So many seconds pass at once.
    pub fn leap(&mut self, seconds: i64) {
        self.second += seconds;
        for role in [&mut self.order, &mut self.payment] {
            role.advance_wall_clock_time(1_000 * seconds).unwrap();
        }
        self.exchange();
    }

    /// Something that one role has said to the other comes once more.
    pub fn repeat(&mut self, choose: impl Fn(usize) -> usize) {
        if self.said.is_empty() {
            return;
        }
        let (topic, record) = self.said[choose(self.said.len())].clone();
        match topic {
            "payment.commands" => self.payment.pipe(topic, record).unwrap(),
            _ => self.order.pipe(topic, record).unwrap(),
        }
        self.exchange();
    }

    /// Carries what each says to the other until neither says anything.
    fn exchange(&mut self) {
        loop {
            // Answers to calls are taken in between records.
            self.payment.advance_wall_clock_time(0).unwrap();
            let commands = self.order.take_output("payment.commands");
            let ledger = self.payment.output_topic("payment.ledger", id_keys::<OrderId>(), self.ledger_serde());
            self.ledger.extend(ledger.read(&mut self.payment).unwrap().into_iter().filter_map(|posted| posted.value));
            let events = self.payment.take_output("payment.events");
            if commands.is_empty() && events.is_empty() {
                break;
            }
            self.said.extend(commands.iter().map(|command| ("payment.commands", command.clone())));
            self.said.extend(events.iter().map(|event| ("payment.events", event.clone())));
            for command in commands {
                self.payment.pipe("payment.commands", command).unwrap();
            }
            for event in events {
                let told = self.serdes.payment_events.deserialize("payment.events", event.value.as_ref().unwrap());
                self.told.push(told.unwrap());
                self.order.pipe("payment.events", event).unwrap();
            }
        }
        let views = self.order.output_topic("order.views", id_keys::<OrderId>(), self.serdes.order_views.clone());
        let latest = views.read(&mut self.order).unwrap().into_iter().filter_map(|view| view.value).next_back();
        self.view = latest.or(self.view.take());
        let letters = self.order.take_output("payment.events.dead-letter");
        assert!(letters.is_empty(), "the order role does not believe the payment role: {letters:?}");
    }

    fn ledger_serde(&self) -> Serde<LedgerPosted> {
        self.serdes.payment_ledger.clone()
    }

    /// Places order 1 and lets the payment role ask the bank.
    pub fn place(&mut self) {
        let second = self.second;
        self.command(place_order(1, second));
        self.pass(2);
    }

    pub fn status(&self) -> (OrderStatus, PaymentStatus) {
        let view = self.view.as_ref().unwrap();
        (view.status, view.payment_status)
    }

    /// What the bank has done, without the order's id.
    pub fn done(&self) -> Vec<String> {
        self.bank.books().done.iter().map(|key| key[37..].to_owned()).collect()
    }

    /// The books of all three agree: every posting balances, clearing is the bank's balance, the shares are what the
    /// order says was taken less what was given back, and nothing is on its way. Tells what the bank holds.
    pub fn audit(&self) -> i64 {
        let mut accounts: BTreeMap<LedgerAccount, i64> = BTreeMap::new();
        for posted in &self.ledger {
            let signed = |leg: &LedgerLeg| {
                if leg.side == LedgerSide::Debit { leg.amount_centavos.0 } else { -leg.amount_centavos.0 }
            };
            assert_eq!(posted.legs.iter().map(signed).sum::<i64>(), 0, "{posted:?}");
            posted.legs.iter().for_each(|leg| *accounts.entry(leg.account).or_default() += signed(leg));
        }
        let of = |account: &LedgerAccount| accounts.get(account).copied().unwrap_or(0);
        let view = self.view.as_ref().unwrap();
        let (held, balance) = (view.captured_centavos.0 - view.refunded_centavos.0, self.bank.books().balance);
        let shares = -SHARES.iter().map(of).sum::<i64>();
        let found = (of(&LedgerAccount::ProviderClearing), shares, of(&LedgerAccount::Refunds), held);
        assert_eq!(found, (balance, balance, 0, balance), "clearing, shares, on its way, held by the order's view");
        balance
    }
}

fn rules() -> PaymentRules {
    let paypal = Quote { currency: "USD".to_owned(), rate_micros: 4_000_000_000 };
    PaymentRules { shares: ShareRules::default(), paypal, approval_ms: APPROVAL_S * 1_000 }
}

/// The method that order `n` is paid with.
pub fn add_method(n: u128) -> AddPaymentMethod {
    let order = place_order(n, 0);
    AddPaymentMethod {
        envelope: envelope(n, 0),
        customer_id: order.customer_id,
        payment_method_id: order.payment_method_id,
        provider: PaymentProvider::Stripe,
        provider_customer: format!("cus_{n}"),
        provider_method: "pm_1".to_owned(),
        brand: "visa".to_owned(),
        last_four: Some("4242".to_owned()),
        expires_year: Some(2027),
        expires_month: Some(12),
    }
}

fn pipe<M: Message>(role: &mut TopologyTestDriver, topic: &str, serde: Serde<M>, value: M) {
    let input = role.input_topic(topic, id_keys::<OrderId>(), serde);
    let key: OrderId = value.key().unwrap().parse().unwrap();
    let time = value.envelope().unwrap().occurred_at.millis();
    input.pipe(role, key, value, time).unwrap();
}
