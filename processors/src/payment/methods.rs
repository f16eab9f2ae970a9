//! A customer's payment methods: tokens of their providers, one of them the default. A card number never gets here.

use super::provider::MethodToken;
use comanda_schemas::{
    AddPaymentMethod, CustomerId, Envelope, Event, EventTime, Message, PaymentFailureReason, PaymentMethod,
    PaymentMethodCommand, PaymentMethodId,
};
use serde::{Deserialize, Serialize};
use time::{Month, OffsetDateTime};

/// Name in the envelopes of what this role writes.
const PRODUCER: &str = "payment";
/// Nobody pays with more; removed ones count too, since refunds go back to them.
const MAX_METHODS: usize = 50;
/// Providers' names are shorter: Stripe promises at most 255.
const MAX_TOKEN_BYTES: usize = 255;

/// The methods of one customer, in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wallet {
    /// As they stand.
    pub methods: Vec<PaymentMethod>,
}

impl Wallet {
    /// The methods that can be paid with, the default first.
    pub fn list(&self) -> Vec<&PaymentMethod> {
        let mut listed: Vec<_> = self.methods.iter().filter(|method| !method.is_removed).collect();
        listed.sort_by_key(|method| !method.is_default);
        listed
    }

    /// Takes in a command; the methods as they changed. A command that was taken in before changes nothing.
    pub fn take(&mut self, command: &PaymentMethodCommand) -> Vec<PaymentMethod> {
        let before = self.methods.clone();
        match command {
            PaymentMethodCommand::AddPaymentMethod(add) => self.add(add),
            PaymentMethodCommand::RemovePaymentMethod(remove) => self.remove(remove.payment_method_id),
            PaymentMethodCommand::ChooseDefaultPaymentMethod(choose) => self.choose(choose.payment_method_id),
            PaymentMethodCommand::Unknown(_) => {}
        }
        let Some(cause) = command.envelope() else { return vec![] };
        let changed = self.methods.iter_mut().filter(|method| !before.contains(method));
        changed
            .map(|method| {
                method.envelope = envelope_of(cause, method);
                method.clone()
            })
            .collect()
    }

    /// The first one is the default. The same name again is the same method.
    fn add(&mut self, add: &AddPaymentMethod) {
        let known = self.methods.iter().any(|method| method.payment_method_id == add.payment_method_id);
        if known || self.methods.len() == MAX_METHODS {
            return;
        }
        let is_default = self.list().is_empty();
        let add = add.clone();
        self.methods.push(PaymentMethod {
            envelope: add.envelope,
            customer_id: add.customer_id,
            payment_method_id: add.payment_method_id,
            provider: add.provider,
            provider_customer: add.provider_customer,
            provider_method: add.provider_method,
            brand: add.brand,
            last_four: add.last_four,
            expires_year: add.expires_year,
            expires_month: add.expires_month,
            is_default,
            is_removed: false,
        });
    }

    /// The latest of the others becomes the default.
    fn remove(&mut self, id: PaymentMethodId) {
        let Some(method) = self.methods.iter_mut().find(|method| method.payment_method_id == id) else { return };
        method.is_removed = true;
        if std::mem::take(&mut method.is_default)
            && let Some(latest) = self.methods.iter_mut().rfind(|method| !method.is_removed)
        {
            latest.is_default = true;
        }
    }

    fn choose(&mut self, id: PaymentMethodId) {
        if self.list().iter().any(|method| method.payment_method_id == id) {
            self.methods.iter_mut().for_each(|method| method.is_default = method.payment_method_id == id);
        }
    }
}

/// A command changes a method once, and may change two.
fn envelope_of(cause: &Envelope, method: &PaymentMethod) -> Envelope {
    let effect = format!("{} {}", PaymentMethod::FULL_NAME, method.payment_method_id);
    let event_id = comanda_schemas::EventId::caused_by(cause.event_id, &effect);
    Envelope { event_id, causation_id: Some(cause.event_id), producer: PRODUCER.to_owned(), ..cause.clone() }
}

