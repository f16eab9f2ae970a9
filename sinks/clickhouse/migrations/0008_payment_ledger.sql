-- Topic payment.ledger. Every posting with its legs: debits equal credits. `legs.amount_minor` counts the provider's own
-- currency, in hundredths, and is null but for the clearing account.
CREATE TABLE IF NOT EXISTS payment_ledger
(
    event                LowCardinality(String),
    event_id             UUID,
    occurred_at          DateTime64(3, 'UTC'),
    correlation_id       UUID,
    causation_id         Nullable(UUID),
    producer             LowCardinality(String),
    order_id             UUID,
    payment_id           UUID,
    posting              LowCardinality(String),
    attempt              Int32,
    provider             LowCardinality(String),
    provider_reference   Nullable(String),
    currency             LowCardinality(String),
    rate_micros          Int64,
    `legs.account`       Array(LowCardinality(String)),
    `legs.side`          Array(LowCardinality(String)),
    `legs.amount`        Array(Decimal(18, 2)),
    `legs.amount_minor`  Array(Nullable(Int64)),
    `legs.restaurant_id` Array(Nullable(UUID)),
    `legs.driver_id`     Array(Nullable(UUID)),
    _topic               LowCardinality(String),
    _partition           Int32,
    _offset              Int64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (order_id, _partition, _offset)
SETTINGS non_replicated_deduplication_window = 20000;
