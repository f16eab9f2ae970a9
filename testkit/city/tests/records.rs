//! What leaves the city: in order but for a known part, some twice, some broken, all counted.

use std::collections::{BTreeMap, BTreeSet};

use comanda_city::{Books, City, CityConfig, CityEvent, Emission, FaultKind, Payload, Placement, stand_in};
use comanda_schemas::{EventId, Message, OrderCommand};

fn evening(config: CityConfig) -> (Vec<Emission>, Books) {
    let mut city = City::new(config);
    let sent = stand_in::play(&mut city, 1_000);
    (sent, city.books())
}

fn event_of(emission: &Emission) -> Option<&CityEvent> {
    match &emission.payload {
        Payload::Event(event) => Some(event),
        Payload::Bytes(_) => None,
    }
}

fn head(event: &CityEvent) -> (EventId, i64, String) {
    fn of(message: &impl Message) -> (EventId, i64, String) {
        let envelope = message.envelope().expect("the city writes known types");
        (envelope.event_id, envelope.occurred_at.millis(), message.key().expect("known types have a key"))
    }
    match event {
        CityEvent::Order(message) => of(message),
        CityEvent::Payment(message) => of(message),
        CityEvent::Delivery(message) => of(message),
        CityEvent::Driver(message) => of(message),
        CityEvent::Catalog(message) => of(message),
    }
}

#[test]
fn event_times_rise_except_for_the_declared_late_share() {
    let (sent, books) = evening(CityConfig { orders: 150, ..CityConfig::default() });
    assert!(sent.is_sorted_by_key(|emission| emission.send_at_ms));
    let on_time: Vec<i64> =
        sent.iter().filter(|emission| emission.send_at_ms == emission.at_ms).map(|emission| emission.at_ms).collect();
    assert!(on_time.is_sorted());
    let late = (sent.len() - on_time.len()) as u64;
    assert_eq!(late, books.topics.values().map(|topic| topic.late).sum::<u64>());
    let share = late as f64 / sent.len() as f64;
    assert!((0.015..0.05).contains(&share), "{share}");
    let punctual = CityConfig { orders: 50, late_share: 0.0, duplicate_share: 0.0, ..CityConfig::default() };
    assert!(evening(punctual).0.is_sorted_by_key(|emission| emission.at_ms));
}

#[test]
fn what_is_said_about_one_order_or_by_one_device_keeps_its_order() {
    let (sent, _) = evening(CityConfig { orders: 150, late_share: 0.2, duplicate_share: 0.0, ..CityConfig::default() });
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for emission in sent.iter().filter(|emission| emission.fault.is_none()) {
        let key = emission.key.as_deref().expect("good records have a key");
        let former = last.insert(key, emission.at_ms).unwrap_or(0);
        assert!(former <= emission.at_ms, "{key}: {emission:?}");
    }
}

#[test]
fn every_record_agrees_with_its_event_and_event_ids_repeat_only_in_duplicates() {
    let (sent, books) = evening(CityConfig { orders: 150, duplicate_share: 0.03, ..CityConfig::default() });
    let (mut seen, mut repeated) = (BTreeSet::new(), 0);
    for emission in &sent {
        let Some(event) = event_of(emission) else {
            continue;
        };
        let (event_id, at_ms, key) = head(event);
        repeated += u64::from(!seen.insert(event_id));
        assert_eq!((at_ms, event.topic()), (emission.at_ms, emission.topic));
        assert!(emission.key.as_ref().is_none_or(|of_record| *of_record == key));
    }
    let duplicates: u64 = books.topics.values().map(|topic| topic.duplicates).sum();
    assert_eq!(repeated, duplicates);
    assert!((0.02..0.04).contains(&(duplicates as f64 / sent.len() as f64)));
}

#[test]
fn the_books_count_every_record_by_topic() {
    let (sent, books) = evening(CityConfig { orders: 100, ..CityConfig::default() });
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    sent.iter().for_each(|emission| *counted.entry(emission.topic.to_owned()).or_default() += 1);
    assert_eq!(counted, books.topics.into_iter().map(|(topic, book)| (topic, book.sent)).collect());
}

#[test]
fn bad_records_are_of_the_known_number_by_topic_and_kind() {
    let (sent, books) = evening(CityConfig { orders: 100, faults_per_kind: 3, ..CityConfig::default() });
    let mut counted: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for (emission, kind) in sent.iter().filter_map(|emission| Some((emission, emission.fault?))) {
        *counted.entry(emission.topic.to_owned()).or_default().entry(kind.name().to_owned()).or_default() += 1;
        assert!(is_broken_as_it_says(emission, kind), "{emission:?}");
    }
    assert_eq!(counted, books.dead_letters);
    assert_eq!(books.dead_letters["order.commands"].len(), 6);
    assert!(books.dead_letters.values().flat_map(|kinds| kinds.values()).all(|&count| count == 3));
    let topics = books.dead_letters.keys().map(|topic| comanda_schemas::topic(topic).expect("a topic of the contract"));
    assert!(topics.into_iter().all(|topic| topic.dead_letter.is_some()));
}

fn is_broken_as_it_says(emission: &Emission, kind: FaultKind) -> bool {
    let order = match event_of(emission) {
        Some(CityEvent::Order(OrderCommand::PlaceOrder(place))) => Some(place),
        _ => None,
    };
    match (kind, &emission.payload) {
        (FaultKind::NotAvro, Payload::Bytes(bytes)) => bytes[0] != 0,
        (FaultKind::UnknownSchemaId, Payload::Bytes(bytes)) => bytes[0] == 0 && bytes.len() > 5,
        (FaultKind::NegativeAmount, _) => order.is_some_and(|order| order.total_centavos.is_negative()),
        (FaultKind::NoItems, _) => order.is_some_and(|order| order.items.is_empty()),
        (FaultKind::NullKey, Payload::Event(_)) => emission.key.is_none(),
        (FaultKind::Misrouted, Payload::Event(_)) => emission.placement == Placement::Misrouted,
        _ => false,
    }
}

#[test]
fn every_order_placed_adds_up() {
    let (sent, _) = evening(CityConfig { orders: 200, faults_per_kind: 0, ..CityConfig::default() });
    let orders = sent.iter().filter_map(|emission| match event_of(emission)? {
        CityEvent::Order(OrderCommand::PlaceOrder(place)) => Some(place),
        _ => None,
    });
    let mut count = 0;
    for place in orders {
        count += 1;
        let subtotal: i64 =
            place.items.iter().map(|item| i64::from(item.quantity) * item.unit_price_centavos.centavos()).sum();
        assert!(!place.items.is_empty() && place.total_centavos.centavos() > 0);
        assert_eq!(place.subtotal_centavos.centavos(), subtotal);
        let total = subtotal + place.delivery_fee_centavos.centavos() + place.tax_centavos.centavos()
            - place.discount_centavos.centavos();
        assert_eq!(place.total_centavos.centavos(), total);
        assert!(place.promised_at.is_some_and(|promised| promised > place.placed_at));
    }
    assert!((200..=215).contains(&count), "{count}");
}
