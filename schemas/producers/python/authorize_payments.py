"""Authorises payments: writes one PaymentAuthorized for each order id to payment.events, with confluent-kafka.

    python authorize_payments.py KAFKA REGISTRY AVRO_FOLDER OCCURRED_AT_MS ORDER_ID…

REGISTRY is the base of Confluent's API. The schemas must be registered already; a program that writes is not the
one to change the contract.
"""

import sys
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

TOPIC = "payment.events"
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def main(kafka: str, registry: str, avro_folder: str, occurred_at_ms: str, *orders: str) -> None:
    failures = []
    # librdkafka's own default is CRC32: it would put orders where no processor looks for them.
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    serialize = serializer(registry, Path(avro_folder))
    context = SerializationContext(TOPIC, MessageField.VALUE)
    for order in orders:
        producer.produce(
            TOPIC,
            key=order.encode(),
            value=serialize(payment_authorized(order, int(occurred_at_ms)), context),
            timestamp=int(occurred_at_ms),
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
    producer.flush()
    if failures:
        sys.exit(f"not written: {failures[0]}")


def serializer(registry: str, avro_folder: Path) -> AvroSerializer:
    schema = (avro_folder / "payment/PaymentAuthorized.avsc").read_text(encoding="utf-8")
    settings = {
        "auto.register.schemas": False,
        "subject.name.strategy": topic_record_subject_name_strategy,  # `<topic>-<full name>`
    }
    return AvroSerializer(SchemaRegistryClient({"url": registry}), schema, conf=settings)


def payment_authorized(order: str, occurred_at_ms: int) -> dict:
    return {
        "event_id": str(uuid.uuid4()),
        "occurred_at": EPOCH + timedelta(milliseconds=occurred_at_ms),
        "correlation_id": order,
        "causation_id": None,
        "producer": "python-producer",
        "order_id": order,
        "payment_id": str(uuid.uuid5(uuid.UUID(order), "payment")),
        "amount_centavos": 6_710_000,
        "attempt": 1,
        "provider_reference": f"auth-{order}",
    }


if __name__ == "__main__":
    if len(sys.argv) < 6:
        sys.exit("usage: authorize_payments.py KAFKA REGISTRY AVRO_FOLDER OCCURRED_AT_MS ORDER_ID…")
    main(*sys.argv[1:])
