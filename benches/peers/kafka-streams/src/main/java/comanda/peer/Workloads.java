package comanda.peer;

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
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/** The topologies, as in {@code testkit/bench/src/workload.rs}. */
final class Workloads {
    private static final Serde<byte[]> BYTES = Serdes.ByteArray();

    private Workloads() {}

    static Topology topology(String workload, String input, String output, Progress progress) {
        StreamsBuilder builder = new StreamsBuilder();
        Consumed<byte[], byte[]> counted = Consumed.with(BYTES, BYTES)
                .withTimestampExtractor((record, partitionTime) -> progress.record(record.timestamp()));
        KStream<byte[], byte[]> stream = builder.stream(input, counted);
        switch (workload) {
            case "w1" -> filterAndMap(stream, output, progress);
            case "w2", "w2c" -> count(stream, output, progress);
            default -> throw new IllegalArgumentException("no workload " + workload);
        }
        return builder.build();
    }

    /** Bytes of record cache. */
    static long cacheBytes(String workload) {
        return workload.equals("w2c") ? 10 << 20 : 0;
    }

    private static void filterAndMap(KStream<byte[], byte[]> stream, String output, Progress progress) {
        var values = Serdes.serdeFrom(progress.counting(new ByteArraySerializer()), new ByteArrayDeserializer());
        stream.filter((key, value) -> value[0] % 10 != 0)
                .mapValues(Workloads::otherCase)
                .to(output, Produced.with(BYTES, values));
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
}
