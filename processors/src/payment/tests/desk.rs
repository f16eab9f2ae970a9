//! A payment with everything at hand: what is sent in, and in short words what comes out.

use crate::payment::account::PaymentAccount;
use crate::payment::*;
use comanda_schemas::*;
use std::collections::BTreeMap;
use uuid::Uuid;

pub const ORDER: OrderId = OrderId(Uuid::from_u128(1));
pub const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(2));
pub const TOTAL: Cop = Cop(4_150_000);
pub const APPROVAL_MS: i64 = 600_000;

/// Commands about one order, and what the payment role makes of them.
pub struct Desk {
    pub account: Option<PaymentAccount>,
    pub rules: PaymentRules,
    pub provider: PaymentProvider,
    pub now: i64,
    /// The last call.
    pub call: Option<ProviderCall>,
    /// Postings so far.
    pub ledger: Vec<LedgerPosted>,
    messages: u128,
}

impl Desk {
    pub fn new(provider: PaymentProvider) -> Self {
        let paypal = Quote { currency: "USD".to_owned(), rate_micros: 4_000_000_000 };
        let rules = PaymentRules { shares: ShareRules::default(), paypal, approval_ms: APPROVAL_MS };
        Self { account: None, rules, provider, now: 0, call: None, ledger: vec![], messages: 100 }
    }

    /// With `TOTAL` reserved by Stripe.
    pub fn authorized() -> Self {
        let mut desk = Self::new(PaymentProvider::Stripe);
        desk.authorize(1);
        desk.answer(done("pi_1"));
        desk
    }

    /// With `TOTAL` taken by Stripe.
    pub fn captured() -> Self {
        let mut desk = Self::authorized();
        desk.capture(1);
        desk.answer(done("pi_1"));
        desk
    }

    pub fn envelope(&mut self) -> Envelope {
        self.messages += 1;
        Envelope::first(EventId(Uuid::from_u128(self.messages)), EventTime(self.now), ORDER, "test")
    }

    pub fn authorize(&mut self, attempt: i32) -> Vec<String> {
        let method = MethodToken { provider: self.provider, customer: "cus_1".to_owned(), method: "pm_1".to_owned() };
        self.authorize_with(attempt, Ok(method))
    }

    pub fn authorize_with(&mut self, attempt: i32, method: Result<MethodToken, PaymentFailureReason>) -> Vec<String> {
        let command = AuthorizePayment {
            envelope: self.envelope(),
            order_id: ORDER,
            payment_id: PAYMENT,
            customer_id: CustomerId(Uuid::from_u128(3)),
            payment_method_id: PaymentMethodId(Uuid::from_u128(4)),
            amount_centavos: TOTAL,
            restaurant_id: RestaurantId(Uuid::from_u128(5)),
            subtotal_centavos: Cop(3_500_000),
            delivery_fee_centavos: Cop(500_000),
            tax_centavos: Cop(250_000),
            discount_centavos: Cop(100_000),
            attempt,
        };
        self.take(PaymentInput::Command(command.into(), method))
    }

    pub fn capture(&mut self, attempt: i32) -> Vec<String> {
        let driver_id = Some(DriverId(Uuid::from_u128(6)));
        let (envelope, order_id, payment_id, amount_centavos) = (self.envelope(), ORDER, PAYMENT, TOTAL);
        self.command(CapturePayment { envelope, order_id, payment_id, amount_centavos, driver_id, attempt })
    }

    pub fn void(&mut self, attempt: i32) -> Vec<String> {
        let envelope = self.envelope();
        self.command(VoidPayment { envelope, order_id: ORDER, payment_id: PAYMENT, attempt })
    }

    pub fn refund(&mut self, amount: i64, attempt: i32) -> Vec<String> {
        let (envelope, amount_centavos) = (self.envelope(), Cop(amount));
        self.command(RefundPayment { envelope, order_id: ORDER, payment_id: PAYMENT, amount_centavos, attempt })
    }

    pub fn report(&mut self, report: PaymentReport, reference: &str, amount_minor: i64) -> Vec<String> {
        let report = self.report_of(report, reference, amount_minor, None);
        self.command(report)
    }

    pub fn report_of(
        &mut self,
        report: PaymentReport,
        reference: &str,
        amount_minor: i64,
        attempt: Option<i32>,
    ) -> ReportPayment {
        ReportPayment {
            envelope: self.envelope(),
            order_id: ORDER,
            payment_id: PAYMENT,
            provider: self.provider,
            report,
            attempt,
            reason: None,
            provider_reference: reference.to_owned(),
            currency: "COP".to_owned(),
            amount_minor,
        }
    }

