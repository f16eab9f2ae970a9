package comanda.peer;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.processor.StateRestoreListener;

/**
 * Runs a workload until standard input ends. Prints {@code starting}, then {@code running N} once all tasks run, having
 * restored N records.
 */
final class Serve {
    private Serve() {}

    static void run(String workload, Main.Options options) throws IOException {
        var topology = Workloads.topology(workload, options.text("input"), options.text("output"), new Progress());
        KafkaStreams streams = new KafkaStreams(topology, Settings.of(workload, options));
        Restored restored = new Restored();
        streams.setGlobalStateRestoreListener(restored);
        streams.setStateListener((state, before) -> {
            if (state == KafkaStreams.State.RUNNING) {
                System.out.println("running " + restored.records.get());
            } else if (state == KafkaStreams.State.ERROR) {
                Runtime.getRuntime().halt(1); // whoever waits for a line sees the end
            }
        });
        System.out.println("starting");
        streams.start();
        System.in.transferTo(OutputStream.nullOutputStream());
        if (!streams.close(Duration.ofSeconds(120))) {
            throw new IllegalStateException("Kafka Streams does not close");
        }
    }

    /** Adds up what all stores read from their change logs. */
    private static final class Restored implements StateRestoreListener {
        private final AtomicLong records = new AtomicLong();

        @Override
        public void onRestoreStart(TopicPartition partition, String store, long start, long end) {}

        @Override
        public void onBatchRestored(TopicPartition partition, String store, long end, long batch) {
            records.addAndGet(batch);
        }

        @Override
        public void onRestoreEnd(TopicPartition partition, String store, long total) {}
    }
}
