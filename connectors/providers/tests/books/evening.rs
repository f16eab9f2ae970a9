//! Payments of every kind, one after the other, against a provider that fails in every way.

use crate::desk::*;
use comanda_processors::payment::*;
use comanda_provider_stand_ins::Fault;
use comanda_provider_stand_ins::paypal::{self, PayPalStandIn};
use comanda_provider_stand_ins::stripe::{self, StripeStandIn};
use comanda_providers::paypal::{PayPal, PayPalSettings, PayPalSignature};
use comanda_providers::stripe::{Stripe, StripeSettings};
use comanda_providers::{HttpSettings, Providers};
use comanda_schemas::*;
use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;

const FAULTS: [Fault; 5] = [Fault::None, Fault::TimeoutAfter, Fault::ErrorAfter, Fault::ErrorBefore, Fault::Busy];
/// Each fault at each operation of each kind of payment.
const PAYMENTS: u128 = 40;
const SHARES: [LedgerAccount; 4] =
    [LedgerAccount::Restaurant, LedgerAccount::Courier, LedgerAccount::Platform, LedgerAccount::Tax];

fn http() -> HttpSettings {
    HttpSettings { connect: Duration::from_secs(1), exchange: Duration::from_millis(500) }
}

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

/// How a payment goes, by its number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Course {
    Delivered,
    Cancelled,
    GivenBackInPart,
    GivenBack,
    Disputed,
    NeverApproved,
}

fn course(number: u128) -> Course {
    use Course::*;
    [Delivered, Cancelled, GivenBackInPart, GivenBack, Disputed, NeverApproved][(number / 2 % 6) as usize]
}

/// Another fault for every call that does something.
fn next_fault(number: u128, calls: &RefCell<u128>, call: &ProviderCall) -> Option<Fault> {
    let reads = call.ask == Ask::LookUp || matches!((call.provider, &call.request), (_, Request::Abandon { .. }));
    if reads || matches!((call.provider, &call.request), (PaymentProvider::Stripe, Request::Resume { .. })) {
        return None;
    }
    *calls.borrow_mut() += 1;
    Some(FAULTS[((number + *calls.borrow()) % 5) as usize])
}

#[test]
fn the_ledger_is_stripe_s_statement() {
    let (stand_in, runtime) = (StripeStandIn::start(), Runtime::new().unwrap());
    let settings = StripeSettings {
        base: stand_in.base(),
        key: stripe::KEY.to_owned(),
        return_url: "https://comanda.test/back".to_owned(),
        webhook_secret: stripe::WEBHOOK_SECRET.to_owned(),
        http: http(),
    };
    let client = Stripe::new(settings).unwrap();
    let providers = Providers { stripe: Some(client.clone()), paypal: None };
    // Every webhook so far comes again with each payment, the latest first.
    let (webhooks, calls, mut ledger) = (RefCell::new(vec![]), RefCell::new(0), vec![]);
    for number in 0..PAYMENTS {
        let mut desk = Desk::new(number, PaymentProvider::Stripe, &providers, &runtime);
        let faults = |call: &ProviderCall| {
            if let Some(fault) = next_fault(number, &calls, call) {
                let asks = course(number) == Course::NeverApproved || number % 3 == 0;
                let first = matches!(call.request, Request::Authorize { .. });
                stand_in.next(if asks && first { Fault::Action } else { fault });
            }
        };
        let deliver = |desk: &mut Desk<'_>| {
            webhooks.borrow_mut().extend(stand_in.take_webhooks());
            for webhook in webhooks.borrow().iter().rev() {
                let read = client.webhook(&webhook.signature, webhook.body.as_bytes(), now_s());
                if let Some(report) = runtime.block_on(read).unwrap().filter(|report| report.order_id == desk.order()) {
                    desk.command(report);
                }
            }
        };
        play(&mut desk, &faults, &deliver, &|reference| stand_in.approve(reference), &|account| {
            let dispute = stand_in.dispute(account.capture.as_ref().unwrap());
            stand_in.decide(&dispute, number % 4 == 0);
        });
        check(&desk);
        ledger.extend(desk.ledger);
        webhooks.borrow_mut().clear();
    }
    let statement = runtime.block_on(client.statement(0, now_s() + 1)).unwrap();
    let found = reconcile(&ledger, &statement);
    assert!(found.differences.is_empty() && found.names > 20, "{found}");
    assert_eq!(balance(&ledger, &[LedgerAccount::ProviderClearing]), (stand_in.balance(), stand_in.balance()));
}

