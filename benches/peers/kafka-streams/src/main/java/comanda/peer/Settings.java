package comanda.peer;

import java.util.Properties;

/** Kafka Streams' settings; ours are in {@code testkit/bench/src/job.rs}. */
final class Settings {
    private Settings() {}

    static Properties of(String workload, Main.Options options) {
        Properties settings = new Properties();
        settings.put("application.id", options.text("id"));
        settings.put("bootstrap.servers", options.text("bootstrap"));
        settings.put("state.dir", options.text("state"));
        settings.put("processing.guarantee", "exactly_once_v2");
        settings.put("commit.interval.ms", options.text("commit-ms"));
        settings.put("num.stream.threads", "1");
        settings.put("statestore.cache.max.bytes", Long.toString(Workloads.cacheBytes(workload)));
        settings.put("session.timeout.ms", "6000");
        settings.put("heartbeat.interval.ms", "500");
        // A static member has its tasks back at once: a restart then takes no longer than its restore.
        settings.put("group.instance.id", "bench");
        return settings;
    }
}
