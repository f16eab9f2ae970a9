-- Topic analytics.delivery-metrics. How deliveries went in each window, by zone and overall.
CREATE TABLE IF NOT EXISTS delivery_metrics
(
    event            LowCardinality(String),
    event_id         UUID,
    occurred_at      DateTime64(3, 'UTC'),
    correlation_id   UUID,
    causation_id     Nullable(UUID),
    producer         LowCardinality(String),
    zone             LowCardinality(String),
    window_start     DateTime64(3, 'UTC'),
    window_end       DateTime64(3, 'UTC'),
    delivered        Int64,
    cancelled        Int64,
    late             Int64,
    mean_minutes     Float64,
    p50_minutes      Float64,
    p90_minutes      Float64,
    _topic           LowCardinality(String),
    _partition       Int32,
    _offset          Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (zone, window_start, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 20000;
