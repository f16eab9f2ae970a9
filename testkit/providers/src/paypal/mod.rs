//! PayPal, as far as we use it: Orders v2 with intent AUTHORIZE, Payments v2, webhooks that it verifies itself.
//!
//! Source: PayPal's API reference, Orders v2, Payments v2 and Webhooks.

mod books;
mod routes;

use crate::fault::Fault;
use crate::server::Server;
use books::Books;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The one application that is let in.
pub const CLIENT_ID: &str = "client";
/// Its secret.
pub const CLIENT_SECRET: &str = "secret";
/// The one webhook.
pub const WEBHOOK_ID: &str = "WH-1";

/// A webhook as it would be posted. Who shows its signature to the stand-in is told whether it is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// What it is about, e.g. `CHECKOUT.ORDER.APPROVED`.
    pub kind: String,
    /// The header `PAYPAL-TRANSMISSION-SIG`.
    pub signature: String,
    /// The body.
    pub body: String,
}

/// A running stand-in; it stops when it is dropped.
pub struct PayPalStandIn {
    server: Server,
    books: Arc<Mutex<Books>>,
}

impl PayPalStandIn {
    /// Starts on a free port of the loopback.
    pub fn start() -> Self {
        let books = Arc::new(Mutex::new(Books::default()));
        Self { server: Server::start(routes::app(books.clone())), books }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// The next request that would do something goes so; several of these go one after the other.
    pub fn next(&self, fault: Fault) {
        self.lock().faults.add(fault);
    }

    /// From now on one of so many requests that would do something goes wrong by itself, each time in another way.
    pub fn fail_every(&self, requests: usize) {
        self.lock().faults.come_every(requests);
    }

    /// The customer approves an order.
    pub fn approve(&self, order: &str) {
        self.lock().approve(order);
    }

    /// The customer asks for a capture back; the dispute's name.
    pub fn dispute(&self, capture: &str) -> String {
        self.lock().dispute(capture)
    }

    /// PayPal decides on a dispute.
    pub fn decide(&self, dispute: &str, won: bool) {
        self.lock().decide(dispute, won);
    }

    /// The webhooks that are due since the last look, oldest first.
    pub fn take_webhooks(&self) -> Vec<Webhook> {
        std::mem::take(&mut self.lock().webhooks)
    }

    /// Requests that did something, by `PayPal-Request-Id`, in order.
    pub fn done(&self) -> Vec<String> {
        self.lock().done.clone()
    }

    /// Tokens given out so far.
    pub fn tokens(&self) -> usize {
        self.lock().tokens
    }

    /// What customers paid less what they got back, hundredths.
    pub fn balance(&self) -> i64 {
        self.lock().balance
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}
