//! Bad input lands in the dead-letter topic with the field named, and leaves its neighbours alone.

use crate::messages::*;
use crate::order_driver::OrderRole;
use comanda_processors::id_keys;
use comanda_schemas::*;
use comanda_streams::Record;
use comanda_streams::broker::RawRecord;

/// Pipes a command under a key, well or badly; what the dead letter says.
fn dead_letter_of(key: Option<OrderId>, command: impl Into<OrderCommand>) -> Vec<String> {
    let mut role = OrderRole::new();
    let input = role.driver.input_topic("order.commands", id_keys::<OrderId>(), role.serdes.order_commands.clone());
    let record = Record::new(key, command.into(), at(0).millis());
    input.pipe_record(&mut role.driver, record).unwrap();
    dead_letters(&mut role)
}

fn dead_letters(role: &mut OrderRole) -> Vec<String> {
    let letters = role.driver.take_output("order.commands.dead-letter");
    let reason = |letter: RawRecord| {
        String::from_utf8(letter.headers.last("__streams.errors.message").unwrap().to_vec()).unwrap()
    };
    let reasons = letters.into_iter().map(reason).collect();
    let (driver, serdes) = (&mut role.driver, &role.serdes);
    let events = driver.output_topic("order.events", id_keys::<OrderId>(), serdes.order_events.clone());
    assert!(events.read(driver).unwrap().is_empty(), "a bad record does nothing else");
    reasons
}

#[test]
fn an_order_that_breaks_a_rule_is_dead_lettered_with_its_field() {
    let order = || place_order(1, 0);
    let with = |change: fn(&mut PlaceOrder)| {
        let mut place = order();
        change(&mut place);
        place
    };
    for (bad, reason) in [
        (with(|o| o.items.clear()), "items: is empty"),
        (with(|o| o.items[1].quantity = 0), "items[1].quantity: is 0, at least 1 is needed"),
        (with(|o| o.items[0].unit_price_centavos = Cop(-1)), "items[0].unit_price_centavos: is -1, below nothing"),
        (with(|o| o.total_centavos = Cop(-4_150_000)), "total_centavos: is -4150000, below nothing"),
        (with(|o| o.discount_centavos = Cop(-5)), "discount_centavos: is -5, below nothing"),
        (
            with(|o| o.subtotal_centavos = Cop(3_500_001)),
            "subtotal_centavos: is 3500001, but the parts sum up to 3500000",
        ),
        (with(|o| o.total_centavos = Cop(1)), "total_centavos: is 1, but the parts sum up to 4150000"),
        (with(|o| o.zone = String::new()), "zone: is empty"),
        (with(|o| o.zone = "all".to_owned()), "zone: all is no zone's name"),
        (
            with(|o| o.zone = "Zona Rosa".to_owned()),
            "zone: is not a short name of lower-case letters, digits and hyphens",
        ),
    ] {
        assert_eq!(dead_letter_of(Some(order_id(1)), bad), [reason]);
    }
}

#[test]
fn a_cell_is_of_resolution_9_and_written_as_the_contract_says_and_what_stands_there_is_not_quoted() {
    let fine = h3o::LatLng::new(4.65, -74.06).unwrap();
    let exact = fine.to_cell(h3o::Resolution::Fifteen).to_string();
    let coarse = fine.to_cell(h3o::Resolution::Eight).to_string();
    for bad in ["Calle 26 #13-19".to_owned(), exact, coarse, cell(0.0).to_uppercase()] {
        let place = PlaceOrder { customer_cell: bad, ..place_order(1, 0) };
        let reason = "customer_cell: is not an H3 cell of resolution 9, as 15 hexadecimal digits";
        assert_eq!(dead_letter_of(Some(order_id(1)), place), [reason]);
    }
}

#[test]
fn an_order_too_large_for_a_record_is_dead_lettered() {
    let with = |change: fn(&mut PlaceOrder)| {
        let mut place = place_order(1, 0);
        change(&mut place);
        place
    };
    for (bad, reason) in [
        (with(|o| o.items = vec![o.items[0].clone(); 101]), "items: has more than 100 lines"),
        (with(|o| o.items[1].name = "é".repeat(201)), "items[1].name: has more than 200 characters"),
        (
            with(|o| o.delivery_address.key_id = "k".repeat(101)),
            "delivery_address.key_id: has more than 100 characters",
        ),
        (
            with(|o| o.delivery_address.bytes = vec![0; (48 << 10) + 1].into()),
            "delivery_address.bytes: are more than 49152",
        ),
        (with(|o| o.envelope.producer = "p".repeat(101)), "producer: has more than 100 characters"),
    ] {
        assert_eq!(dead_letter_of(Some(order_id(1)), bad), [reason]);
    }
}

