//! The body of a request for an order, and the command made of it.

use super::values;
use crate::fields::{Object, read_object};
use crate::problem::Problem;
use comanda_schemas::{
    Cop, CopOverflow, CustomerId, Envelope, EventId, EventTime, ItemOption, OrderId, OrderItem, PaymentMethodId,
    PlaceOrder, RestaurantId, Sealed,
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// Lines of one order, at most.
const MAX_ITEMS: usize = 100;
/// Options of one line, at most.
const MAX_OPTIONS: usize = 20;
/// Longest name of an item or an option.
const MAX_NAME_CHARS: usize = 200;
/// Longest name of a key.
const MAX_KEY_ID_CHARS: usize = 100;
/// The command's writer, by the contract.
const PRODUCER: &str = "edge";
/// Namespace of order ids that follow from a customer and an idempotency key.
const KEYED: Uuid = Uuid::from_u128(0x2d1c_7a80_4b9e_4e5f_8f3a_90c1_6e2b_d7a4);

/// A request for an order; every field keeps its rules.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct NewOrder {
    pub customer_id: CustomerId,
    restaurant_id: RestaurantId,
    zone: String,
    restaurant_cell: String,
    customer_cell: String,
    items: Vec<OrderItem>,
    subtotal_centavos: Cop,
    delivery_fee_centavos: Cop,
    tax_centavos: Cop,
    discount_centavos: Cop,
    total_centavos: Cop,
    payment_method_id: PaymentMethodId,
    delivery_address: Sealed,
    scheduled_for: Option<EventTime>,
    promised_at: Option<EventTime>,
}

/// Identities of an order and of the command that places it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub order: OrderId,
    pub command: EventId,
}

impl NewOrder {
    /// Reads a body.
    pub fn read(body: Value) -> Result<Self, Problem> {
        read_object(body, read).map_err(Problem::invalid)
    }

    /// New identities, or with an idempotency key those that follow: the order's from customer and key, the command's
    /// from the order and all that is ordered. So the same request is the same message, which the order role takes once.
    pub fn ids(&self, idempotency_key: Option<&str>) -> Ids {
        let Some(key) = idempotency_key else {
            return Ids { order: OrderId(Uuid::now_v7()), command: EventId(Uuid::now_v7()) };
        };
        let order = Uuid::new_v5(&KEYED, &[self.customer_id.0.as_bytes(), key.as_bytes()].concat());
        let content = serde_json::to_vec(self).expect("a struct of texts and numbers is always JSON");
        Ids { order: OrderId(order), command: EventId(Uuid::new_v5(&order, &content)) }
    }

    /// The command.
    pub fn command(self, ids: Ids, now: EventTime) -> PlaceOrder {
        PlaceOrder {
            envelope: Envelope::first(ids.command, now, ids.order, PRODUCER),
            order_id: ids.order,
            customer_id: self.customer_id,
            restaurant_id: self.restaurant_id,
            zone: self.zone,
            restaurant_cell: self.restaurant_cell,
            customer_cell: self.customer_cell,
            items: self.items,
            subtotal_centavos: self.subtotal_centavos,
            delivery_fee_centavos: self.delivery_fee_centavos,
            tax_centavos: self.tax_centavos,
            discount_centavos: self.discount_centavos,
            total_centavos: self.total_centavos,
            payment_method_id: self.payment_method_id,
            delivery_address: self.delivery_address,
            placed_at: now,
            scheduled_for: self.scheduled_for,
            promised_at: self.promised_at,
        }
    }
}

fn read(body: &mut Object) -> Option<NewOrder> {
    let customer_id = body.required("customer_id", values::id);
    let restaurant_id = body.required("restaurant_id", values::id);
    let zone = body.required("zone", values::zone);
    let restaurant_cell = body.required("restaurant_cell", values::cell);
    let customer_cell = body.required("customer_cell", values::cell);
    let payment_method_id = body.required("payment_method_id", values::id);
    let delivery_address = body.object("delivery_address", read_sealed);
    let scheduled_for = body.optional("scheduled_for", values::time);
    let promised_at = body.optional("promised_at", values::time);
    let price = read_price(body);
    let (price, items) = price?;
    Some(NewOrder {
        customer_id: customer_id?,
        restaurant_id: restaurant_id?,
        zone: zone?,
        restaurant_cell: restaurant_cell?,
        customer_cell: customer_cell?,
        items,
        subtotal_centavos: price.subtotal,
        delivery_fee_centavos: price.delivery_fee,
        tax_centavos: price.tax,
        discount_centavos: price.discount,
        total_centavos: price.total,
        payment_method_id: payment_method_id?,
        delivery_address: delivery_address?,
        scheduled_for: scheduled_for?,
        promised_at: promised_at?,
    })
}

fn read_item(item: &mut Object) -> Option<OrderItem> {
    let item_id = item.required("item_id", values::id);
    let name = item.required("name", values::text(MAX_NAME_CHARS));
    let quantity = item.required("quantity", values::quantity);
    let unit_price_centavos = item.required("unit_price_centavos", values::centavos);
    let options = item.optional_list("options", MAX_OPTIONS, read_option);
    Some(OrderItem {
        item_id: item_id?,
        name: name?,
        quantity: quantity?,
        unit_price_centavos: unit_price_centavos?,
        options: options?,
    })
}

fn read_option(option: &mut Object) -> Option<ItemOption> {
    let option_id = option.required("option_id", values::id);
    let name = option.required("name", values::text(MAX_NAME_CHARS));
    let price_centavos = option.required("price_centavos", values::centavos);
    Some(ItemOption { option_id: option_id?, name: name?, price_centavos: price_centavos? })
}

fn read_sealed(sealed: &mut Object) -> Option<Sealed> {
    let key_id = sealed.required("key_id", values::text(MAX_KEY_ID_CHARS));
    let bytes = sealed.required("bytes", values::sealed_bytes);
    Some(Sealed { key_id: key_id?, bytes: bytes?.into() })
}

struct Price {
    subtotal: Cop,
    delivery_fee: Cop,
    tax: Cop,
    discount: Cop,
    total: Cop,
}

/// Items and amounts; sums are made here. A total that the caller states is what the customer has agreed to: it must be
/// the same.
fn read_price(body: &mut Object) -> Option<(Price, Vec<OrderItem>)> {
    let items = body.list("items", MAX_ITEMS, read_item);
    let delivery_fee = body.required("delivery_fee_centavos", values::centavos);
    let tax = body.required("tax_centavos", values::centavos);
    let discount = body.optional("discount_centavos", values::centavos);
    let stated = body.optional("total_centavos", values::centavos);
    let (items, discount) = (items?, discount?.unwrap_or(Cop::ZERO));
    let Ok(price) = sum(&items, delivery_fee?, tax?, discount) else {
        body.fault("items", "cost more than can be counted");
        return None;
    };
    if price.total.is_negative() {
        body.fault("discount_centavos", "is more than everything else together");
        return None;
    }
    if stated?.is_some_and(|stated| stated != price.total) {
        body.fault("total_centavos", &format!("is not the sum of the parts, {}", price.total.centavos()));
        return None;
    }
    Some((price, items))
}

fn sum(items: &[OrderItem], delivery_fee: Cop, tax: Cop, discount: Cop) -> Result<Price, CopOverflow> {
    let subtotal = items.iter().try_fold(Cop::ZERO, |sum, item| sum.plus(item.price()?))?;
    let total = subtotal.plus(delivery_fee)?.plus(tax)?.minus(discount)?;
    Ok(Price { subtotal, delivery_fee, tax, discount, total })
}
