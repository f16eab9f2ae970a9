//! Placing: what the catalogue allows is sold at its prices; everything else is refused with a reason.

use crate::messages::*;
use crate::order_driver::OrderRole;
use comanda_processors::order;
use comanda_schemas::*;
use comanda_streams::StreamsError;
use uuid::Uuid;

const HOUR_S: i64 = 3_600;

/// A small or a large one, and up to two extras: one is sold out.
fn catalog_with_options() -> RestaurantCatalog {
    let option = |number, name: &str, price| CatalogOption {
        option_id: option_id(number),
        name: name.to_owned(),
        price_centavos: Cop(price),
        available: number != 13,
    };
    let size = OptionGroup {
        name: "Size".to_owned(),
        min_choices: 1,
        max_choices: 1,
        options: vec![option(1, "small", 0), option(2, "large", 300_000)],
    };
    let extras = OptionGroup {
        name: "Extras".to_owned(),
        min_choices: 0,
        max_choices: 2,
        options: vec![
            option(11, "egg", 100_000),
            option(12, "avocado", 250_000),
            option(13, "cheese", 150_000),
            option(14, "coriander", 50_000),
        ],
    };
    let mut catalog = catalog();
    catalog.items[0].option_groups = vec![size, extras];
    catalog
}

fn option_id(number: u128) -> OptionId {
    OptionId(Uuid::from_u128(0x0009_0000 + number))
}

/// Two of dish 1 with these options (number, price), as an app states it.
fn with_options(options: &[(u128, i64)]) -> PlaceOrder {
    let option = |(number, price): &(u128, i64)| ItemOption {
        option_id: option_id(*number),
        name: "as the app calls it".to_owned(),
        price_centavos: Cop(*price),
    };
    changed(|order| {
        order.items.truncate(1);
        order.items[0].options = options.iter().map(option).collect();
    })
}

/// An order that was changed, with sums that are right again by its own prices.
fn changed(change: impl FnOnce(&mut PlaceOrder)) -> PlaceOrder {
    let mut order = place_order(1, 0);
    change(&mut order);
    let subtotal = order.items.iter().map(|item| item.price().unwrap().0).sum::<i64>();
    order.subtotal_centavos = Cop(subtotal);
    order.tax_centavos = Cop((subtotal * 8 + 50) / 100);
    let total = subtotal + order.tax_centavos.0 + order.delivery_fee_centavos.0 - order.discount_centavos.0;
    order.total_centavos = Cop(total);
    order
}

#[test]
fn what_is_sold_is_kept_with_the_catalogues_names_prices_and_place() {
    let mut role = OrderRole::new();
    let order = changed(|order| {
        order.items[0].name = "what an old app calls it".to_owned();
        order.zone = "elsewhere".to_owned();
        order.restaurant_cell = cell(9_000.0);
    });
    assert_eq!(role.send(order), ["OrderPlaced", "AuthorizePayment"]);
    let PaymentCommand::AuthorizePayment(asked) = &role.payments[0] else { panic!("{:?}", role.payments) };
    assert_eq!((asked.amount_centavos, asked.tax_centavos), (PRICE, Cop(280_000)));
    let view = role.view.clone().unwrap();
    assert_eq!((view.items[0].name.as_str(), view.zone.as_str()), ("dish 1", "zone-1"));
    assert_eq!((view.restaurant_cell, view.tax_centavos), (cell(0.0), Cop(280_000)));

    // A dearer menu comes too late for what was sold.
    let mut dearer = catalog();
    dearer.items[0].price_centavos = Cop(9_900_000);
    role.publish(dearer);
    role.send(authorized(1, 60));
    assert_eq!(role.view.unwrap().items[0].unit_price_centavos, Cop(1_500_000));
}

#[test]
fn options_add_to_the_price_of_one_and_are_kept_by_their_names() {
    let mut role = OrderRole::new();
    role.publish(catalog_with_options());
    assert_eq!(role.send(with_options(&[(12, 250_000), (2, 300_000)])), ["OrderPlaced", "AuthorizePayment"]);
    let view = role.view.unwrap();
    let names: Vec<&str> = view.items[0].options.iter().map(|option| option.name.as_str()).collect();
    assert_eq!((names, view.subtotal_centavos), (vec!["large", "avocado"], Cop(2 * 2_050_000)));
}

#[test]
fn options_that_the_item_does_not_allow_are_refused() {
    for (options, reason) in [
        (&[][..], "INVALID_OPTIONS: items[0]: of \"Size\" 1 to 1 are to be chosen, not 0"),
        (&[(1, 0), (2, 300_000)], "INVALID_OPTIONS: items[0]: of \"Size\" 1 to 1 are to be chosen, not 2"),
        (
            &[(1, 0), (11, 100_000), (12, 250_000), (14, 50_000)],
            "INVALID_OPTIONS: items[0]: of \"Extras\" 0 to 2 are to be chosen, not 3",
        ),
        (&[(1, 0), (1, 0)], "INVALID_OPTIONS: items[0]: an option is chosen twice"),
        (&[(1, 0), (99, 0)], "INVALID_OPTIONS: items[0]: an option is not one of this item's"),
        (&[(1, 0), (13, 150_000)], "ITEM_UNAVAILABLE: items[0]: an option is sold out"),
        (&[(2, 0)], "TOTAL_NOT_AS_EXPECTED: total_centavos: is 3610000, by the catalogue it is 4258000"),
    ] {
        let mut role = OrderRole::new();
        role.publish(catalog_with_options());
        assert_eq!(role.refusal_of(with_options(options)), reason);
    }
}

