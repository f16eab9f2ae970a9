-- Topic delivery.events. What drivers did with every order.
CREATE TABLE IF NOT EXISTS delivery_events
(
    event               LowCardinality(String),
    event_id            UUID,
    occurred_at         DateTime64(3, 'UTC'),
    correlation_id      UUID,
    causation_id        Nullable(UUID),
    producer            LowCardinality(String),
    order_id            UUID,
    delivery_id         UUID,
    driver_id           Nullable(UUID),
    restaurant_id       UUID,
    zone                LowCardinality(String),
    restaurant_cell     Nullable(String),
    customer_cell       Nullable(String),
    attempt             Nullable(Int32),
    driver_distance_m   Nullable(Float64),
    reason              LowCardinality(Nullable(String)),
    requested_at        Nullable(DateTime64(3, 'UTC')),
    assigned_at         Nullable(DateTime64(3, 'UTC')),
    picked_up_at        Nullable(DateTime64(3, 'UTC')),
    picked_up           Nullable(Bool),
    _topic              LowCardinality(String),
    _partition          Int32,
    _offset             Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (order_id, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 20000;
