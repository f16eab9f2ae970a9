//! Stripe, as far as we use it: PaymentIntents captured by hand, refunds, disputes, balance transactions, webhooks.
//!
//! Source: Stripe's API reference, version 2025-03-31.basil.

mod books;
mod events;
mod routes;

pub use events::Webhook;

use crate::fault::Fault;
use crate::server::Server;
use books::Books;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Secret with which webhooks are signed.
pub const WEBHOOK_SECRET: &str = "whsec_stand_in";
/// The one key that is let in.
pub const KEY: &str = "sk_test_stand_in";

/// A running stand-in; it stops when it is dropped.
pub struct StripeStandIn {
    server: Server,
    books: Arc<Mutex<Books>>,
}

impl StripeStandIn {
    /// Starts on a free port of the loopback.
    pub fn start() -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        Self { server: Server::start(routes::app(books.clone())), books }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Remembers idempotency keys from now on, as Stripe itself does.
    pub fn deduplicate(&self) {
        self.lock().deduplicates = true;
    }

    /// The next request that would do something goes so; several of these go one after the other.
    pub fn next(&self, fault: Fault) {
        self.lock().faults.add(fault);
    }

    /// From now on one of so many requests that would do something goes wrong by itself, each time in another way.
    pub fn fail_every(&self, requests: usize) {
        self.lock().faults.come_every(requests);
    }

    /// The customer approves at the bank.
    pub fn approve(&self, intent: &str) {
        self.lock().approve(intent);
    }

    /// The customer does not pass the bank's check.
    pub fn fail_approval(&self, intent: &str) {
        self.lock().fail_approval(intent);
    }

    /// The bank asks for all of a captured intent back; the dispute's name.
    pub fn dispute(&self, intent: &str) -> String {
        self.lock().dispute(intent)
    }

    /// The bank decides on a dispute.
    pub fn decide(&self, dispute: &str, won: bool) {
        self.lock().decide(dispute, won);
    }

    /// The webhooks that are due since the last look, oldest first.
    pub fn take_webhooks(&self) -> Vec<Webhook> {
        std::mem::take(&mut self.lock().webhooks)
    }

    /// Requests that did something, by idempotency key, in order: a key that is there twice was done twice.
    pub fn done(&self) -> Vec<String> {
        self.lock().done.clone()
    }

    /// The balance: what customers paid less what they got back, centavos.
    pub fn balance(&self) -> i64 {
        self.lock().balance()
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}
