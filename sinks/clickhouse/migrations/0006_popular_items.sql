-- Topic analytics.popular-items. The ten most delivered items of each window, by zone and overall.
CREATE TABLE IF NOT EXISTS popular_items
(
    event                 LowCardinality(String),
    event_id              UUID,
    occurred_at           DateTime64(3, 'UTC'),
    correlation_id        UUID,
    causation_id          Nullable(UUID),
    producer              LowCardinality(String),
    zone                  LowCardinality(String),
    window_start          DateTime64(3, 'UTC'),
    window_end            DateTime64(3, 'UTC'),
    `items.rank`          Array(Int32),
    `items.item_id`       Array(UUID),
    `items.restaurant_id` Array(UUID),
    `items.name`          Array(String),
    `items.quantity`      Array(Int64),
    _topic                LowCardinality(String),
    _partition            Int32,
    _offset               Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (zone, window_start, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 20000;
