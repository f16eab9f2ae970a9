package comanda.peer;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Fills an input topic that both engines then read: always the same records, drawn by a hash of their number. */
final class Loader {
    private static final long KEYS = 100_000;
    /** A customer for so many orders; a tenth of the orders have none. */
    private static final long ORDERS_PER_CUSTOMER = 10;
    /** Event time that the records spread over. */
    private static final long SPAN_MS = 60_000;
    private static final long START_MS = 1_700_000_000_000L;
    private static final byte[] POOL = pool(1 << 20);

    private Loader() {}

    static void load(String workload, Main.Options options) throws Exception {
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", options.text("bootstrap"),
                "acks", "1", "enable.idempotence", false, "linger.ms", 50, "batch.size", 65536);
        String topic = options.text("topic");
        long records = options.number("records");
        int partitions = (int) options.number("partitions");
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", options.text("bootstrap")))) {
            List<String> topics = workload.equals("w4a") ? List.of(topic, Workloads.tableTopic(topic)) : List.of(topic);
            var created = topics.stream().map(name -> new NewTopic(name, partitions, (short) 1)).toList();
            admin.createTopics(created).all().get();
        }
        var bytes = new ByteArraySerializer();
        try (var producer = new KafkaProducer<byte[], byte[]>(settings, bytes, bytes)) {
            switch (workload) {
                case "w1" -> drawn(producer, topic, records, KEYS, 200);
                case "w2" -> drawn(producer, topic, records, KEYS, 100);
                case "w4a" -> ordersAndCustomers(producer, topic, records);
                default -> throw new IllegalArgumentException("no input for " + workload);
            }
        }
    }

    private static void drawn(
            KafkaProducer<byte[], byte[]> producer, String topic, long records, long keys, int bytes) {
        for (long i = 0; i < records; i++) {
            long time = START_MS + i * SPAN_MS / records;
            producer.send(new ProducerRecord<>(topic, null, time, key(draw(i, keys)), value(i, bytes)));
        }
    }

    /** All customers before the first order, by event time: which row an order meets is then no matter of chance. */
    private static void ordersAndCustomers(KafkaProducer<byte[], byte[]> producer, String topic, long orders) {
        long customers = orders / ORDERS_PER_CUSTOMER;
        String table = Workloads.tableTopic(topic);
        for (long i = 0; i < customers; i++) {
            producer.send(new ProducerRecord<>(table, null, START_MS - 1, key(i), value(~i, 100)));
        }
        drawn(producer, topic, orders, customers * 10 / 9 + 1, 100);
    }

    /** Twelve bytes: k and eleven digits. */
    private static byte[] key(long number) {
        byte[] key = new byte[12];
        key[0] = 'k';
        for (int i = 11; i > 0; i--) {
            key[i] = (byte) ('0' + number % 10);
            number /= 10;
        }
        return key;
    }

    private static byte[] value(long number, int length) {
        int from = (int) draw(number ^ 0x5555AAAAL, POOL.length - length);
        return Arrays.copyOfRange(POOL, from, from + length);
    }

    private static byte[] pool(int length) {
        byte[] pool = new byte[length];
        for (int i = 0; i < length; i++) {
            pool[i] = (byte) (32 + (mix(i) & 63));
        }
        return pool;
    }

    private static long draw(long number, long below) {
        return Long.remainderUnsigned(mix(number), below);
    }

    /** SplitMix64. */
    private static long mix(long z) {
        z += 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
