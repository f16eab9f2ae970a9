-- Topic payment.events. What happened to the money of every order.
CREATE TABLE IF NOT EXISTS payment_events
(
    event                LowCardinality(String),
    event_id             UUID,
    occurred_at          DateTime64(3, 'UTC'),
    correlation_id       UUID,
    causation_id         Nullable(UUID),
    producer             LowCardinality(String),
    order_id             UUID,
    payment_id           UUID,
    amount               Nullable(Decimal(18, 2)),
    attempt              Nullable(Int32),
    provider_reference   Nullable(String),
    operation            LowCardinality(Nullable(String)),
    reason               LowCardinality(Nullable(String)),
    deadline_at          Nullable(DateTime64(3, 'UTC')),
    dispute              LowCardinality(Nullable(String)),
    _topic               LowCardinality(String),
    _partition           Int32,
    _offset              Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (order_id, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 20000;
