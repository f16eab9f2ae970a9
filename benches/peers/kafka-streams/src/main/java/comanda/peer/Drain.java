package comanda.peer;

import java.time.Duration;
import java.util.Locale;
import org.apache.kafka.streams.KafkaStreams;

/** Runs a workload until its backlog is processed and quiet, closes it, and tells what that took. */
final class Drain {
    private static final long LOOK_MS = 10;
    /** No record in or out for so long after the last input: done. The close commits what is left. */
    private static final double QUIET_SECONDS = 0.2;

    private final String workload;
    private final Main.Options options;
    private final Progress progress = new Progress();

    Drain(String workload, Main.Options options) {
        this.workload = workload;
        this.options = options;
    }

    /** The figures as one line of JSON: {@code testkit/bench/src/figures.rs} says what each means. */
    String run() throws InterruptedException {
        var topology = Workloads.topology(workload, options.text("input"), options.text("output"), progress);
        KafkaStreams streams = new KafkaStreams(topology, Settings.of(workload, options));
        streams.start();
        long all = options.number("records");
        Usage half = null;
        Usage last = Usage.now();
        long recordsAtHalf = 0;
        long seen = 0;
        while (progress.records() < all || Usage.now().secondsSince(last) < QUIET_SECONDS) {
            Thread.sleep(LOOK_MS);
            if (streams.state() == KafkaStreams.State.ERROR) {
                throw new IllegalStateException("Kafka Streams stopped with an error");
            }
            long records = progress.records();
            long moved = records + progress.outputs();
            if (moved != seen) {
                seen = moved;
                last = Usage.now();
            }
            if (half == null && records >= all / 2) {
                half = last;
                recordsAtHalf = records;
            }
        }
        Usage quiet = Usage.now();
        streams.close(Duration.ofSeconds(120));
        return figures(recordsAtHalf, half, last, quiet, Usage.now());
    }

    private String figures(long recordsAtHalf, Usage half, Usage last, Usage quiet, Usage closed) {
        Usage first = progress.atFirst();
        return String.format(
                Locale.ROOT,
                "{\"records\":%d,\"outputs\":%d,\"cpu_s\":%.3f,\"wall_s\":%.3f,\"warm_records\":%d,"
                        + "\"warm_cpu_s\":%.3f,\"warm_wall_s\":%.3f,\"start_cpu_s\":%.3f,\"peak_rss_mb\":%.1f}",
                progress.records(),
                progress.outputs(),
                closed.cpuSince(first) - quiet.cpuSince(last),
                closed.secondsSince(first) - quiet.secondsSince(last),
                progress.records() - recordsAtHalf,
                last.cpuSince(half),
                last.secondsSince(half),
                first.cpuSeconds(),
                Usage.peakRssMb());
    }
}
