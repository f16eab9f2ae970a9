//! Customers' methods as a processor: commands in, each method that changed out.

use super::methods::Wallet;
use comanda_schemas::{CustomerId, PaymentMethod, PaymentMethodCommand, PaymentMethodId};
use comanda_streams::{KeyValueStore, Processor, ProcessorContext, Record, StreamsError};
use std::rc::Rc;

pub(super) struct WalletProcessor(pub Rc<KeyValueStore<CustomerId, Wallet>>);

impl Processor<CustomerId, PaymentMethodCommand, PaymentMethodId, PaymentMethod> for WalletProcessor {
    fn process(
        &mut self,
        ctx: &mut ProcessorContext<'_, PaymentMethodId, PaymentMethod>,
        record: Record<CustomerId, PaymentMethodCommand>,
    ) -> Result<(), StreamsError> {
        let (Some(customer), Some(command)) = (record.key, record.value) else { return Ok(()) };
        let mut wallet = self.0.get(&customer)?.unwrap_or_default();
        let changed = wallet.take(&command);
        if changed.is_empty() {
            ctx.drop_record();
            return Ok(());
        }
        self.0.put(&customer, &wallet)?;
        for method in changed {
            ctx.forward(Record::new(method.payment_method_id, method, record.timestamp))?;
        }
        Ok(())
    }
}
