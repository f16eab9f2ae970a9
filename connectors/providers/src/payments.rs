//! The payment role's calls: each to its provider, behind a bulkhead and a breaker of that provider's own.

use crate::breaker::BreakerSettings;
use crate::paypal::PayPal;
use crate::stripe::Stripe;
use crate::threaded::{Provider, ThreadedClient};
use crate::{ProviderError, Providers};
use comanda_processors::payment::{Answer, PROVIDERS, ProviderCall};
use comanda_processors::state_serde;
use comanda_schemas::{EventTime, PaymentProvider};
use comanda_streams::{AsyncCall, AsyncClient, AsyncOutcome, AsyncReply, Clock};
use std::sync::Arc;
use tokio::runtime::Runtime;

/// Calls to one provider at a time: at one or two seconds each some ten a second, ten times an evening's peak. More wait
/// in the engine's store.
const THREADS: usize = 16;

/// The client for the topology's [`PROVIDERS`]. A provider that hangs or fails holds up nobody else's payments.
pub struct PaymentClient {
    stripe: ThreadedClient,
    paypal: ThreadedClient,
}

impl PaymentClient {
    /// Over the providers that are configured; what is asked of another is refused. `clock` is the one that the
    /// topology runs by: it tells calls that may have been made before.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn new(providers: &Providers, clock: &Arc<dyn Clock>) -> Result<Self, ProviderError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = Arc::new(runtime.map_err(ProviderError::Threads)?);
        let client = |stripe: Option<Stripe>, paypal: Option<PayPal>| {
            let providers = Providers { stripe, paypal };
            let calls = PaymentCalls { providers, runtime: runtime.clone(), clock: clock.clone() };
            ThreadedClient::new(calls, THREADS, BreakerSettings::default()).map_err(ProviderError::Threads)
        };
        Ok(Self { stripe: client(providers.stripe.clone(), None)?, paypal: client(None, providers.paypal.clone())? })
    }
}

impl AsyncClient for PaymentClient {
    fn call(&self, call: AsyncCall, reply: AsyncReply) {
        match read(&call) {
            Ok(ProviderCall { provider: PaymentProvider::Paypal, .. }) => self.paypal.call(call, reply),
            Ok(_) => self.stripe.call(call, reply),
            Err(refused) => reply.send(refused),
        }
    }
}

/// The calls to one provider.
struct PaymentCalls {
    providers: Providers,
    runtime: Arc<Runtime>,
    clock: Arc<dyn Clock>,
}

impl Provider for PaymentCalls {
    fn call(&self, call: &AsyncCall) -> AsyncOutcome {
        let call = match read(call) {
            Ok(call) => call,
            Err(refused) => return refused,
        };
        let is_fresh = !call.may_be_repeated(EventTime(self.clock.now_ms()));
        let answer = self.runtime.block_on(async {
            if is_fresh { self.providers.call(&call).await } else { self.providers.call_again(&call).await }
        });
        written(&answer)
    }

    /// What the domain takes for "nobody knows" or "not reached" is a failure of the provider's.
    fn has_failed(&self, outcome: &AsyncOutcome) -> bool {
        let AsyncOutcome::Done(bytes) = outcome else { return true };
        let answer = state_serde::<Answer>().deserialize(PROVIDERS, bytes);
        matches!(answer, Ok(Answer::Unknown { .. } | Answer::Temporary { .. }))
    }
}

/// A request that cannot be read was written by another build; it waits for somebody who can.
fn read(call: &AsyncCall) -> Result<ProviderCall, AsyncOutcome> {
    let read = state_serde().deserialize(PROVIDERS, &call.request);
    read.map_err(|error| AsyncOutcome::Failed { reason: format!("{}: {error}", call.idempotency_key), retry: true })
}

fn written(answer: &Answer) -> AsyncOutcome {
    let mut bytes = vec![];
    match state_serde().serialize(PROVIDERS, answer, &mut bytes) {
        Ok(()) => AsyncOutcome::Done(bytes.into()),
        Err(error) => AsyncOutcome::Failed { reason: error.to_string(), retry: false },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_unreachable_providers_open_the_breaker_and_refusals_do_not() {
        let clock: Arc<dyn Clock> = Arc::new(comanda_streams::SystemClock);
        let runtime = Arc::new(tokio::runtime::Builder::new_current_thread().build().unwrap());
        let calls = PaymentCalls { providers: Providers::default(), runtime, clock };
        let detail = || "x".to_owned();
        let failed = |answer: Answer| calls.has_failed(&written(&answer));
        assert!(failed(Answer::Unknown { detail: detail() }) && failed(Answer::Temporary { detail: detail() }));
        assert!(!failed(Answer::Done { reference: detail() }) && !failed(Answer::Permanent { detail: detail() }));
        assert!(!failed(Answer::NotDone));
    }
}
