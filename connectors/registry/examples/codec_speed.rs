//! How long our codec and Apache's take for a small and a middling event: the figures of ADR 0004.

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Schema, from_value};
use comanda_registry::avro::{self, AvroSchema};
use comanda_schemas::{DriverPing, Envelope, Event, EventId, EventTime, OrderDelivered, OrderId};
use serde_json::json;
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 200_000;
const ID: &str = "0b9fa8f2-6f0f-4f6d-8a55-1d4c7d1f8e10";

fn main() -> Result<(), Box<dyn Error>> {
    measure(&ping()?)?;
    measure(&delivered()?)
}

fn ping() -> Result<DriverPing, Box<dyn Error>> {
    let (id, order): (EventId, OrderId) = (ID.parse()?, ID.parse()?);
    let envelope = Envelope::first(id, EventTime(1_711_822_740_000), order, "city");
    let driver_id = ID.parse()?;
    Ok(DriverPing { envelope, driver_id, zone: "centro".to_owned(), lat: 4.6, lon: -74.08, speed_mps: Some(3.5) })
}

fn delivered() -> Result<OrderDelivered, Box<dyn Error>> {
    let item = json!({ "item_id": ID, "name": "Ajiaco santafereño", "quantity": 2, "unit_price_centavos": 3_200_000 });
    Ok(serde_json::from_value(json!({
        "event_id": ID, "occurred_at": 1_711_822_740_000_i64, "correlation_id": ID, "causation_id": ID,
        "producer": "order", "order_id": ID, "customer_id": ID, "restaurant_id": ID, "zone": "centro",
        "items": [item, item, item, item], "driver_id": ID, "total_centavos": 27_000_000,
        "placed_at": 1_711_820_740_000_i64, "promised_at": 1_711_822_640_000_i64,
    }))?)
}

fn measure<E: Event>(event: &E) -> Result<(), Box<dyn Error>> {
    let (ours, theirs) = (AvroSchema::parse(E::SCHEMA_JSON)?, Schema::parse_str(E::SCHEMA_JSON)?);
    let writer = GenericDatumWriter::builder(&theirs).build()?;
    let reader = GenericDatumReader::builder(&theirs).reader_schema(&theirs).build()?;
    let datum = writer.write_ser_to_vec(event)?;
    println!("{}, {} bytes, µs:", E::FULL_NAME, datum.len());
    let mut out = vec![];
    timed("written by ours", || {
        out.clear();
        avro::write(&ours, event, &mut out)?;
        Ok(out.len())
    })?;
    timed("written by Apache's", || {
        out.clear();
        Ok(writer.write_ser(&mut out, event)?)
    })?;
    timed("read by ours", || Ok(avro::read::<E>(&ours, &datum)?))?;
    timed("read by Apache's, with resolution", || Ok(from_value::<E>(&reader.read_value(&mut datum.as_slice())?)?))
}

fn timed<T>(what: &str, mut work: impl FnMut() -> Result<T, Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    for _ in 0..ROUNDS {
        black_box(work()?);
    }
    println!("  {:6.2}  {what}", begin.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
    Ok(())
}