#[test]
fn an_order_that_the_catalogue_does_not_allow_is_refused_with_its_reason() {
    let elsewhere = RestaurantId(Uuid::from_u128(4));
    for (order, reason) in [
        (
            changed(|order| order.restaurant_id = elsewhere),
            "UNKNOWN_RESTAURANT: restaurant_id: there is no such restaurant",
        ),
        (changed(|order| order.items[1].item_id = item_id(9)), "UNKNOWN_ITEM: items[1]: is not on the menu"),
        (
            changed(|order| order.items[0].quantity = 100),
            "TOO_MANY_ITEMS: items: are 101 pieces, at most 100 are brought",
        ),
        (
            changed(|order| order.customer_cell = cell(5_400.0)),
            "OUT_OF_RANGE: customer_cell: lies farther away than the 5000 m that the restaurant delivers",
        ),
        (
            changed(|order| order.items[0].unit_price_centavos = Cop(1_400_000)),
            "TOTAL_NOT_AS_EXPECTED: total_centavos: is 3934000, by the catalogue it is 4150000",
        ),
        (
            changed(|order| order.scheduled_for = Some(at(-1))),
            "SCHEDULED_IN_THE_PAST: scheduled_for: lies before the order",
        ),
        (
            changed(|order| order.scheduled_for = Some(at(48 * HOUR_S + 1))),
            "SCHEDULED_TOO_FAR_AHEAD: scheduled_for: lies more than 48 hours ahead",
        ),
        (
            changed(|order| order.scheduled_for = Some(at(8 * HOUR_S))),
            "RESTAURANT_CLOSED: scheduled_for: the restaurant is closed then",
        ),
    ] {
        assert_eq!(OrderRole::new().refusal_of(order), reason);
    }
}

#[test]
fn a_sold_out_item_and_a_restaurant_that_takes_no_orders_are_refused() {
    let mut role = OrderRole::new();
    let mut sold_out = catalog();
    sold_out.items[1].available = false;
    role.publish(sold_out);
    assert_eq!(role.refusal_of(place_order(1, 0)), "ITEM_UNAVAILABLE: items[1]: is sold out");

    // The evening begins at 17:00.
    let closed = "RESTAURANT_CLOSED: the restaurant takes no orders now";
    for (number, open, opens, closes, taken) in [
        (2, false, 12, 24, false),
        (3, true, 18, 24, false),
        (4, true, 12, 17, false),
        (5, true, 17, 18, true),
        // The hours after midnight belong to the day before.
        (6, true, 20, 41, false),
        (7, true, 20, 42, true),
    ] {
        role.publish(RestaurantCatalog { open, opens_minute: opens * 60, closes_minute: closes * 60, ..catalog() });
        match taken {
            true => assert_eq!(role.send(place_order(number, 0))[0], "OrderPlaced", "{opens} {closes}"),
            false => assert_eq!(role.refusal_of(place_order(number, 0)), closed, "{opens} {closes}"),
        }
    }
}

#[test]
fn a_refused_order_is_refused_once_and_may_be_placed_again_once_the_restaurant_is_known() {
    let mut role = OrderRole::new();
    let elsewhere = RestaurantId(Uuid::from_u128(4));
    let order = || PlaceOrder { restaurant_id: elsewhere, ..place_order(1, 0) };
    let first = order();
    assert_eq!(role.send(first.clone()), ["rejected PlaceOrder UNKNOWN_RESTAURANT"]);
    assert!(role.view.is_none());
    let mut known = RestaurantCatalog { restaurant_id: elsewhere, ..catalog() };
    known.envelope.correlation_id = CorrelationId(elsewhere.0);
    role.publish(known);
    assert!(role.send(first).is_empty(), "who was told that it is refused is not charged for it later");
    assert_eq!(role.send(order()), ["OrderPlaced", "AuthorizePayment"]);
}

#[test]
fn a_refusal_is_remembered_for_a_day_by_the_order_it_is_about() {
    let mut role = OrderRole::new();
    let order = PlaceOrder { restaurant_id: RestaurantId(Uuid::from_u128(4)), ..place_order(1, 0) };
    role.send(order.clone());
    let (keys, values) = order::refusals_serde();
    let mut key = vec![];
    keys.serialize("refusals", &order_id(1), &mut key).unwrap();
    let remembered = |role: &mut OrderRole| {
        let bytes = role.driver.stores().key_value(order::ORDER_REFUSALS).unwrap().get(&key).unwrap();
        bytes.map(|bytes| values.deserialize("refusals", &bytes).unwrap())
    };
    let refused = remembered(&mut role).unwrap();
    assert_eq!(
        (refused.command, refused.reason, refused.detail.as_str()),
        (order.envelope.event_id, CommandRejectReason::UnknownRestaurant, "restaurant_id: there is no such restaurant")
    );
    role.send(place_order(2, 24 * HOUR_S + 2));
    role.send(authorized(2, 24 * HOUR_S + 5));
    assert_eq!(remembered(&mut role), None);
}

#[test]
fn a_catalogue_that_breaks_a_rule_is_left_out_and_the_former_one_counts() {
    let mut role = OrderRole::new();
    let mut free = catalog();
    free.items[0].price_centavos = Cop(-1);
    for (broken, reason) in [
        (free, "items[0].price_centavos: is -1, below nothing"),
        (
            RestaurantCatalog { tax_basis_points: 10_001, ..catalog() },
            "tax_basis_points: is 10001, not within 0 to 10000",
        ),
        (RestaurantCatalog { closes_minute: 11 * 60, ..catalog() }, "closes_minute: is 660, not within 720 to 2880"),
    ] {
        match role.offer(broken) {
            Err(StreamsError::SkipRecord(said)) => assert_eq!(said, reason),
            other => panic!("{reason}: {other:?}"),
        }
    }
    assert_eq!(role.send(place_order(1, 0)), ["OrderPlaced", "AuthorizePayment"]);
}
