//! What one line of an order costs: the one place that knows, for who states it, who checks it and who sells it.

use crate::{Cop, CopOverflow, OrderItem};

impl OrderItem {
    /// (unit price + options) · quantity.
    ///
    /// # Errors
    /// If it is more than 64 bits of centavos can hold.
    pub fn price(&self) -> Result<Cop, CopOverflow> {
        let one =
            self.options.iter().try_fold(self.unit_price_centavos, |sum, option| sum.plus(option.price_centavos))?;
        one.times(self.quantity.into())
    }
}
