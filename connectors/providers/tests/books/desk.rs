//! One payment played by the rules, its calls carried out for real.

use comanda_processors::payment::*;
use comanda_providers::Providers;
use comanda_schemas::*;
use tokio::runtime::Runtime;
use uuid::Uuid;

pub const TOTAL: Cop = Cop(4_150_000);
pub const APPROVAL_MS: i64 = 600_000;

pub struct Desk<'a> {
    pub number: u128,
    pub provider: PaymentProvider,
    pub account: Option<PaymentAccount>,
    pub ledger: Vec<LedgerPosted>,
    pub told: Vec<PaymentEvent>,
    providers: &'a Providers,
    runtime: &'a Runtime,
    now: i64,
    messages: u128,
    calls: Vec<ProviderCall>,
}

fn rules() -> PaymentRules {
    let paypal = Quote { currency: "USD".to_owned(), rate_micros: 4_123_456_789 };
    PaymentRules { shares: ShareRules::default(), paypal, approval_ms: APPROVAL_MS }
}

impl<'a> Desk<'a> {
    pub fn new(number: u128, provider: PaymentProvider, providers: &'a Providers, runtime: &'a Runtime) -> Self {
        let (account, ledger, told, calls) = (None, vec![], vec![], vec![]);
        Self { number, provider, account, ledger, told, providers, runtime, now: 1_795_212_000_000, messages: 0, calls }
    }

    pub fn order(&self) -> OrderId {
        OrderId(Uuid::from_u128(0x1_0000 + self.number))
    }

    fn payment(&self) -> PaymentId {
        PaymentId(Uuid::from_u128(0x2_0000 + self.number))
    }

    fn envelope(&mut self) -> Envelope {
        self.messages += 1;
        let id = EventId(Uuid::from_u128(self.number << 64 | self.messages));
        Envelope::first(id, EventTime(self.now), self.order(), "test")
    }

    pub fn authorize(&mut self) {
        let (customer, method) = (format!("cus_{}", self.number), "pm_card_visa".to_owned());
        let token = MethodToken { provider: self.provider, customer, method };
        let command = AuthorizePayment {
            envelope: self.envelope(),
            order_id: self.order(),
            payment_id: self.payment(),
            customer_id: CustomerId(Uuid::from_u128(self.number)),
            payment_method_id: PaymentMethodId(Uuid::from_u128(self.number)),
            amount_centavos: TOTAL,
            restaurant_id: RestaurantId(Uuid::from_u128(3)),
            subtotal_centavos: Cop(3_500_000),
            delivery_fee_centavos: Cop(500_000),
            tax_centavos: Cop(250_000),
            discount_centavos: Cop(100_000),
            attempt: 1,
        };
        self.take(PaymentInput::Command(command.into(), Ok(token)));
    }

    pub fn capture(&mut self) {
        let (envelope, order_id, payment_id) = (self.envelope(), self.order(), self.payment());
        let driver_id = Some(DriverId(Uuid::from_u128(4)));
        self.command(CapturePayment { envelope, order_id, payment_id, amount_centavos: TOTAL, driver_id, attempt: 1 });
    }

    pub fn void(&mut self) {
        let (envelope, order_id, payment_id) = (self.envelope(), self.order(), self.payment());
        self.command(VoidPayment { envelope, order_id, payment_id, attempt: 1 });
    }

    pub fn refund(&mut self, amount_centavos: Cop, attempt: i32) {
        let (envelope, order_id, payment_id) = (self.envelope(), self.order(), self.payment());
        self.command(RefundPayment { envelope, order_id, payment_id, amount_centavos, attempt });
    }

    pub fn command(&mut self, command: impl Into<PaymentCommand>) {
        self.take(PaymentInput::Command(command.into(), Err(PaymentFailureReason::MethodUnknown)));
    }

    /// Carries out the calls that are due, and waits for what is paused, until nothing is under way but the customer.
    /// Of every second payment the webhooks come before the answers.
    pub fn settle(&mut self, before_each_call: &dyn Fn(&ProviderCall), deliver: &dyn Fn(&mut Desk<'_>)) {
        for _ in 0..100 {
            if let Some(call) = self.calls.pop() {
                before_each_call(&call);
                let answer = self.runtime.block_on(self.providers.call(&call));
                if self.number.is_multiple_of(2) {
                    deliver(self);
                }
                self.take(PaymentInput::Answer(call, answer));
                continue;
            }
            let due = self.account.as_ref().and_then(PaymentAccount::next_deadline);
            match due.filter(|at| at.0 < self.now + APPROVAL_MS) {
                Some(at) => self.wait(at.0 - self.now),
                None => return,
            }
        }
        panic!("it does not come to rest: {:?}", self.account);
    }

    pub fn wait(&mut self, ms: i64) {
        self.now += ms.max(0);
        let now = EventTime(self.now);
        let effects = self.account.as_mut().map_or(vec![], |account| pass_time(account, now));
        self.note(effects);
    }

    fn take(&mut self, input: PaymentInput) {
        let effects = take(&mut self.account, input, EventTime(self.now), &rules());
        self.note(effects);
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Call(call) => self.calls.push(call),
                Effect::Tell(event) => self.told.push(event),
                Effect::Post(posted) => self.ledger.push(posted),
            }
        }
    }

    pub fn status(&self) -> Status {
        self.account.as_ref().unwrap().status
    }

    /// What waits for the customer's approval.
    pub fn waits_for(&self) -> Option<String> {
        self.told.iter().rev().find_map(|event| match event {
            PaymentEvent::PaymentActionRequired(e) => Some(e.provider_reference.clone()),
            _ => None,
        })
    }
}

/// Debits less credits of the accounts in a ledger; the clearing account also in the provider's currency.
pub fn balance(ledger: &[LedgerPosted], accounts: &[LedgerAccount]) -> (i64, i64) {
    let legs = ledger.iter().flat_map(|posted| &posted.legs).filter(|leg| accounts.contains(&leg.account));
    legs.fold((0, 0), |(centavos, minor), leg| {
        let sign = if leg.side == LedgerSide::Debit { 1 } else { -1 };
        (centavos + sign * leg.amount_centavos.0, minor + sign * leg.amount_minor.unwrap_or(0))
    })
}
