-- Topic analytics.eta. Every prediction of an arrival, to be held against what came true.
CREATE TABLE IF NOT EXISTS etas
(
    event            LowCardinality(String),
    event_id         UUID,
    occurred_at      DateTime64(3, 'UTC'),
    correlation_id   UUID,
    causation_id     Nullable(UUID),
    producer         LowCardinality(String),
    order_id         UUID,
    restaurant_id    UUID,
    zone             LowCardinality(String),
    stage            LowCardinality(String),
    predicted_at     DateTime64(3, 'UTC'),
    p50_at           DateTime64(3, 'UTC'),
    p90_at           DateTime64(3, 'UTC'),
    _topic           LowCardinality(String),
    _partition       Int32,
    _offset          Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (order_id, predicted_at, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 20000;
