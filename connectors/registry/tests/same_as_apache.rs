//! Our codec and Apache's write the same bytes for every event of the contract.
#![allow(clippy::unwrap_used)]

use apache_avro::Schema;
use apache_avro::schema::{Name, NamesRef, ResolvedSchema};
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use comanda_registry::{AvroDeserializer, AvroSerializer, MemoryRegistry, SchemaRegistry};
use comanda_schemas::{
    DeliveryCommand, DeliveryEvent, DeliveryMetrics, DriverMessage, DriverState, EVENTS, EtaPredicted, LedgerPosted,
    Message, OrderCommand, OrderEvent, OrderView, PaymentCommand, PaymentEvent, PaymentMethod, PaymentMethodCommand,
    PopularItems, RestaurantCatalog,
};
use comanda_streams::serde::Serializer;
use std::sync::Arc;

/// Values of each event, among them every symbol of every enum.
const SAMPLES: usize = 40;

/// A value of `schema` whose numbers, lengths, symbols and variants follow from `nth`.
fn sample(schema: &Schema, name: &str, nth: usize, known: &NamesRef) -> Value {
    let number = i64::MAX >> (nth * 7 % 64);
    match schema {
        Schema::Boolean => Value::Boolean(nth.is_multiple_of(2)),
        Schema::Int => Value::Int((number as i32) ^ -(nth as i32 % 2)),
        Schema::Long => Value::Long(number ^ -(nth as i64 % 2)),
        Schema::TimestampMillis => Value::TimestampMillis(number),
        Schema::Double => Value::Double(nth as f64 / 7.0),
        Schema::Bytes => Value::Bytes(vec![nth as u8; nth * 5]),
        Schema::String if name.ends_with("_id") => {
            Value::String(format!("0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e{nth:02x}"))
        }
        Schema::String => Value::String("ñ".repeat(nth * 5)),
        Schema::Array(array) => {
            Value::Array((0..nth % 4).map(|more| sample(&array.items, name, nth + more, known)).collect())
        }
        Schema::Enum(symbols) => {
            let index = nth % symbols.symbols.len();
            Value::Enum(index as u32, symbols.symbols[index].clone())
        }
        Schema::Union(union) => {
            let index = nth % 2;
            let value = match &union.variants()[index] {
                Schema::Null => Value::Null,
                some => sample(some, name, nth, known),
            };
            Value::Union(index as u32, Box::new(value))
        }
        Schema::Record(record) => {
            let field = |(place, field): (usize, &apache_avro::schema::RecordField)| {
                (field.name.clone(), sample(&field.schema, &field.name, nth + place, known))
            };
            Value::Record(record.fields.iter().enumerate().map(field).collect())
        }
        Schema::Ref { name: reference } => sample(known[reference as &Name], name, nth, known),
        other => panic!("the contract has no {other:?}"),
    }
}

/// How many of its events were compared.
fn check<M: Message>() -> usize {
    let registry: Arc<dyn SchemaRegistry> = Arc::new(MemoryRegistry::default());
    let ours = AvroSerializer::<M>::new(registry.as_ref()).unwrap();
    let reader = AvroDeserializer::<M>::new(registry.clone());
    for event in M::EVENTS {
        let schema = Schema::parse_str(event.json).unwrap();
        let resolved = ResolvedSchema::try_from(&schema).unwrap();
        let id = registry.register(&event.subject(), event.json).unwrap();
        for nth in 0..SAMPLES {
            let mut written = [&[0], id.0.to_be_bytes().as_slice()].concat();
            let value = sample(&schema, "", nth, resolved.get_names());
            let writer = GenericDatumWriter::builder(&schema).build().unwrap();
            writer.write_value_ref(&mut written, &value).unwrap();
            let mut again = vec![];
            ours.serialize(event.topic, &reader.read(&written).unwrap(), &mut again).unwrap();
            assert_eq!(again, written, "{} from {value:?}", event.full_name);
        }
    }
    M::EVENTS.len()
}

#[test]
fn what_apaches_codec_wrote_is_read_and_written_again_byte_by_byte() {
    let compared = [
        check::<OrderCommand>(),
        check::<OrderEvent>(),
        check::<OrderView>(),
        check::<PaymentCommand>(),
        check::<PaymentEvent>(),
        check::<LedgerPosted>(),
        check::<PaymentMethodCommand>(),
        check::<PaymentMethod>(),
        check::<DeliveryCommand>(),
        check::<DeliveryEvent>(),
        check::<DriverMessage>(),
        check::<DriverState>(),
        check::<RestaurantCatalog>(),
        check::<EtaPredicted>(),
        check::<PopularItems>(),
        check::<DeliveryMetrics>(),
    ];
    assert_eq!(compared.into_iter().sum::<usize>(), EVENTS.len());
}
