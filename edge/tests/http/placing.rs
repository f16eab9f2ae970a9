//! `POST /api/v1/orders`.

use crate::doubles::{Mood, NOW_MS, order_body, town};
use comanda_edge::AppendError;
use comanda_schemas::{Cop, EventTime};
use serde_json::{Value, json};

#[tokio::test]
async fn an_order_that_the_order_role_takes_in_is_created_and_lies_at_its_location() {
    let (client, town) = town();
    let reply = client.post(order_body().to_string()).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let order = town.log()[0].clone();
    assert_eq!(reply.header("location"), Some(format!("/api/v1/orders/{}", order.order_id).as_str()));
    assert_eq!(reply.json(), client.get(reply.header("location").unwrap()).await.json());
    let body = reply.json();
    assert_eq!((&body["status"], &body["total_centavos"]), (&json!("pending"), &json!(7_080_000)));
    assert_eq!(body["order_id"], order.order_id.to_string());
    assert_eq!(body["promised_at"], "2024-03-30T19:00:00Z");
    assert!(!reply.text.contains("address"), "personal data goes in and not out");
}

#[tokio::test]
async fn the_command_holds_what_was_asked_for_and_the_sums_and_the_town_s_time() {
    let (client, town) = town();
    let mut body = order_body();
    body.as_object_mut().unwrap().retain(|name, _| name != "total_centavos");
    client.post(body.to_string()).await;
    let [place] = <[_; 1]>::try_from(town.log()).unwrap();
    assert_eq!((place.envelope.producer.as_str(), place.envelope.correlation_id), ("edge", place.order_id.into()));
    assert_eq!((place.envelope.occurred_at, place.placed_at), (EventTime(NOW_MS), EventTime(NOW_MS)));
    assert_eq!((place.subtotal_centavos, place.total_centavos), (Cop(6_470_000), Cop(7_080_000)));
    assert_eq!((place.items[0].quantity, place.items[1].name.as_str()), (2, "Jugo de lulo"));
    assert_eq!(place.delivery_address.bytes.to_vec(), (0..32).collect::<Vec<u8>>());
    assert_eq!(place.promised_at, Some(EventTime(1_711_825_200_000)));
}

#[tokio::test]
async fn an_order_that_is_not_taken_in_in_time_is_accepted_and_its_location_waits_for_it() {
    let (client, town) = town();
    town.set(Mood::Asleep);
    let reply = client.post(order_body().to_string()).await;
    assert_eq!(reply.status, 202);
    let order = town.log()[0].order_id;
    let location = reply.header("location").unwrap();
    assert_eq!(
        (location, reply.json()),
        (format!("/api/v1/orders/{order}?after=0").as_str(), json!({ "order_id": order }))
    );
    assert_eq!(client.get(location).await.problem().1, "urn:problem-type:comanda:behind");
    town.set(Mood::Working);
    assert_eq!(client.get(location).await.json()["status"], "pending");
}

#[tokio::test]
async fn an_order_whose_state_is_elsewhere_or_cannot_be_read_is_written_all_the_same() {
    for mood in [Mood::Elsewhere(Some("10.0.0.7:8080".to_owned())), Mood::QueriesFail { retriable: false }] {
        let (client, town) = town();
        town.set(mood.clone());
        let reply = client.post(order_body().to_string()).await;
        let location = format!("/api/v1/orders/{}?after=0", town.log()[0].order_id);
        assert_eq!((reply.status.as_u16(), reply.header("location")), (202, Some(location.as_str())), "{mood:?}");
    }
}

#[tokio::test]
async fn the_same_request_under_the_same_key_is_one_order() {
    let (client, town) = town();
    let first = client.post_with_key("cart-7", &order_body()).await;
    let again = client.post_with_key("cart-7", &order_body()).await;
    assert_eq!((first.status, again.status), (201.try_into().unwrap(), 201.try_into().unwrap()));
    assert_eq!(first.json(), again.json());
    let log = town.log();
    assert_eq!(log[0].envelope.event_id, log[1].envelope.event_id, "the same message, which the order role takes once");
}

#[tokio::test]
async fn another_request_under_the_same_key_is_a_conflict_that_names_the_order() {
    let (client, town) = town();
    client.post_with_key("cart-7", &order_body()).await;
    let mut other = order_body();
    other["promised_at"] = json!("2024-03-30T20:00:00Z");
    let (status, kind, problem) = client.post_with_key("cart-7", &other).await.problem();
    assert_eq!((status, kind.as_str()), (409, "urn:problem-type:comanda:key-used"));
    assert_eq!(problem["errors"][0]["field"], "Idempotency-Key");
    assert_eq!(problem["instance"], format!("/api/v1/orders/{}", town.log()[0].order_id));
}

