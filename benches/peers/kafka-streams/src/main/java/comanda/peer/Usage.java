package comanda.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the process has used up to a moment. */
record Usage(long nanos, double cpuSeconds) {
    /** USER_HZ: proc(5) counts in hundredths of a second. */
    private static final double TICKS_PER_SECOND = 100;

    static Usage now() {
        String stat = read("/proc/self/stat");
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        double ticks = Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        return new Usage(System.nanoTime(), ticks / TICKS_PER_SECOND);
    }

    double secondsSince(Usage earlier) {
        return (nanos - earlier.nanos) / 1e9;
    }

    double cpuSince(Usage earlier) {
        return cpuSeconds - earlier.cpuSeconds;
    }

    /** Largest resident size so far. */
    static double peakRssMb() {
        String line = read("/proc/self/status").lines().filter(l -> l.startsWith("VmHWM:")).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
