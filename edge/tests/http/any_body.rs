//! Whatever is sent: an answer, never a panic, and an order only for a good body.

use crate::doubles::{order_body, town};
use proptest::prelude::*;
use serde_json::Value;

/// Some JSON, favouring what sits on the edges of types.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(Value::from("9999-12-31T23:59:60.999999999Z")),
        Just(Value::from(i64::MIN)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,10}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

const POINTERS: [&str; 16] = [
    "/customer_id",
    "/restaurant_id",
    "/zone",
    "/restaurant_cell",
    "/customer_cell",
    "/items",
    "/items/0",
    "/items/1/name",
    "/items/1/quantity",
    "/items/0/unit_price_centavos",
    "/delivery_fee_centavos",
    "/discount_centavos",
    "/total_centavos",
    "/delivery_address",
    "/delivery_address/bytes",
    "/promised_at",
];

/// Nothing like an order, an order with some fields exchanged, an order cut off or with bytes exchanged.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let exchanged = prop::collection::vec((prop::sample::select(&POINTERS[..]), json()), 1..4).prop_map(|changes| {
        let mut body = order_body();
        for (pointer, value) in changes {
            if let Some(place) = body.pointer_mut(pointer) {
                *place = value;
            }
        }
        body.to_string().into_bytes()
    });
    let broken =
        (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(end, at, byte)| {
            let mut body = order_body().to_string().into_bytes();
            let at = at.index(body.len());
            body[at] = byte;
            body.truncate(end.index(body.len()) + 1);
            body
        });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        json().prop_map(|value| value.to_string().into_bytes()),
        exchanged,
        broken,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_gets_an_answer_and_only_a_written_one_a_location(body in body()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, town) = town();
            let reply = client.post(body).await;
            let status = reply.status.as_u16();
            if status == 201 {
                prop_assert_eq!(town.log().len(), 1);
            } else {
                prop_assert!(status == 400 || status == 422, "{:?}", reply);
                prop_assert_eq!(reply.problem().0, status);
                prop_assert!(town.log().is_empty());
            }
            Ok(())
        })?;
    }
}
