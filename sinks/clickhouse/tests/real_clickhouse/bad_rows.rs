//! Records that no table takes: to the dead-letter topic, with the reason, and their neighbours into the table.

use crate::fixture::{World, order};
use comanda_registry::avro_serde;
use comanda_schemas::{Cop, OrderEvent};
use comanda_streams::broker::RawRecord;

fn bytes(world: &World, event: &OrderEvent) -> Vec<u8> {
    let registry = world.registry();
    let mut bytes = vec![];
    avro_serde::<OrderEvent>(&registry).unwrap().serialize(&world.topic, event, &mut bytes).unwrap();
    bytes
}

/// An event of a type that no build knows, without the order that it is about.
fn without_order(world: &World) -> Vec<u8> {
    let schema = r#"{ "type": "record", "name": "OrderForgotten", "namespace": "comanda.order", "fields": [
        { "name": "occurred_at", "type": { "type": "long", "logicalType": "timestamp-millis" } },
        { "name": "event_id", "type": "string" }, { "name": "correlation_id", "type": "string" },
        { "name": "producer", "type": "string" } ] }"#;
    let id = world.registry().register(&format!("{}-comanda.order.OrderForgotten", world.topic), schema).unwrap();
    let text = |text: &str| [&[text.len() as u8 * 2], text.as_bytes()].concat();
    let uuid = text("0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10");
    let head = [&[0], &id.0.to_be_bytes()[..], &[0]].concat();
    [head, uuid.clone(), uuid, text("x")].concat()
}

fn reason(letter: &RawRecord) -> String {
    String::from_utf8(letter.headers.last("__streams.errors.message").unwrap().to_vec()).unwrap()
}

#[test]
fn a_record_that_no_column_takes_is_dead_lettered_with_the_column_and_its_neighbours_are_inserted() {
    let world = World::new();
    let OrderEvent::OrderDelivered(mut rich) = order(3) else { panic!("a delivered order") };
    rich.total_centavos = Cop(1_000_000_000_000_000_000);
    let good = |number| bytes(&world, &order(number));
    let bad =
        [bytes(&world, &rich.into()), without_order(&world), b"hello".to_vec(), vec![0, 0x7f, 0xff, 0xff, 0xf0, 1]];
    let records = [good(0), bad[0].clone(), good(1), bad[1].clone(), good(2), bad[2].clone(), bad[3].clone(), good(4)];
    world.produce_raw(records.into_iter().map(|bytes| (0, bytes)));
    let sink = world.start();
    world.expect_rows(4);
    let letters = world.dead_letters(4);
    let values: Vec<_> = letters.iter().map(|letter| letter.value.clone().unwrap().to_vec()).collect();
    assert_eq!(values, bad);
    let reasons: Vec<_> = letters.iter().map(reason).collect();
    assert_eq!(reasons[0], "column total: 1000000000000000000 has more digits than Decimal(18, 2) holds");
    assert_eq!(reasons[1], "column order_id: is null or missing and the column takes no null");
    assert!(reasons[2].starts_with("not Avro in Confluent's wire format"), "{}", reasons[2]);
    assert_eq!(reasons[3], "schema id 2147483632 is not in the registry");
    assert_eq!(letters[0].headers.last("__streams.errors.offset"), Some(&b"1"[..]));
    assert_eq!(letters[0].headers.last("__streams.errors.topic"), Some(world.topic.as_bytes()));
    sink.stop().unwrap();
    let committed = world.committed()[0].clone().unwrap();
    assert!(committed.offset >= 8 && committed.metadata.ends_with(" -"), "{committed:?}");
    assert_eq!(world.dead_letters(4).len(), 4);
}

#[test]
fn a_row_that_only_clickhouse_refuses_is_found_among_the_others() {
    let world = World::new();
    let constraint =
        "ALTER TABLE order_events ADD CONSTRAINT odd CHECK order_id != toUUID('00000000-0000-0000-0000-000000000064')";
    world.client().execute(constraint).unwrap();
    world.produce(0..300);
    let sink = world.start();
    world.expect_rows(299);
    let letters = world.dead_letters(1);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].value.clone().unwrap().to_vec(), bytes(&world, &order(99)));
    assert!(reason(&letters[0]).contains("VIOLATED_CONSTRAINT"), "{}", reason(&letters[0]));
    sink.stop().unwrap();
    world.expect_each_once(299);
}