#[tokio::test]
async fn a_key_belongs_to_its_customer_and_without_one_every_request_is_another_order() {
    let (client, town) = town();
    let mut other = order_body();
    other["customer_id"] = json!("3b1f7c1e-5a0d-4b6e-9a51-0e2f4d8c7a11");
    client.post_with_key("cart-7", &order_body()).await;
    client.post_with_key("cart-7", &other).await;
    client.post(order_body().to_string()).await;
    client.post(order_body().to_string()).await;
    let mut orders: Vec<_> = town.log().iter().map(|place| place.order_id).collect();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), 4);
}

#[tokio::test]
async fn an_order_that_is_taken_in_and_not_placed_is_refused() {
    let (client, town) = town();
    town.set(Mood::Refusing);
    let (status, kind, _) = client.post(order_body().to_string()).await.problem();
    assert_eq!((status, kind.as_str()), (422, "urn:problem-type:comanda:refused"));
}

#[tokio::test]
async fn an_order_that_the_catalogue_does_not_allow_says_why_at_once_and_at_its_location() {
    let (client, town) = town();
    town.set(Mood::SoldOut);
    let (status, kind, problem) = client.post(order_body().to_string()).await.problem();
    assert_eq!((status, kind.as_str()), (422, "urn:problem-type:comanda:refused"));
    assert_eq!((&problem["reason"], &problem["detail"]), (&"ITEM_UNAVAILABLE".into(), &"items[0]: is sold out".into()));
    let path = format!("/api/v1/orders/{}", town.log()[0].order_id);
    let (status, _, shown) = client.get(&path).await.problem();
    assert_eq!((status, &shown["reason"]), (422, &"ITEM_UNAVAILABLE".into()));
}

#[tokio::test]
async fn options_are_part_of_the_price_and_of_what_is_ordered() {
    let (client, town) = town();
    let mut body = order_body();
    let option = "c0ffee00-0000-4000-8000-000000000001";
    body["items"][0]["options"] = json!([{ "option_id": option, "name": "with avocado", "price_centavos": 100_000 }]);
    body["total_centavos"] = json!(7_280_000);
    assert_eq!(client.post(body.to_string()).await.status, 201);
    assert_eq!(town.log()[0].items[0].options[0].option_id.to_string(), option);
    assert_eq!(town.log()[0].subtotal_centavos, Cop(6_670_000));
}

#[tokio::test]
async fn a_command_that_kafka_does_not_take_is_unavailable_and_says_whether_it_may_be_there() {
    let away = || "broker 10.0.0.9 is away".to_owned();
    let cases = [
        (Mood::AppendsFail(AppendError::NotWritten(away())), "the order was not placed", false),
        (Mood::AppendsFail(AppendError::OutcomeUnknown(away())), "is not known", true),
        (Mood::AppendsHang, "is not known", true),
    ];
    for (mood, said, may_be_there) in cases {
        let (client, town) = town();
        town.set(mood);
        let reply = client.post(order_body().to_string()).await;
        let (status, kind, problem) = reply.problem();
        assert_eq!((status, kind.as_str()), (503, "urn:problem-type:comanda:unavailable"));
        assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
        assert_eq!(problem["instance"].as_str().is_some_and(|path| path.starts_with("/api/v1/orders/")), may_be_there);
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(!reply.text.contains("10.0.0.9"));
    }
}

#[tokio::test]
async fn the_readme_s_order_is_a_good_one() {
    let (_, example) = include_str!("../../README.md").split_once("-d '").unwrap();
    let (body, _) = example.split_once('\'').unwrap();
    let (client, _) = town();
    assert_eq!(client.post(body).await.status, 201);
}

/// The good order with one field changed: what is said about it.
async fn faults_with(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let (client, town) = town();
    let mut body = order_body();
    change(&mut body);
    let faults = client.post(body.to_string()).await.faults();
    assert!(town.log().is_empty(), "nothing is written");
    faults
}