#[test]
fn a_time_that_cannot_be_is_dead_lettered_with_its_field() {
    const YEAR_2100: EventTime = EventTime(4_102_444_800_000);
    let with = |change: fn(&mut PlaceOrder)| {
        let mut place = place_order(1, 0);
        change(&mut place);
        place
    };
    for (bad, reason) in [
        (with(|o| o.envelope.occurred_at = EventTime(-1)), "occurred_at: lies before 1970"),
        (
            with(|o| o.envelope.occurred_at = YEAR_2100),
            "occurred_at: lies more than an hour after the record's timestamp",
        ),
        (
            with(|o| o.envelope.occurred_at = at(-8 * 24 * 3_600)),
            "occurred_at: lies more than a week before the record's timestamp",
        ),
        (with(|o| o.scheduled_for = Some(YEAR_2100)), "scheduled_for: lies more than 30 days after occurred_at"),
        (with(|o| o.promised_at = Some(EventTime(-1))), "promised_at: lies before 1970"),
    ] {
        assert_eq!(dead_letter_of(Some(order_id(1)), bad), [reason]);
    }
    let never = AcceptOrder { estimated_ready_at: Some(YEAR_2100), ..accept(1, 0) };
    let reason = "estimated_ready_at: lies more than 30 days after occurred_at";
    assert_eq!(dead_letter_of(Some(order_id(1)), never), [reason]);
}

#[test]
fn a_sum_that_does_not_fit_is_a_broken_rule_not_a_crash() {
    let mut place = place_order(1, 0);
    place.items[0].unit_price_centavos = Cop(i64::MAX);
    let letters = dead_letter_of(Some(order_id(1)), place);
    assert_eq!(letters, ["subtotal_centavos: an amount of money is too large"]);
}

#[test]
fn a_record_without_a_key_or_under_another_orders_key_is_dead_lettered() {
    assert_eq!(dead_letter_of(None, place_order(1, 0)), ["key: is null"]);
    let reason = "key: is not the id that the value is about";
    assert_eq!(dead_letter_of(Some(order_id(2)), place_order(1, 0)), [reason]);
}

#[test]
fn bytes_that_are_no_event_are_dead_lettered_and_the_next_order_is_taken() {
    let mut role = OrderRole::new();
    for value in [&b"{\"order\":\"two arepas\"}"[..], &[0, 0x7f, 0xff, 0xff, 0xf0, 1, 2]] {
        let key = Some(order_id(1).to_string().into_bytes().into());
        let record =
            RawRecord { timestamp: at(0).millis(), key, value: Some(value.to_vec().into()), ..RawRecord::default() };
        role.driver.pipe("order.commands", record).unwrap();
    }
    assert_eq!(dead_letters(&mut role).len(), 2);
    assert_eq!(role.send(place_order(1, 1)), ["OrderPlaced", "AuthorizePayment"]);
}

#[test]
fn a_key_that_is_no_id_is_dead_lettered() {
    let mut role = OrderRole::new();
    let key = Some(b"ana@example.com".to_vec().into());
    let record = RawRecord { timestamp: at(0).millis(), key, ..RawRecord::default() };
    role.driver.pipe("order.commands", record).unwrap();
    let letters = dead_letters(&mut role);
    assert_eq!(letters, ["key: is not a UUID of 36 lower-case characters"], "what stands there is not quoted");
}

#[test]
fn a_payment_of_a_negative_amount_is_dead_lettered_and_the_account_stays() {
    let mut role = OrderRole::new();
    role.send(place_order(1, 0));
    assert_eq!(role.send(PaymentAuthorized { amount_centavos: Cop(-1), ..authorized(1, 3) }), [] as [&str; 0]);
    let letters = role.driver.take_output("payment.events.dead-letter");
    assert_eq!(
        letters[0].headers.last("__streams.errors.message"),
        Some(&b"amount_centavos: is -1, below nothing"[..])
    );
    assert_eq!(role.view.unwrap().payment_status, PaymentStatus::Pending);
}
