// Places orders: writes one PlaceOrder for each order id to order.commands, with Apicurio's Avro serde in its
// Confluent-compatible mode.
//
//   java -cp 'LIBS/*' PlaceOrders.java KAFKA REGISTRY AVRO_FOLDER OCCURRED_AT_MS ORDER_ID…
//
// REGISTRY is the registry's core API (http://HOST:PORT/apis/registry/v2): this serde does not speak Confluent's.
// The schemas must be registered already; a program that writes is not the one to change the contract.

import io.apicurio.registry.resolver.ParsedSchema;
import io.apicurio.registry.resolver.SchemaResolverConfig;
import io.apicurio.registry.resolver.data.Record;
import io.apicurio.registry.resolver.strategy.ArtifactReference;
import io.apicurio.registry.resolver.strategy.ArtifactReferenceResolverStrategy;
import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.config.IdOption;
import io.apicurio.registry.serde.data.KafkaSerdeMetadata;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

public class PlaceOrders {
    static final String TOPIC = "order.commands";

    public static void main(String[] args) throws Exception {
        if (args.length < 5) {
            System.err.println("usage: PlaceOrders KAFKA REGISTRY AVRO_FOLDER OCCURRED_AT_MS ORDER_ID…");
            System.exit(2);
        }
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
        Schema schema = readSchema(Path.of(args[2]));
        long occurredAt = Long.parseLong(args[3]);
        List<String> orders = Arrays.asList(args).subList(4, args.length);
        try (KafkaProducer<String, GenericRecord> producer = new KafkaProducer<>(settings(args[0], args[1]))) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (String order : orders) {
                // No partition: the client's default is murmur2 over the key's bytes, as the contract wants it.
                sent.add(producer.send(
                        new ProducerRecord<>(TOPIC, null, occurredAt, order, placeOrder(schema, order, occurredAt))));
            }
            for (Future<RecordMetadata> record : sent) {
                record.get(); // throws what the broker said
            }
        }
    }

    static Schema readSchema(Path folder) throws IOException {
        return new Schema.Parser().parse(folder.resolve("order/PlaceOrder.avsc").toFile());
    }

    static Map<String, Object> settings(String kafka, String registry) {
        return Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, kafka,
                ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class,
                ProducerConfig.MAX_BLOCK_MS_CONFIG, 15_000, // a missing topic is told soon
                ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, AvroKafkaSerializer.class,
                SchemaResolverConfig.REGISTRY_URL, registry,
                // Confluent's wire format: 0, id in four bytes, Avro. Its ids are the registry's content ids.
                SerdeConfig.ENABLE_CONFLUENT_ID_HANDLER, true,
                SerdeConfig.ENABLE_HEADERS, false,
                SerdeConfig.USE_ID, IdOption.contentId.name(),
                SchemaResolverConfig.ARTIFACT_RESOLVER_STRATEGY, new Subject(),
                SchemaResolverConfig.AUTO_REGISTER_ARTIFACT, false);
    }

    /**
     * Confluent's subject `topic-full.name` as the registry's core API knows it: an artifact of the default group. The
     * serde's own TopicRecordIdStrategy makes the namespace the group, where Confluent's API does not look.
     */
    static class Subject implements ArtifactReferenceResolverStrategy<Schema, Object> {
        @Override
        public ArtifactReference artifactReference(Record<Object> data, ParsedSchema<Schema> schema) {
            String topic = ((KafkaSerdeMetadata) data.metadata()).getTopic();
            String subject = topic + "-" + schema.getParsedSchema().getFullName();
            return ArtifactReference.builder().artifactId(subject).build();
        }
    }

    static GenericRecord placeOrder(Schema schema, String order, long occurredAt) {
        Schema item = schema.getField("items").schema().getElementType();
        Schema sealed = schema.getField("delivery_address").schema();
        return new GenericRecordBuilder(schema)
                .set("event_id", UUID.randomUUID().toString())
                .set("occurred_at", occurredAt)
                .set("correlation_id", order)
                .set("causation_id", null)
                .set("producer", "java-producer")
                .set("order_id", order)
                .set("customer_id", "5d0f3f4e-6f4e-4c55-9d1b-0d6f3f0b2a01")
                .set("restaurant_id", "8a7c1f0e-2b7d-4d38-8b0a-64f0c6a9e702")
                .set("zone", "chapinero")
                .set("restaurant_cell", "8966e42c877ffff")
                .set("customer_cell", "8966e42c877ffff")
                .set("items", List.of(
                        orderItem(item, "c1b2a3d4-0001-4000-8000-000000000001", "Ajiaco santafereño", 2, 2_450_000),
                        orderItem(item, "c1b2a3d4-0002-4000-8000-000000000002", "Jugo de lulo", 1, 850_000)))
                .set("subtotal_centavos", 5_750_000L)
                .set("delivery_fee_centavos", 600_000L)
                .set("tax_centavos", 460_000L)
                .set("discount_centavos", 100_000L)
                .set("total_centavos", 6_710_000L)
                .set("payment_method_id", "3e9d5b7a-91c4-4a5e-a3d2-7f1c2b8e4d03")
                .set("delivery_address", new GenericRecordBuilder(sealed)
                        .set("key_id", "customer-key")
                        .set("bytes", ByteBuffer.wrap(new byte[] {0, (byte) 0xff, 7}))
                        .build())
                .set("placed_at", occurredAt)
                .set("scheduled_for", null)
                .set("promised_at", occurredAt + 45 * 60_000L)
                .build();
    }

    static GenericRecord orderItem(Schema schema, String id, String name, int quantity, long unitPriceCentavos) {
        return new GenericRecordBuilder(schema)
                .set("item_id", id)
                .set("name", name)
                .set("quantity", quantity)
                .set("unit_price_centavos", unitPriceCentavos)
                .build();
    }
}