#[tokio::test]
async fn every_field_has_its_rule() {
    const UUID: &str = "is not a UUID of 36 lower-case characters";
    const CELL: &str = "is not an H3 cell of resolution 9, as 15 hexadecimal digits";
    const ZONE: &str = "is not a short name of lower-case letters, digits and hyphens";
    let cases = [
        ("/customer_id", json!("3B1F7C1E-5A0D-4B6E-9A51-0E2F4D8C7A10"), UUID),
        ("/restaurant_id", json!("one"), UUID),
        ("/restaurant_id", json!(1), "is not a text"),
        ("/payment_method_id", json!(""), UUID),
        ("/zone", json!(""), ZONE),
        ("/zone", json!("Chapinero"), ZONE),
        ("/zone", json!("a".repeat(65)), ZONE),
        ("/zone", json!("all"), "all is no zone's name"),
        ("/restaurant_cell", json!("8966e42d20"), CELL),
        ("/customer_cell", json!("8866e42d21fffff"), CELL),
        ("/items", json!({}), "is not a list"),
        ("/items", json!([]), "is empty"),
        ("/items", json!(vec![json!({}); 101]), "has more than 100 entries"),
        ("/items/0/item_id", json!("x"), UUID),
        ("/items/0/name", json!(""), "is empty"),
        ("/items/0/name", json!("a\u{0}b"), "has control characters"),
        ("/items/0/name", json!("ñ".repeat(201)), "has more than 200 characters"),
        ("/items/1/quantity", json!(0), "is less than 1"),
        ("/items/1/quantity", json!(1.5), "is not a whole number"),
        ("/items/1/quantity", json!(1_i64 << 31), "is out of range"),
        ("/items/1/unit_price_centavos", json!(-1), "is negative"),
        ("/items/1/unit_price_centavos", json!(1e30), "is not a whole number of centavos"),
        ("/delivery_fee_centavos", json!(-1), "is negative"),
        ("/tax_centavos", json!("1"), "is not a whole number of centavos"),
        ("/discount_centavos", json!(-5), "is negative"),
        ("/discount_centavos", json!(99_000_000), "is more than everything else together"),
        ("/total_centavos", json!(7_080_001), "is not the sum of the parts, 7080000"),
        ("/delivery_address", json!("Calle 26 # 13-19"), "is not an object"),
        ("/delivery_address/key_id", json!(""), "is empty"),
        ("/delivery_address/bytes", json!("?"), "is not base64"),
        ("/delivery_address/bytes", json!("AAAA"), "is shorter than nonce and tag, 28 bytes"),
        ("/promised_at", json!("tomorrow"), "is not a time like 2026-11-24T19:30:00Z"),
    ];
    for (pointer, value, reason) in cases {
        let path = pointer[1..].replace("/0", "[0]").replace("/1", "[1]").replace('/', ".");
        let faults = faults_with(|body| *body.pointer_mut(pointer).unwrap() = value.clone()).await;
        assert_eq!(faults, [format!("{path}: {reason}")], "{pointer} = {value}");
    }
}

#[tokio::test]
async fn every_required_field_is_missed_by_name_and_all_at_once() {
    let (client, _) = town();
    let missing = [
        "customer_id",
        "restaurant_id",
        "zone",
        "restaurant_cell",
        "customer_cell",
        "payment_method_id",
        "delivery_address",
        "items",
        "delivery_fee_centavos",
        "tax_centavos",
    ];
    assert_eq!(client.post("{}").await.faults(), missing.map(|name| format!("{name}: is missing")));
}

#[tokio::test]
async fn fields_that_do_not_exist_are_named_with_their_path() {
    let faults = faults_with(|body| {
        body["items"][1]["nmae"] = json!("Jugo");
        body["costumer_id"] = json!("x");
    });
    assert_eq!(
        faults.await,
        ["items[1].nmae: is not a field of this object", "costumer_id: is not a field of this object"]
    );
}

#[tokio::test]
async fn sums_that_do_not_fit_are_a_fault_and_no_overflow() {
    let faults = faults_with(|body| {
        body["items"][0]["quantity"] = json!(i32::MAX);
        body["items"][0]["unit_price_centavos"] = json!(i64::MAX);
    });
    assert_eq!(faults.await, ["items: cost more than can be counted"]);
}

#[tokio::test]
async fn an_idempotency_key_is_of_1_to_128_visible_characters() {
    let (client, _) = town();
    for key in ["", "two words", &"k".repeat(129)] {
        let reply = client.post_with_key(key, &order_body()).await;
        assert_eq!(reply.faults(), ["Idempotency-Key: is not of 1 to 128 visible ASCII characters"], "{key:?}");
    }
    assert_eq!(client.post_with_key(&"k".repeat(128), &order_body()).await.status, 201);
}