    pub fn command(&mut self, command: impl Into<PaymentCommand>) -> Vec<String> {
        self.take(PaymentInput::Command(command.into(), Err(PaymentFailureReason::MethodUnknown)))
    }

    /// The provider answers the last call.
    pub fn answer(&mut self, answer: Answer) -> Vec<String> {
        let call = self.call.clone().unwrap();
        self.take(PaymentInput::Answer(call, answer))
    }

    pub fn wait(&mut self, ms: i64) -> Vec<String> {
        self.now += ms;
        let now = EventTime(self.now);
        let effects = self.account.as_mut().map_or(vec![], |account| pass_time(account, now));
        self.note(effects)
    }

    pub fn take(&mut self, input: PaymentInput) -> Vec<String> {
        let effects = take(&mut self.account, input, EventTime(self.now), &self.rules);
        self.note(effects)
    }

    fn note(&mut self, effects: Vec<Effect>) -> Vec<String> {
        effects.into_iter().map(|effect| self.note_one(effect)).collect()
    }

    fn note_one(&mut self, effect: Effect) -> String {
        match effect {
            Effect::Call(call) => {
                let short = format!("{:?} {}", call.ask, &call.key.to_string()[37..]);
                self.call = Some(call);
                short
            }
            Effect::Tell(event) => told(&event),
            Effect::Post(posted) => {
                let short = format!("{} #{}", posted.posting.symbol(), posted.attempt);
                self.ledger.push(posted);
                short
            }
        }
    }

    pub fn status(&self) -> Status {
        self.account.as_ref().unwrap().status
    }

    /// Debits less credits by account, and the clearing account in the provider's currency.
    pub fn balances(&self) -> (BTreeMap<LedgerAccount, i64>, i64) {
        let (mut balances, mut minor) = (BTreeMap::new(), 0);
        for posted in &self.ledger {
            let sign = |leg: &LedgerLeg| if leg.side == LedgerSide::Debit { 1 } else { -1 };
            assert_eq!(posted.legs.iter().map(|leg| sign(leg) * leg.amount_centavos.0).sum::<i64>(), 0, "{posted:?}");
            for leg in &posted.legs {
                *balances.entry(leg.account).or_default() += sign(leg) * leg.amount_centavos.0;
                minor += sign(leg) * leg.amount_minor.unwrap_or(0);
            }
        }
        balances.retain(|_, balance| *balance != 0);
        (balances, minor)
    }

    /// What restaurant, courier, platform and tax hold together.
    pub fn shares(&self) -> i64 {
        use LedgerAccount::{Courier, Platform, Restaurant, Tax};
        let (balances, _) = self.balances();
        -[Restaurant, Courier, Platform, Tax].iter().filter_map(|account| balances.get(account)).sum::<i64>()
    }
}

fn told(event: &PaymentEvent) -> String {
    match event {
        PaymentEvent::PaymentFailed(e) => {
            format!("failed {} #{} {}", e.operation.symbol(), e.attempt, e.reason.symbol())
        }
        PaymentEvent::PaymentRefunded(e) => format!("refunded {} #{}", e.amount_centavos.0, e.attempt),
        PaymentEvent::PaymentCaptured(e) => format!("captured {} #{}", e.amount_centavos.0, e.attempt),
        PaymentEvent::PaymentAuthorized(e) => format!("authorized {} #{}", e.amount_centavos.0, e.attempt),
        PaymentEvent::PaymentVoided(e) => format!("voided #{}", e.attempt),
        PaymentEvent::PaymentActionRequired(e) => format!("action required at {} until {}", e.url, e.deadline_at.0),
        PaymentEvent::PaymentDisputed(e) => format!("dispute {} {}", e.stage.symbol(), e.amount_centavos.0),
        PaymentEvent::Unknown(name) => name.to_string(),
    }
}

pub fn done(reference: &str) -> Answer {
    Answer::Done { reference: reference.to_owned() }
}

pub fn unknown() -> Answer {
    Answer::Unknown { detail: "timed out".to_owned() }
}

pub fn action() -> Answer {
    Answer::RequiresAction { reference: "pi_1".to_owned(), url: "https://bank/3ds".to_owned() }
}
