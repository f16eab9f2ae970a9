//! The end of the demo: the city's books beside what the system made of the evening.

use super::bank::Statement;
use super::books::SystemBooks;
use super::report::Report;
use super::{money, popular};
use crate::cluster;
use crate::config::Addresses;
use crate::error::AppError;
use crate::reader::{TopicReader, decoded};
use comanda_clickhouse::{ClickHouse, Mapping};
use comanda_registry::{SchemaId, SchemaRegistry};
use comanda_schemas::{EtaPredicted, OrderStatus, OrderView};
use comanda_streams::broker::{Broker, RawRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the sink may take to catch up.
const SINK_PATIENCE: Duration = Duration::from_secs(60);

/// Prints the summary; true if all equalities hold.
pub fn print(
    addresses: &Addresses,
    books: &SystemBooks,
    statement: &Statement,
    edge_port: u16,
) -> Result<bool, AppError> {
    let broker = cluster::broker(addresses)?;
    let registry: Arc<dyn SchemaRegistry> = Arc::new(cluster::patient_registry(addresses));
    let system = System {
        views: latest(decoded::<OrderView>(&*broker, &registry, "order.views")?),
        etas: decoded(&*broker, &registry, "analytics.eta")?,
    };
    let mut report = Report::default();
    println!("\nThe evening, by the city's own books (left) and by the system (right)");
    orders(&mut report, books, &system);
    let ledger = decoded(&*broker, &registry, "payment.ledger")?;
    money::compare(&mut report, statement, &ledger, &system.views);
    dead_letters(&mut report, books, &*broker)?;
    clickhouse(&mut report, addresses, &*broker, &*registry)?;
    popular::compare(&mut report, &books.city, &decoded(&*broker, &registry, "analytics.popular-items")?);
    for (complaint, times) in &books.city.complaints {
        println!("    the city complains: {complaint} ({times})");
    }
    report.equal("complaints of the city", 0, books.city.complaints.values().sum::<u64>());
    println!();
    outcomes(books);
    freshness(books);
    eta(books, &system);
    popular::top_five(&books.city);
    how_to_go_on(addresses, edge_port);
    println!("{}", if report.is_good() { "All equalities hold." } else { "NOT EQUAL: see the lines marked ✗." });
    Ok(report.is_good())
}

struct System {
    views: BTreeMap<String, OrderView>,
    etas: Vec<EtaPredicted>,
}

fn latest(views: Vec<OrderView>) -> BTreeMap<String, OrderView> {
    views.into_iter().map(|view| (view.order_id.to_string(), view)).collect()
}

fn orders(report: &mut Report, books: &SystemBooks, system: &System) {
    let with = |status| system.views.values().filter(|view| view.status == status).count() as u64;
    let (city, delivered, cancelled) = (&books.city, with(OrderStatus::Delivered), with(OrderStatus::Cancelled));
    report.equal("orders made", city.orders_made, system.views.len() as u64);
    report.equal("orders delivered", city.delivered, delivered);
    report.equal("orders cancelled", city.cancelled, cancelled);
    report.equal("made = delivered + cancelled", city.orders_made, delivered + cancelled);
}

/// Every dead-letter topic there is. A bad record comes once per application that reads its topic: told apart by where
/// it lay.
fn dead_letters(report: &mut Report, books: &SystemBooks, broker: &dyn Broker) -> Result<(), AppError> {
    for topic in comanda_schemas::topics() {
        let Some(dead_letter) = &topic.dead_letter else { continue };
        let letters = TopicReader::from_start(broker, dead_letter)?.read_to_end()?;
        let expected: u64 = books.city.dead_letters.get(&topic.name).map_or(0, |kinds| kinds.values().sum());
        let place = |record: &RawRecord| ["partition", "offset"].map(|field| error_header(record, field));
        let distinct: BTreeSet<_> = letters.iter().map(place).collect();
        if expected > 0 || !distinct.is_empty() {
            report.equal(&format!("dead letters of {}", topic.name), expected, distinct.len() as u64);
        }
    }
    Ok(())
}

fn error_header(record: &RawRecord, field: &str) -> Vec<u8> {
    record.headers.last(&format!("__streams.errors.{field}")).map(<[u8]>::to_vec).unwrap_or_default()
}

/// Rows = events, topic by topic. A record that is no event at all (not Avro, a schema that nobody knows) has no row.
fn clickhouse(
    report: &mut Report,
    addresses: &Addresses,
    broker: &dyn Broker,
    registry: &dyn SchemaRegistry,
) -> Result<(), AppError> {
    let client = ClickHouse::new(cluster::clickhouse(addresses));
    let deadline = Instant::now() + SINK_PATIENCE;
    for mapping in Mapping::all()? {
        let records = TopicReader::from_start(broker, &mapping.topic)?.read_to_end()?;
        let mut known = BTreeMap::new();
        let events = records.iter().filter(|record| is_event(record, registry, &mut known)).count() as u64;
        let question = format!("SELECT count() FROM {}.{}", addresses.database, mapping.table);
        let mut rows = count(&client, &question)?;
        while rows < events && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(200));
            rows = count(&client, &question)?;
        }
        report.equal(&format!("{} → ClickHouse rows", mapping.topic), events, rows);
    }
    Ok(())
}

