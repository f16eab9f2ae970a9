//! The evening's payment providers: stand-ins on this machine that fail now and then, customers who approve, and the
//! webhooks, posted to the edge late and some of them twice.

use crate::error::AppError;
use crate::payments::PaymentSettings;
use comanda_processors::payment::Quote;
use comanda_provider_stand_ins::paypal::{self, PayPalStandIn};
use comanda_provider_stand_ins::stripe::{self, StripeStandIn};
use comanda_providers::HttpSettings;
use comanda_providers::paypal::PayPalSettings;
use comanda_providers::stripe::StripeSettings;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// One request of so many goes wrong.
const FAILS_EVERY: usize = 20;
/// One webhook of so many is posted twice.
const TWICE_EVERY: usize = 7;
const POST_EVERY: Duration = Duration::from_millis(50);
/// Attempts at a webhook that the edge does not take, like a provider's: then it is given up.
const ATTEMPTS: usize = 20;
/// The stand-ins answer at once or never: at a hundred times the speed a second is a minute and a half of the evening.
const HTTP: HttpSettings = HttpSettings { connect: Duration::from_secs(1), exchange: Duration::from_millis(300) };

/// Both providers and their messenger.
pub struct Bank {
    providers: Arc<StandIns>,
    stop: Arc<AtomicBool>,
    messenger: Option<JoinHandle<usize>>,
}

struct StandIns {
    stripe: StripeStandIn,
    paypal: PayPalStandIn,
}

/// What the providers have in their books at the end.
pub struct Statement {
    /// At Stripe, centavos of COP.
    pub stripe_centavos: i64,
    /// At PayPal, cents.
    pub paypal_cents: i64,
    /// Captures and refunds that were done twice under one idempotency key.
    pub done_twice: u64,
    /// Webhooks that the edge never took.
    pub webhooks_lost: u64,
}

impl Bank {
    /// Opens the providers and sends the messenger, who posts to the edge on this port.
    pub fn open(edge_port: u16) -> Result<Self, AppError> {
        let providers = Arc::new(StandIns { stripe: StripeStandIn::start(), paypal: PayPalStandIn::start() });
        providers.stripe.fail_every(FAILS_EVERY);
        providers.paypal.fail_every(FAILS_EVERY);
        let (stop, edge) = (Arc::new(AtomicBool::new(false)), format!("http://127.0.0.1:{edge_port}"));
        let (of, asked) = (providers.clone(), stop.clone());
        let messenger = std::thread::Builder::new()
            .name("webhooks".to_owned())
            .spawn(move || post_all(&of, &edge, &asked))
            .map_err(|error| AppError::io("cannot start a thread", error))?;
        Ok(Self { providers, stop, messenger: Some(messenger) })
    }

    /// How the payment role reaches them.
    pub fn settings(&self) -> PaymentSettings {
        let return_url = "https://comanda.test/back".to_owned();
        let stripe = StripeSettings {
            base: self.providers.stripe.base(),
            key: stripe::KEY.to_owned(),
            return_url: return_url.clone(),
            webhook_secret: stripe::WEBHOOK_SECRET.to_owned(),
            http: HTTP,
        };
        let paypal = PayPalSettings {
            base: self.providers.paypal.base(),
            client_id: paypal::CLIENT_ID.to_owned(),
            client_secret: paypal::CLIENT_SECRET.to_owned(),
            return_url,
            webhook_id: paypal::WEBHOOK_ID.to_owned(),
            http: HTTP,
        };
        let dollars = Quote { currency: "USD".to_owned(), rate_micros: 4_123_456_789 };
        PaymentSettings { stripe: Some(stripe), paypal: Some((paypal, dollars)) }
    }

    /// A customer approves what waits for him under this name.
    pub fn approve(&self, reference: &str) {
        if reference.starts_with("pi_") {
            self.providers.stripe.approve(reference);
        } else {
            self.providers.paypal.approve(reference);
        }
    }

    /// Posts what is left, and shows the books.
    pub fn close(mut self) -> Statement {
        self.stop.store(true, Ordering::Relaxed);
        let lost = self.messenger.take().and_then(|messenger| messenger.join().ok());
        let StandIns { stripe, paypal } = &*self.providers;
        Statement {
            stripe_centavos: stripe.balance(),
            paypal_cents: paypal.balance(),
            done_twice: twice(stripe.done()) + twice(paypal.done()),
            webhooks_lost: lost.map_or(u64::MAX, |lost| lost as u64),
        }
    }
}

/// Money that moved twice. PayPal's orders are no money: one that nobody was told of is made anew.
fn twice(mut done: Vec<String>) -> u64 {
    done.retain(|key| key.contains(":CAPTURE:") || key.contains(":REFUND:"));
    let all = done.len();
    done.sort();
    done.dedup();
    (all - done.len()) as u64
}

/// A webhook under way.
struct Letter {
    path: &'static str,
    header: &'static str,
    signature: String,
    body: String,
    attempts: usize,
}

/// Until asked to stop and nothing is left; how many were given up.
fn post_all(from: &StandIns, edge: &str, stop: &AtomicBool) -> usize {
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10))).build().into();
    let (mut waiting, mut posted, mut lost) = (vec![], 0, 0);
    loop {
        let is_last = stop.load(Ordering::Relaxed);
        waiting.extend(letters(from));
        for mut letter in std::mem::take(&mut waiting) {
            posted += 1;
            let copies = if posted % TWICE_EVERY == 0 { 2 } else { 1 };
            let taken = (0..copies).all(|_| post(&agent, edge, &letter));
            letter.attempts += 1;
            match letter.attempts {
                _ if taken => {}
                ATTEMPTS.. => lost += 1,
                _ => waiting.push(letter),
            }
        }
        if is_last && waiting.is_empty() {
            return lost;
        }
        std::thread::sleep(POST_EVERY);
    }
}

/// The latest first: webhooks keep no order.
fn letters(from: &StandIns) -> Vec<Letter> {
    let stripe = from.stripe.take_webhooks().into_iter().map(|webhook| {
        let (path, header) = ("/webhooks/stripe", "Stripe-Signature");
        Letter { path, header, signature: webhook.signature, body: webhook.body, attempts: 0 }
    });
    let paypal = from.paypal.take_webhooks().into_iter().map(|webhook| {
        let (path, header) = ("/webhooks/paypal", "PayPal-Transmission-Sig");
        Letter { path, header, signature: webhook.signature, body: webhook.body, attempts: 0 }
    });
    stripe.chain(paypal).rev().collect()
}

fn post(agent: &ureq::Agent, edge: &str, letter: &Letter) -> bool {
    let request = agent.post(format!("{edge}{}", letter.path)).header(letter.header, &letter.signature);
    match request.send(&letter.body) {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, path = letter.path, "the edge does not take a webhook");
            false
        }
    }
}
