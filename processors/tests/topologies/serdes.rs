//! The roles' serdes over a registry inside the process: the codecs are the real ones.

use comanda_processors::TopicSerdes;
use comanda_registry::{MemoryRegistry, SchemaRegistry, avro_serde};
use std::sync::Arc;

pub fn topic_serdes() -> TopicSerdes {
    let registry: Arc<dyn SchemaRegistry> = Arc::new(MemoryRegistry::default());
    TopicSerdes {
        order_commands: avro_serde(&registry).unwrap(),
        order_events: avro_serde(&registry).unwrap(),
        order_views: avro_serde(&registry).unwrap(),
        payment_commands: avro_serde(&registry).unwrap(),
        payment_events: avro_serde(&registry).unwrap(),
        payment_ledger: avro_serde(&registry).unwrap(),
        payment_method_commands: avro_serde(&registry).unwrap(),
        payment_methods: avro_serde(&registry).unwrap(),
        delivery_commands: avro_serde(&registry).unwrap(),
        delivery_events: avro_serde(&registry).unwrap(),
        driver_pings: avro_serde(&registry).unwrap(),
        drivers: avro_serde(&registry).unwrap(),
        restaurant_catalog: avro_serde(&registry).unwrap(),
        eta: avro_serde(&registry).unwrap(),
        popular_items: avro_serde(&registry).unwrap(),
        delivery_metrics: avro_serde(&registry).unwrap(),
    }
}
