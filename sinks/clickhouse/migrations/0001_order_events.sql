-- Topic order.events. Every step of every order, as it was told.
CREATE TABLE IF NOT EXISTS order_events
(
    event                LowCardinality(String),
    event_id             UUID,
    occurred_at          DateTime64(3, 'UTC'),
    correlation_id       UUID,
    causation_id         Nullable(UUID),
    producer             LowCardinality(String),
    order_id             UUID,
    customer_id          Nullable(UUID),
    restaurant_id        Nullable(UUID),
    zone                 LowCardinality(Nullable(String)),
    restaurant_cell      Nullable(String),
    customer_cell        Nullable(String),
    `items.item_id`      Array(UUID),
    `items.name`         Array(String),
    `items.quantity`     Array(Int32),
    `items.unit_price`   Array(Decimal(18, 2)),
    subtotal             Nullable(Decimal(18, 2)),
    delivery_fee         Nullable(Decimal(18, 2)),
    tax                  Nullable(Decimal(18, 2)),
    discount             Nullable(Decimal(18, 2)),
    total                Nullable(Decimal(18, 2)),
    placed_at            Nullable(DateTime64(3, 'UTC')),
    scheduled_for        Nullable(DateTime64(3, 'UTC')),
    promised_at          Nullable(DateTime64(3, 'UTC')),
    estimated_ready_at   Nullable(DateTime64(3, 'UTC')),
    driver_id            Nullable(UUID),
    reason               LowCardinality(Nullable(String)),
    cancelled_in         LowCardinality(Nullable(String)),
    command              LowCardinality(Nullable(String)),
    command_id           Nullable(UUID),
    status               LowCardinality(Nullable(String)),
    detail               Nullable(String),
    _topic               LowCardinality(String),
    _partition           Int32,
    _offset              Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (order_id, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 20000;