#[test]
fn the_ledger_is_paypal_s_balance_to_the_cent() {
    let (stand_in, runtime) = (PayPalStandIn::start(), Runtime::new().unwrap());
    let settings = PayPalSettings {
        base: stand_in.base(),
        client_id: paypal::CLIENT_ID.to_owned(),
        client_secret: paypal::CLIENT_SECRET.to_owned(),
        return_url: "https://comanda.test/back".to_owned(),
        webhook_id: paypal::WEBHOOK_ID.to_owned(),
        http: http(),
    };
    let client = PayPal::new(settings).unwrap();
    let providers = Providers { stripe: None, paypal: Some(client.clone()) };
    let (calls, mut ledger) = (RefCell::new(0), vec![]);
    for number in 0..PAYMENTS {
        let mut desk = Desk::new(number, PaymentProvider::Paypal, &providers, &runtime);
        let faults = |call: &ProviderCall| {
            if let Some(fault) = next_fault(number, &calls, call) {
                stand_in.next(fault);
            }
        };
        let deliver = |desk: &mut Desk<'_>| {
            for webhook in stand_in.take_webhooks().iter().rev().flat_map(|webhook| [webhook, webhook]) {
                let signature = PayPalSignature {
                    auth_algo: "SHA256withRSA".to_owned(),
                    cert_url: "https://api.paypal.com/cert".to_owned(),
                    transmission_id: "1".to_owned(),
                    transmission_sig: webhook.signature.clone(),
                    transmission_time: "2026-11-24T00:00:00Z".to_owned(),
                };
                let read = client.webhook(&signature, webhook.body.as_bytes(), now_s());
                if let Some(report) = runtime.block_on(read).unwrap() {
                    desk.command(report);
                }
            }
        };
        play(&mut desk, &faults, &deliver, &|reference| stand_in.approve(reference), &|account| {
            let dispute = stand_in.dispute(account.capture.as_ref().unwrap());
            stand_in.decide(&dispute, number % 4 == 0);
        });
        check(&desk);
        ledger.extend(desk.ledger);
    }
    assert_eq!(balance(&ledger, &[LedgerAccount::ProviderClearing]).1, stand_in.balance());
}

/// A payment from its authorisation to the end of its course.
fn play(
    desk: &mut Desk<'_>,
    faults: &dyn Fn(&ProviderCall),
    deliver: &dyn Fn(&mut Desk<'_>),
    approve: &dyn Fn(&str),
    dispute: &dyn Fn(&PaymentAccount),
) {
    let course = course(desk.number);
    desk.authorize();
    desk.settle(faults, deliver);
    if let Some(reference) = desk.waits_for().filter(|_| course != Course::NeverApproved) {
        approve(&reference);
        deliver(desk);
        desk.settle(faults, deliver);
    }
    if course == Course::NeverApproved && desk.status() == Status::RequiresAction {
        desk.wait(APPROVAL_MS);
        desk.settle(faults, deliver);
        return;
    }
    if course == Course::Cancelled {
        desk.void();
    } else {
        desk.capture();
    }
    desk.settle(faults, deliver);
    match course {
        Course::GivenBackInPart => desk.refund(Cop(1_234_567), 1),
        Course::GivenBack => {
            desk.refund(Cop(1_000_000), 1);
            desk.refund(Cop(TOTAL.0 - 1_000_000), 2);
        }
        Course::Disputed => dispute(desk.account.as_ref().unwrap()),
        _ => {}
    }
    desk.settle(faults, deliver);
    deliver(desk);
    deliver(desk);
    // Late news may have made a call due.
    desk.settle(faults, deliver);
}

/// The payment has come to the end of its course, and its books agree with themselves.
fn check(desk: &Desk<'_>) {
    let account = desk.account.as_ref().unwrap();
    let expected = match course(desk.number) {
        Course::Delivered => vec![Status::Captured],
        Course::Cancelled => vec![Status::Voided],
        Course::GivenBackInPart => vec![Status::PartlyRefunded],
        Course::GivenBack => vec![Status::Refunded],
        Course::Disputed => vec![Status::Captured, Status::ChargedBack],
        Course::NeverApproved => vec![Status::Failed, Status::Captured],
    };
    assert!(expected.contains(&account.status), "{}: {:?} {account:?}", desk.number, course(desk.number));
    let books = &account.books;
    let kept = books.captured.0 - books.paid_back.0 - books.disputed.0;
    assert_eq!(-balance(&desk.ledger, &SHARES).0, kept, "{}: captured less given back is the shares", desk.number);
    assert_eq!(balance(&desk.ledger, &[LedgerAccount::Refunds]).0, 0, "{}: nothing is on its way", desk.number);
}
