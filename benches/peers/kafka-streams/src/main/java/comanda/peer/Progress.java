package comanda.peer;

import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.common.serialization.Serializer;

/** What the topology has read and written so far, and what the process had used when the first record came. */
final class Progress {
    private final LongAdder records = new LongAdder();
    private final LongAdder outputs = new LongAdder();
    private volatile Usage atFirst;

    /** Counts an input record, handing its time back. */
    long record(long timestamp) {
        if (atFirst == null) {
            markFirst();
        }
        records.increment();
        return timestamp;
    }

    private synchronized void markFirst() {
        if (atFirst == null) {
            atFirst = Usage.now();
        }
    }

    <T> Serializer<T> counting(Serializer<T> serializer) {
        return (topic, value) -> {
            outputs.increment();
            return serializer.serialize(topic, value);
        };
    }

    long records() {
        return records.sum();
    }

    long outputs() {
        return outputs.sum();
    }

    Usage atFirst() {
        return atFirst;
    }
}
