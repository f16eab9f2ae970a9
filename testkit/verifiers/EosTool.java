import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.IntegerSerializer;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What EosTest leaves to its surroundings: topics, load, waiting until all is read, falsified records, outages. */
public final class EosTool {
    private static final String GROUP = "EosTest";
    private static final int PARTITIONS = 5;
    /** Fixed, so that every run has the same records. */
    private static final long SEED = 42;
    /** EosTest's values are 0 to 9999. */
    private static final int VALUES = 10_000;
    /** Lag that stays so long after the last input is no work under way: Kafka Streams commits every 5 s here. */
    private static final long STEADY_MS = 6_000;
    private static final long LOOK_MS = 500;

    private final String bootstrap;
    private final Admin admin;

    private EosTool(String bootstrap, Admin admin) {
        this.bootstrap = bootstrap;
        this.admin = admin;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            throw new IllegalArgumentException("usage: BOOTSTRAP create|generate|drained|count|outages|open|write …");
        }
        String[] rest = Arrays.copyOfRange(arguments, 2, arguments.length);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
            EosTool tool = new EosTool(arguments[0], admin);
            switch (arguments[1]) {
                case "create" -> tool.create(rest);
                case "generate" -> tool.generate(Integer.parseInt(rest[0]), Integer.parseInt(rest[1]), Integer.parseInt(rest[2]));
                case "drained" -> tool.awaitDrained(Integer.parseInt(rest[0]), Arrays.copyOfRange(rest, 1, rest.length));
                case "count" -> tool.count(rest);
                case "outages" -> tool.outages(rest[0], Arrays.copyOfRange(rest, 1, rest.length));
                case "open" -> tool.openTransactions();
                case "write" -> tool.write(rest);
                default -> throw new IllegalArgumentException("no command " + arguments[1]);
            }
        }
    }

    /** {@code create TOPIC…}. Stamped by the broker: its append times tell when output stood still. */
    private void create(String[] names) throws Exception {
        List<NewTopic> topics = new ArrayList<>();
        for (String name : names) {
            Map<String, String> settings = Map.of("message.timestamp.type", "LogAppendTime");
            topics.add(new NewTopic(name, PARTITIONS, (short) 1).configs(settings));
        }
        admin.createTopics(topics).all().get();
    }

    /** {@code generate RECORDS KEYS PER_SECOND}: at least so many, then until SIGTERM; prints how many. */
    private void generate(int atLeast, int keys, int perSecond) throws Exception {
        Random random = new Random(SEED);
        CountDownLatch stopping = new CountDownLatch(1);
        CountDownLatch told = new CountDownLatch(1);
        AtomicReference<Exception> failure = new AtomicReference<>();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stopping.countDown();
            await(told);
        }));
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "acks", "all", "linger.ms", 5);
        long sent = 0;
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new IntegerSerializer())) {
            for (long began = System.nanoTime(); sent < atLeast || stopping.getCount() > 0; sent++) {
                if (failure.get() != null) {
                    throw failure.get();
                }
                String key = Integer.toString(random.nextInt(keys));
                producer.send(new ProducerRecord<>("data", key, random.nextInt(VALUES)), (metadata, error) -> {
                    if (error != null) {
                        failure.set(error);
                    }
                });
                waitUntil(began + (sent + 1) * 1_000_000_000L / perSecond);
            }
            producer.flush();
            System.out.println(failure.get() == null ? sent + " records" : "failed: " + failure.get());
        } finally {
            // The virtual machine, told to end, waits for the hook above.
            told.countDown();
        }
    }

    private static void waitUntil(long nanos) throws InterruptedException {
        long aheadMs = (nanos - System.nanoTime()) / 1_000_000;
        if (aheadMs > 1) {
            Thread.sleep(aheadMs);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** {@code drained LIMIT_S TOPIC:LAG…}: until the group's lag stays at or below that, or fails after the limit. */
    private void awaitDrained(int limitSeconds, String[] bounds) throws Exception {
        long until = System.currentTimeMillis() + limitSeconds * 1_000L;
        String lags = "";
        for (long since = System.currentTimeMillis(); System.currentTimeMillis() < until; Thread.sleep(LOOK_MS)) {
            boolean within = true;
            StringBuilder now = new StringBuilder();
            for (String bound : bounds) {
                String[] parts = bound.split(":");
                long lag = lag(parts[0]);
                within &= lag <= Long.parseLong(parts[1]);
                now.append(now.isEmpty() ? "" : ", ").append(parts[0]).append(' ').append(lag);
            }
            if (!within || !lags.contentEquals(now)) {
                since = System.currentTimeMillis();
            }
            lags = now.toString();
            if (within && System.currentTimeMillis() - since >= STEADY_MS) {
                System.out.println(lags);
                return;
            }
        }
        System.out.println(lags);
        throw new IllegalStateException("not drained after " + limitSeconds + " s");
    }

    private long lag(String topic) throws Exception {
        var committed = admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata().get();
        Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
        for (int i = 0; i < PARTITIONS; i++) {
            ends.put(new TopicPartition(topic, i), OffsetSpec.latest());
        }
        long lag = 0;
        for (var end : admin.listOffsets(ends).all().get().entrySet()) {
            OffsetAndMetadata read = committed.get(end.getKey());
            lag += end.getValue().offset() - (read == null ? 0 : read.offset());
        }
        return lag;
    }

    /** {@code count TOPIC…}: how many committed records each holds. */
    private void count(String[] topics) {
        for (String topic : topics) {
            long[] records = {0};
            read(topic, record -> records[0]++);
            System.out.println(topic + " " + records[0]);
        }
    }

    /** {@code outages TOPIC MOMENT_MS…}: seconds from each moment until the last partition was written to again. */
    private void outages(String topic, String[] moments) {
        long[] momentsMs = Arrays.stream(moments).mapToLong(Long::parseLong).toArray();
        List<Map<Integer, Long>> firstMs = new ArrayList<>();
        Arrays.stream(momentsMs).forEach(moment -> firstMs.add(new TreeMap<>()));
        read(topic, record -> {
            for (int i = 0; i < momentsMs.length; i++) {
                if (record.timestamp() > momentsMs[i]) {
                    firstMs.get(i).merge(record.partition(), record.timestamp(), Math::min);
                }
            }
        });
        for (int i = 0; i < momentsMs.length; i++) {
            var again = firstMs.get(i).values();
            boolean all = again.size() == PARTITIONS;
            long last = all ? again.stream().max(Long::compare).orElseThrow() : 0;
            System.out.println(all ? String.format(Locale.ROOT, "%.1f", (last - momentsMs[i]) / 1000.0) : "never");
        }
    }

    /** All committed records up to the end that stands when the reading begins. */
    private void read(String topic, Consumer<ConsumerRecord<byte[], byte[]>> each) {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed");
        var bytes = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<byte[], byte[]>(settings, bytes, bytes)) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (int i = 0; i < PARTITIONS; i++) {
                partitions.add(new TopicPartition(topic, i));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
                consumer.poll(Duration.ofMillis(LOOK_MS)).forEach(each);
            }
        }
    }

    /** {@code open}: how many transactions are open. */
    private void openTransactions() throws Exception {
        var open = new ListTransactionsOptions().filterStates(List.of(TransactionState.ONGOING));
        System.out.println(admin.listTransactions(open).all().get().size());
    }

    /** {@code write TOPIC/PARTITION/KEY/VALUE…}: one after the other; what goes to an input also counts as consumed. */
    private void write(String[] records) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "acks", "all");
        var bytes = new ByteArraySerializer();
        try (var producer = new KafkaProducer<byte[], byte[]>(settings, bytes, bytes)) {
            for (String record : records) {
                String[] parts = record.split("/");
                byte[] key = parts[2].getBytes(StandardCharsets.UTF_8);
                var sent = new ProducerRecord<>(parts[0], Integer.valueOf(parts[1]), key, value(parts[0], parts[3]));
                RecordMetadata at = producer.send(sent).get();
                if (parts[0].equals("data") || parts[0].equals("repartition")) {
                    var past = new OffsetAndMetadata(at.offset() + 1);
                    var partition = new TopicPartition(at.topic(), at.partition());
                    admin.alterConsumerGroupOffsets(GROUP, Map.of(partition, past)).all().get();
                }
            }
        }
    }

    private static byte[] value(String topic, String number) {
        return switch (topic) {
            case "sum", "cnt" -> new LongSerializer().serialize(topic, Long.valueOf(number));
            default -> new IntegerSerializer().serialize(topic, Integer.valueOf(number));
        };
    }
}
