import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.apache.kafka.streams.tests.SmokeTestDriver;

/** SmokeTest's driver in sizes of our choice, and what it leaves to its surroundings: topics, and planted faults. */
public final class SmokeTool {
    private static final String GROUP = "SmokeTest";
    private static final int PARTITIONS = 5;
    /** Members that left are gone at once; a session of one that did not lasts 10 s. */
    private static final long EMPTY_LIMIT_MS = 20_000;
    private static final long LOOK_MS = 200;
    /** Longer than a commit takes to come and to go through all sub-topologies. */
    private static final long QUIET_MS = 4_000;
    /** Time for a dead member's session, its tasks' state and what was written meanwhile. */
    private static final long QUIET_LIMIT_MS = 60_000;

    private SmokeTool() {
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            throw new IllegalArgumentException("usage: BOOTSTRAP create|drive|shift …");
        }
        String[] rest = Arrays.copyOfRange(arguments, 2, arguments.length);
        switch (arguments[1]) {
            case "create" -> create(arguments[0], rest);
            case "drive" -> drive(arguments[0], rest);
            case "shift" -> shift(arguments[0], Integer.parseInt(rest[0]));
            default -> throw new IllegalArgumentException("no command " + arguments[1]);
        }
    }

    /** {@code create TOPIC…}. */
    private static void create(String bootstrap, String[] names) throws Exception {
        List<NewTopic> topics = new ArrayList<>();
        for (String name : names) {
            topics.add(new NewTopic(name, PARTITIONS, (short) 1));
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            admin.createTopics(topics).all().get();
        }
    }

    /** {@code drive KEYS RECORDS_PER_KEY SECONDS GUARANTEE}: as StreamsSmokeTest's {@code run} with 20, 1000 and 90. */
    private static void drive(String bootstrap, String[] sizes) throws Exception {
        int keys = Integer.parseInt(sizes[0]);
        int recordsPerKey = Integer.parseInt(sizes[1]);
        Duration duration = Duration.ofSeconds(Long.parseLong(sizes[2]));
        boolean exactlyOnce = sizes[3].equals("exactly_once_v2");
        Map<String, Set<Integer>> all = SmokeTestDriver.generate(bootstrap, keys, recordsPerKey, duration);
        awaitQuiet(bootstrap);
        SmokeTestDriver.verify(bootstrap, all, recordsPerKey, exactlyOnce);
    }

    /**
     * Until all input is read and nothing is written any more, or the limit. The verifier first compares two ends of each
     * topic that it asks for one after the other, and fails if one grows in between: it expects instances that keep up.
     */
    private static void awaitQuiet(String bootstrap) throws Exception {
        long began = System.currentTimeMillis();
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            long written = -1;
            for (long since = began, now = began; now - began < QUIET_LIMIT_MS && now - since < QUIET_MS; ) {
                Thread.sleep(LOOK_MS);
                now = System.currentTimeMillis();
                long ends = written(admin);
                if (ends != written || unread(admin) > 0) {
                    since = now;
                }
                written = ends;
            }
        }
        System.out.println("quiet after " + (System.currentTimeMillis() - began) + " ms");
    }

    /** How many input records the group has not committed. */
    private static long unread(Admin admin) throws Exception {
        var committed = admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata().get();
        Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
        for (int partition = 0; partition < PARTITIONS; partition++) {
            ends.put(new TopicPartition("data", partition), OffsetSpec.latest());
        }
        long unread = 0;
        for (var end : admin.listOffsets(ends).all().get().entrySet()) {
            OffsetAndMetadata read = committed.get(end.getKey());
            unread += end.getValue().offset() - (read == null ? 0 : read.offset());
        }
        return unread;
    }

    /** The ends of all topics, change logs included, in one number. */
    private static long written(Admin admin) throws Exception {
        Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
        for (TopicDescription topic : admin.describeTopics(admin.listTopics().names().get()).allTopicNames().get().values()) {
            topic.partitions().forEach(at -> ends.put(new TopicPartition(topic.name(), at.partition()), OffsetSpec.latest()));
        }
        return admin.listOffsets(ends).all().get().values().stream().mapToLong(end -> end.offset()).sum();
    }

    /**
     * {@code shift BY}: moves what the group, whose members have left, has committed for one partition of its input. By 1
     * a record is dropped, by -1 one is processed twice.
     */
    private static void shift(String bootstrap, int by) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
            var committed = admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata().get();
            var chosen = committed.entrySet().stream()
                .filter(entry -> entry.getKey().topic().equals("data") && entry.getValue().offset() > 0)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("nothing was read yet"));
            var moved = new OffsetAndMetadata(chosen.getValue().offset() + by, chosen.getValue().metadata());
            System.out.println(chosen.getKey() + " from " + chosen.getValue().offset() + " to " + moved.offset());
            commit(admin, Map.of(chosen.getKey(), moved));
        }
    }

    private static void commit(Admin admin, Map<TopicPartition, OffsetAndMetadata> offsets) throws Exception {
        for (long until = System.currentTimeMillis() + EMPTY_LIMIT_MS; ; Thread.sleep(LOOK_MS)) {
            try {
                admin.alterConsumerGroupOffsets(GROUP, offsets).all().get();
                return;
            } catch (ExecutionException e) {
                boolean occupied = e.getCause() instanceof UnknownMemberIdException;
                if (!occupied || System.currentTimeMillis() > until) {
                    throw e;
                }
            }
        }
    }
}