/// Confluent's wire format: a zero byte and the number of a schema that the registry has.
fn is_event(record: &RawRecord, registry: &dyn SchemaRegistry, known: &mut BTreeMap<u32, bool>) -> bool {
    let Some([0, id @ ..]) = record.value.as_deref().and_then(|value| value.first_chunk::<5>()) else { return false };
    let id = u32::from_be_bytes(*id);
    *known.entry(id).or_insert_with(|| registry.schema(SchemaId(id)).is_ok())
}

fn count(client: &ClickHouse, question: &str) -> Result<u64, AppError> {
    let rows = client.query(question)?;
    let cell = rows.first().and_then(|row| row.first());
    // ClickHouse writes 64-bit numbers as text in JSON, unless told otherwise.
    Ok(cell.and_then(|cell| cell.as_u64().or_else(|| cell.as_str()?.parse().ok())).unwrap_or(0))
}

fn outcomes(books: &SystemBooks) {
    let all = books.city.outcomes.iter().map(|(outcome, count)| format!("{count} {}", outcome.name()));
    println!("  orders by outcome: {}", all.collect::<Vec<_>>().join(", "));
}

fn freshness(books: &SystemBooks) {
    let times = &books.freshness_ms;
    if let Some(last) = times.len().checked_sub(1) {
        let at = |share: f64| times[(last as f64 * share) as usize];
        println!("  event → queryable state: p50 {:.0} ms, p95 {:.0} ms ({} orders)", at(0.5), at(0.95), times.len());
    }
}

/// The first estimate of each delivered order against the city's clock at the door.
fn eta(books: &SystemBooks, system: &System) {
    let mut first: BTreeMap<String, &EtaPredicted> = BTreeMap::new();
    for eta in &system.etas {
        let known = first.entry(eta.order_id.to_string()).or_insert(eta);
        if eta.predicted_at < known.predicted_at {
            *known = eta;
        }
    }
    let delivered = books.city.orders.iter().filter(|order| order.outcome == comanda_city::Outcome::Delivered);
    let pairs: Vec<(i64, i64, i64)> = delivered
        .filter_map(|order| {
            let eta = first.get(&order.order_id)?;
            Some((order.ended_at_ms?, eta.p50_at.0, eta.p90_at.0))
        })
        .collect();
    if pairs.is_empty() {
        println!("  ETA: no estimate was published");
        return;
    }
    let count = pairs.len() as f64;
    let error_ms: i64 = pairs.iter().map(|(at, p50, _)| (at - p50).abs()).sum();
    let share = |by: fn(&(i64, i64, i64)) -> bool| pairs.iter().filter(|pair| by(pair)).count() as f64 / count * 100.0;
    println!(
        "  ETA, first estimate of {} orders: mean absolute error {:.1} min; {:.0} % there by p50 (50 is right), {:.0} % by p90 (90 is right)",
        pairs.len(),
        error_ms as f64 / count / 60_000.0,
        share(|(at, p50, _)| at <= p50),
        share(|(at, _, p90)| at <= p90),
    );
}

fn how_to_go_on(addresses: &Addresses, edge_port: u16) {
    let Addresses { kafka, registry, clickhouse, database } = addresses;
    println!("\nThe servers stay up until `make down`:");
    println!("  Kafka {kafka}   registry {registry}   ClickHouse {clickhouse}/play");
    println!(
        "  curl '{clickhouse}' -d 'SELECT event, count() FROM {database}.order_events GROUP BY event ORDER BY 2 DESC'"
    );
    let program = std::env::current_exe().map_or_else(|_| "comanda".to_owned(), |path| path.display().to_string());
    println!("  {program} run order delivery analytics sink edge   and then");
    println!("  curl 'http://127.0.0.1:{edge_port}/api/v1/analytics/popular-items'\n");
}