/// What `customer` pays with at `at`, if this method does.
///
/// # Errors
/// Why it does not: it is not the customer's, was removed, or has expired.
pub fn token_of(
    method: Option<&PaymentMethod>,
    customer: CustomerId,
    at: EventTime,
) -> Result<MethodToken, PaymentFailureReason> {
    let own = method.filter(|method| method.customer_id == customer && !method.is_removed);
    let method = own.ok_or(PaymentFailureReason::MethodUnknown)?;
    if has_expired(method, at) {
        return Err(PaymentFailureReason::ExpiredCard);
    }
    Ok(MethodToken {
        provider: method.provider,
        customer: method.provider_customer.clone(),
        method: method.provider_method.clone(),
    })
}

/// A card is good to the end of its month, in UTC: five hours longer than in Bogotá.
pub fn has_expired(method: &PaymentMethod, at: EventTime) -> bool {
    let (Some(year), Some(month)) = (method.expires_year, method.expires_month) else { return false };
    let Ok(now) = OffsetDateTime::from_unix_timestamp(at.millis().div_euclid(1_000)) else { return true };
    (year, month) < (now.year(), i32::from(u8::from(now.month())))
}

/// What a stored method must keep; the error names the field and quotes nothing.
///
/// # Errors
/// If something that may be a card number stands in it, or a month that is none.
pub(crate) fn check_method(add: &AddPaymentMethod) -> Result<(), String> {
    for (field, text) in [("provider_customer", &add.provider_customer), ("provider_method", &add.provider_method)] {
        if text.len() > MAX_TOKEN_BYTES || holds_card_number(text) {
            return Err(format!("{field}: is not a token of a provider"));
        }
    }
    if add.brand.len() > 32 || add.brand.contains(|c: char| c.is_ascii_digit()) {
        return Err("brand: is not the name of one".to_owned());
    }
    if add.last_four.as_ref().is_some_and(|four| four.len() != 4 || !four.bytes().all(|b| b.is_ascii_digit())) {
        return Err("last_four: is not four digits".to_owned());
    }
    let month = add.expires_month.map(|month| u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok()));
    if month == Some(None) || add.expires_year.is_some() != add.expires_month.is_some() {
        return Err("expires_month: is not a month with its year".to_owned());
    }
    Ok(())
}

/// Thirteen digits or more, however they are grouped (ISO/IEC 7812 and what card schemes issue: 13 to 19).
fn holds_card_number(text: &str) -> bool {
    let ungrouped: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-' && *c != '.').collect();
    ungrouped.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 13)
}

#[cfg(test)]
mod tests {
    use super::*;
    use comanda_schemas::{ChooseDefaultPaymentMethod, CorrelationId, EventId, PaymentProvider, RemovePaymentMethod};
    use uuid::Uuid;

    const CUSTOMER: CustomerId = CustomerId(Uuid::from_u128(1));
    /// 30 June 2027, 23:59:59.999 UTC.
    const END_OF_JUNE: EventTime = EventTime(1_814_399_999_999);

    fn id(n: u128) -> PaymentMethodId {
        PaymentMethodId(Uuid::from_u128(n))
    }

    fn envelope(n: u128) -> Envelope {
        let correlation = CorrelationId(CUSTOMER.0);
        Envelope::first(EventId(Uuid::from_u128(n)), EventTime(0), correlation, "test")
    }

    fn add(n: u128) -> AddPaymentMethod {
        AddPaymentMethod {
            envelope: envelope(n),
            customer_id: CUSTOMER,
            payment_method_id: id(n),
            provider: PaymentProvider::Stripe,
            provider_customer: "cus_1".to_owned(),
            provider_method: format!("pm_{n}"),
            brand: "visa".to_owned(),
            last_four: Some("4242".to_owned()),
            expires_year: Some(2027),
            expires_month: Some(6),
        }
    }

