package comanda.peer;

import java.util.HashMap;
import java.util.Map;

/**
 * The peer's commands: {@code load} fills a workload's input topic, {@code run} drains it on Kafka Streams,
 * {@code serve} runs Kafka Streams until standard input ends.
 */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            throw new IllegalArgumentException("usage: load|run|serve WORKLOAD NAME=VALUE…");
        }
        Options options = Options.of(arguments);
        switch (arguments[0]) {
            case "load" -> Loader.load(arguments[1], options);
            case "serve" -> Serve.run(arguments[1], options);
            case "run" -> System.out.println(new Drain(arguments[1], options).run());
            default -> throw new IllegalArgumentException("no command " + arguments[0]);
        }
    }

    /** What follows command and workload: {@code name=value}. */
    record Options(Map<String, String> values) {
        static Options of(String[] arguments) {
            Map<String, String> values = new HashMap<>();
            for (int i = 2; i < arguments.length; i++) {
                String[] parts = arguments[i].split("=", 2);
                values.put(parts[0], parts[1]);
            }
            return new Options(values);
        }

        String text(String name) {
            String value = values.get(name);
            if (value == null) {
                throw new IllegalArgumentException("missing: " + name + "=…");
            }
            return value;
        }

        long number(String name) {
            return Long.parseLong(text(name));
        }
    }
}
