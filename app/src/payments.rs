//! The payment providers of an instance, by its environment: secrets come from nowhere else, and are printed nowhere.

use crate::error::AppError;
use comanda_processors::payment::{PaymentRules, Quote, ShareRules};
use comanda_providers::paypal::{PayPal, PayPalSettings};
use comanda_providers::stripe::{Stripe, StripeSettings};
use comanda_providers::{HttpSettings, Providers};

/// Less than the ten minutes that the order role waits for an authorisation: so a customer who does not approve is told
/// so, instead of that the payment took too long.
const APPROVAL_MS: i64 = 8 * 60_000;

/// Which providers there are, and what the role is run with.
pub struct Payments {
    /// Clients.
    pub providers: Providers,
    /// Shares, PayPal's currency and its rate, and how long customers may take.
    pub rules: PaymentRules,
}

/// How the providers are reached; at least one of them.
pub struct PaymentSettings {
    /// Cards.
    pub stripe: Option<StripeSettings>,
    /// PayPal, and the currency in which it is asked for money.
    pub paypal: Option<(PayPalSettings, Quote)>,
}

impl PaymentSettings {
    /// Whether the environment has a provider.
    pub fn is_configured(variable: &dyn Fn(&str) -> Option<String>) -> bool {
        ["COMANDA_STRIPE_KEY", "COMANDA_PAYPAL_CLIENT_ID"].iter().any(|name| variable(name).is_some())
    }

    /// Reads the variables `COMANDA_STRIPE_…` and `COMANDA_PAYPAL_…`; `docs/payments.md` lists them.
    ///
    /// # Errors
    /// Which variables are missing, or cannot be read. Values are not quoted.
    pub fn from_environment(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, AppError> {
        let stripe = variable("COMANDA_STRIPE_KEY").map(|key| stripe(key, variable)).transpose()?;
        let paypal = variable("COMANDA_PAYPAL_CLIENT_ID").map(|id| paypal(id, variable)).transpose()?;
        if stripe.is_none() && paypal.is_none() {
            let lacking = "no provider is configured: set COMANDA_STRIPE_KEY, COMANDA_PAYPAL_CLIENT_ID or both, and what \
                           goes with them (docs/payments.md)";
            return Err(AppError::Payments(lacking.to_owned()));
        }
        Ok(Self { stripe, paypal })
    }

    /// Makes the clients; connects to nobody yet.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub fn payments(self) -> Result<Payments, AppError> {
        let failed = |error: comanda_providers::ProviderError| AppError::Payments(error.to_string());
        let (paypal, quote) = self.paypal.unzip();
        let providers = Providers {
            stripe: self.stripe.map(Stripe::new).transpose().map_err(failed)?,
            paypal: paypal.map(PayPal::new).transpose().map_err(failed)?,
        };
        // Without PayPal nothing is asked for in its currency.
        let paypal = quote.unwrap_or_else(Quote::cop);
        Ok(Payments {
            providers,
            rules: PaymentRules { shares: ShareRules::default(), paypal, approval_ms: APPROVAL_MS },
        })
    }
}

fn stripe(key: String, variable: &dyn Fn(&str) -> Option<String>) -> Result<StripeSettings, AppError> {
    Ok(StripeSettings {
        base: variable("COMANDA_STRIPE_URL").unwrap_or_else(|| "https://api.stripe.com".to_owned()),
        key,
        return_url: needed("COMANDA_PAYMENT_RETURN_URL", variable)?,
        webhook_secret: needed("COMANDA_STRIPE_WEBHOOK_SECRET", variable)?,
        http: HttpSettings::default(),
    })
}

fn paypal(client_id: String, variable: &dyn Fn(&str) -> Option<String>) -> Result<(PayPalSettings, Quote), AppError> {
    let settings = PayPalSettings {
        base: variable("COMANDA_PAYPAL_URL").unwrap_or_else(|| "https://api-m.paypal.com".to_owned()),
        client_id,
        client_secret: needed("COMANDA_PAYPAL_CLIENT_SECRET", variable)?,
        return_url: needed("COMANDA_PAYMENT_RETURN_URL", variable)?,
        webhook_id: needed("COMANDA_PAYPAL_WEBHOOK_ID", variable)?,
        http: HttpSettings::default(),
    };
    let rate = needed("COMANDA_PAYPAL_COP_PER_UNIT", variable)?;
    let rate_micros = micros(&rate).filter(|rate| *rate > 0).ok_or_else(|| {
        AppError::Payments("COMANDA_PAYPAL_COP_PER_UNIT is not a price in COP with at most six decimals".to_owned())
    })?;
    let currency = variable("COMANDA_PAYPAL_CURRENCY").unwrap_or_else(|| "USD".to_owned());
    Ok((settings, Quote { currency, rate_micros }))
}

fn needed(name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, AppError> {
    variable(name).filter(|value| !value.is_empty()).ok_or_else(|| AppError::Payments(format!("{name} is not set")))
}

/// Millionths of a decimal.
fn micros(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) {
        return None;
    }
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(format!("{part:0<6}").parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &[(&str, &str)]) -> Result<PaymentSettings, String> {
        let variable = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        PaymentSettings::from_environment(&variable).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_lacking_is_named_and_no_secret_is_quoted() {
        let error = |set| read(set).err().unwrap_or_default();
        assert!(error(&[]).contains("COMANDA_STRIPE_KEY, COMANDA_PAYPAL_CLIENT_ID or both"), "{}", error(&[]));
        let half = [("COMANDA_STRIPE_KEY", "sk_live_1"), ("COMANDA_PAYMENT_RETURN_URL", "https://comanda.test")];
        assert_eq!(error(&half), "payments: COMANDA_STRIPE_WEBHOOK_SECRET is not set");
        assert!(read(&[half[0], half[1], ("COMANDA_STRIPE_WEBHOOK_SECRET", "whsec_1")]).is_ok());
    }

    #[test]
    fn paypal_s_rate_is_read_to_the_millionth_and_not_guessed() {
        let read = ["4123.456789", "4000", "0.5", "", "4,000", "1.2345678", "-1"].map(micros);
        assert_eq!(read, [Some(4_123_456_789), Some(4_000_000_000), Some(500_000), None, None, None, None]);
    }
}
