package comanda.peer;

import java.util.Arrays;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.LongSerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.Reducer;
import org.apache.kafka.streams.state.KeyValueStore;

/** The topologies, as in {@code testkit/bench/src/topologies.rs}. */
final class Workloads {
    private static final Serde<byte[]> BYTES = Serdes.ByteArray();
    /** Of a customer, so many bytes go to the order. */
    private static final int JOINED_BYTES = 20;

    private Workloads() {}

    static Topology topology(String workload, String input, String output, Progress progress) {
        StreamsBuilder builder = new StreamsBuilder();
        switch (workload) {
            case "w1" -> filterAndMap(builder.stream(input, counted(progress)), output, progress);
            case "w2", "w2c" -> count(builder.stream(input, counted(progress)), output, progress);
            case "w4a" -> leftJoin(builder, input, output, progress);
            case "w6", "w6k" ->
                    reduce(builder.stream(input, counted(progress)), Workloads::mixed, output, progress);
            case "w7" -> reduce(builder.stream(input, counted(progress)), Workloads::numbered, output, progress);
            default -> throw new IllegalArgumentException("no workload " + workload);
        }
        return builder.build();
    }

    /** The topic of a join's table. */
    static String tableTopic(String input) {
        return input + "-table";
    }

    /** Bytes of record cache. */
    static long cacheBytes(String workload) {
        return workload.equals("w2c") || workload.equals("w4a") ? 10 << 20 : 0;
    }

    /** Records' own times; each record counts. */
    private static Consumed<byte[], byte[]> counted(Progress progress) {
        return Consumed.with(BYTES, BYTES)
                .withTimestampExtractor((record, partitionTime) -> progress.record(record.timestamp()));
    }

    private static Produced<byte[], byte[]> countedOutputs(Progress progress) {
        return Produced.with(
                BYTES, Serdes.serdeFrom(progress.counting(new ByteArraySerializer()), new ByteArrayDeserializer()));
    }

    private static void filterAndMap(KStream<byte[], byte[]> stream, String output, Progress progress) {
        stream.filter((key, value) -> value[0] % 10 != 0)
                .mapValues(Workloads::otherCase)
                .to(output, countedOutputs(progress));
    }

    private static byte[] otherCase(byte[] value) {
        byte[] mapped = new byte[value.length];
        for (int i = 0; i < mapped.length; i++) {
            mapped[i] = (byte) (value[i] ^ 0x20);
        }
        return mapped;
    }

    private static void count(KStream<byte[], byte[]> stream, String output, Progress progress) {
        var values = Serdes.serdeFrom(progress.counting(new LongSerializer()), new LongDeserializer());
        stream.groupByKey(Grouped.with(BYTES, BYTES))
                .count(Materialized.<byte[], Long, KeyValueStore<Bytes, byte[]>>as("counts")
                        .withKeySerde(BYTES)
                        .withValueSerde(Serdes.Long()))
                .toStream()
                .to(output, Produced.with(BYTES, values));
    }

    private static void leftJoin(StreamsBuilder builder, String input, String output, Progress progress) {
        KTable<byte[], byte[]> customers = builder.table(tableTopic(input), counted(progress), rows("customers"));
        builder.stream(input, counted(progress))
                .leftJoin(customers, Workloads::joined, Joined.with(BYTES, BYTES, BYTES))
                .to(output, countedOutputs(progress));
    }

    private static void reduce(
            KStream<byte[], byte[]> stream, Reducer<byte[]> reducer, String output, Progress progress) {
        stream.groupByKey(Grouped.with(BYTES, BYTES))
                .reduce(reducer, rows("rows"))
                .toStream()
                .to(output, countedOutputs(progress));
    }

    /** What its key's values leave when laid over each other: an update shows each byte of the row before it. */
    private static byte[] mixed(byte[] row, byte[] value) {
        byte[] mixed = new byte[row.length];
        for (int i = 0; i < mixed.length; i++) {
            mixed[i] = (byte) (row[i] ^ value[i]);
        }
        return mixed;
    }

    /** The same, but for the newest record's number in front: so an output tells which record it answers. */
    private static byte[] numbered(byte[] row, byte[] value) {
        byte[] numbered = mixed(row, value);
        System.arraycopy(value, 0, numbered, 0, Long.BYTES);
        return numbered;
    }

    private static Materialized<byte[], byte[], KeyValueStore<Bytes, byte[]>> rows(String store) {
        return Materialized.<byte[], byte[], KeyValueStore<Bytes, byte[]>>as(store)
                .withKeySerde(BYTES)
                .withValueSerde(BYTES);
    }

    /** The order, with the beginning of its customer if there is one. */
    private static byte[] joined(byte[] order, byte[] customer) {
        if (customer == null) {
            return order;
        }
        int length = Math.min(JOINED_BYTES, customer.length);
        byte[] joined = Arrays.copyOf(order, order.length + length);
        System.arraycopy(customer, 0, joined, order.length, length);
        return joined;
    }
}