    fn remove(n: u128) -> PaymentMethodCommand {
        RemovePaymentMethod { envelope: envelope(100 + n), customer_id: CUSTOMER, payment_method_id: id(n) }.into()
    }

    fn choose(n: u128) -> PaymentMethodCommand {
        ChooseDefaultPaymentMethod { envelope: envelope(200 + n), customer_id: CUSTOMER, payment_method_id: id(n) }
            .into()
    }

    fn wallet(methods: u128) -> Wallet {
        let mut wallet = Wallet::default();
        for n in 1..=methods {
            wallet.take(&add(n).into());
        }
        wallet
    }

    fn listed(wallet: &Wallet) -> Vec<u128> {
        wallet.list().iter().map(|method| method.payment_method_id.0.as_u128()).collect()
    }

    #[test]
    fn the_first_method_is_the_default_until_another_is_chosen() {
        let mut wallet = wallet(3);
        assert_eq!(listed(&wallet), [1, 2, 3]);
        let changed = wallet.take(&choose(3));
        let told: Vec<_> = changed.iter().map(|method| (method.payment_method_id, method.is_default)).collect();
        assert_eq!((told, listed(&wallet)), (vec![(id(1), false), (id(3), true)], vec![3, 1, 2]));
        assert_ne!(changed[0].envelope.event_id, changed[1].envelope.event_id);
    }

    #[test]
    fn after_the_default_is_removed_the_latest_is_it() {
        let mut wallet = wallet(3);
        assert_eq!((wallet.take(&remove(1)).len(), listed(&wallet)), (2, vec![3, 2]));
        assert_eq!(wallet.take(&choose(1)), [], "a removed one cannot be chosen");
        assert_eq!((wallet.take(&remove(2)).len(), wallet.take(&remove(3)).len()), (1, 1));
        assert_eq!(listed(&wallet), [0; 0]);
    }

    #[test]
    fn a_command_taken_in_twice_changes_nothing() {
        let mut wallet = wallet(2);
        assert_eq!(wallet.take(&add(1).into()), []);
        wallet.take(&remove(1));
        assert_eq!((wallet.take(&remove(1)), wallet.take(&add(1).into())), (vec![], vec![]));
    }

    #[test]
    fn a_card_pays_to_the_end_of_its_month_and_only_for_its_owner() {
        let wallet = wallet(1);
        let method = Some(&wallet.methods[0]);
        let token = token_of(method, CUSTOMER, END_OF_JUNE).unwrap();
        assert_eq!((token.customer.as_str(), token.method.as_str()), ("cus_1", "pm_1"));
        let expired = token_of(method, CUSTOMER, END_OF_JUNE.plus_ms(1));
        assert_eq!(expired, Err(PaymentFailureReason::ExpiredCard));
        let strangers = token_of(method, CustomerId(Uuid::from_u128(2)), END_OF_JUNE);
        assert_eq!(strangers, Err(PaymentFailureReason::MethodUnknown));
        assert_eq!(token_of(None, CUSTOMER, END_OF_JUNE), Err(PaymentFailureReason::MethodUnknown));
    }

    #[test]
    fn a_card_number_does_not_enter() {
        assert_eq!(check_method(&add(1)), Ok(()));
        let numbers = AddPaymentMethod { provider_method: "4242424242424242".to_owned(), ..add(1) };
        assert_eq!(check_method(&numbers), Err("provider_method: is not a token of a provider".to_owned()));
        let spaced = AddPaymentMethod { provider_method: "card 4242 4242-4242 4242".to_owned(), ..add(1) };
        assert!(check_method(&spaced).is_err());
        let five = AddPaymentMethod { last_four: Some("24242".to_owned()), ..add(1) };
        assert_eq!(check_method(&five), Err("last_four: is not four digits".to_owned()));
        let thirteenth = AddPaymentMethod { expires_month: Some(13), ..add(1) };
        assert_eq!(check_method(&thirteenth), Err("expires_month: is not a month with its year".to_owned()));
    }
}
