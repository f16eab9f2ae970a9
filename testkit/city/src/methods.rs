//! What the city's customers pay with, where a payment role asks: every order has a method of its own, whose name at the
//! provider says what the bank will make of it.

use comanda_schemas::{
    AddPaymentMethod, CorrelationId, Envelope, EventId, EventTime, PaymentFailureReason, PaymentMethodId,
    PaymentProvider,
};
use uuid::Uuid;

use crate::city::City;
use crate::events::PRODUCER;
use crate::order::Order;

/// Of so many orders one is paid with PayPal, and one with a card whose bank asks the customer.
const IN_EVERY: usize = 10;
/// A card that lasts longer than any evening.
const EXPIRES: (i32, i32) = (2099, 12);

impl City {
    /// The methods of all orders, to be added before the evening begins.
    pub fn payment_methods(&self) -> Vec<AddPaymentMethod> {
        let added_at = EventTime(self.config.starts_at_ms);
        self.orders.iter().enumerate().map(|(number, order)| method(number, order, added_at)).collect()
    }
}

impl Order {
    pub(crate) fn payment_method(&self) -> PaymentMethodId {
        PaymentMethodId(Uuid::new_v5(&self.id.0, b"payment-method"))
    }
}

fn method(number: usize, order: &Order, added_at: EventTime) -> AddPaymentMethod {
    let payment_method_id = order.payment_method();
    let event_id = EventId(Uuid::new_v5(&payment_method_id.0, b"added"));
    let by_paypal = order.card_trouble.is_none() && number.is_multiple_of(IN_EVERY);
    let card = |text: &str| (!by_paypal).then(|| text.to_owned());
    AddPaymentMethod {
        envelope: Envelope::first(event_id, added_at, CorrelationId(order.customer.0), PRODUCER),
        customer_id: order.customer,
        payment_method_id,
        provider: if by_paypal { PaymentProvider::Paypal } else { PaymentProvider::Stripe },
        provider_customer: if by_paypal { String::new() } else { provider_customer(order) },
        provider_method: if by_paypal { String::new() } else { token(number, order.card_trouble).to_owned() },
        brand: if by_paypal { "paypal" } else { "visa" }.to_owned(),
        last_four: card("4242"),
        expires_year: (!by_paypal).then_some(EXPIRES.0),
        expires_month: (!by_paypal).then_some(EXPIRES.1),
    }
}

/// Letters only: a run of digits in an id could pass for a card number, which the payment role refuses.
fn provider_customer(order: &Order) -> String {
    let letter = |nibble: u8| char::from(b'a' + nibble);
    let letters = order.customer.0.as_bytes().iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]);
    "cus_".chars().chain(letters).collect()
}

/// Stripe's own names for cards to be tried with ("Testing", docs.stripe.com/testing).
fn token(number: usize, trouble: Option<PaymentFailureReason>) -> &'static str {
    match trouble {
        Some(PaymentFailureReason::InsufficientFunds) => "pm_card_chargeDeclinedInsufficientFunds",
        Some(PaymentFailureReason::ExpiredCard) => "pm_card_chargeDeclinedExpiredCard",
        Some(_) => "pm_card_chargeDeclined",
        None if number % IN_EVERY == 1 => "pm_card_authenticationRequired",
        None => "pm_card_visa",
    }
}
