#!/usr/bin/env python3
"""A ClickHouse server out of the PyPI package chdb-core: `server.py DATA`, until SIGTERM or SIGINT.

Reads config.xml in the working directory. The library runs queries, not servers; but one query can
open the ports, and a second one that reads standard input keeps them open until standard input ends.
"""

import importlib
import importlib.util
import os
import signal
import sys
import threading
import types

SERVE = (
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
    "SELECT count() FROM file('/dev/stdin', 'LineAsString', 's String') FORMAT Null"
)
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def load_extension():
    """Loads chdb._chdb alone.

    `import chdb` opens and closes a connection, which shuts the process-wide registry of streaming
    tables: every Kafka table would fail from then on. So the package around it is a stub.
    """
    package = types.ModuleType("chdb")
    package.__path__ = list(importlib.util.find_spec("chdb").submodule_search_locations)
    sys.modules["chdb"] = package
    working_directory = os.getcwd()
    os.chdir(package.__path__[0])
    extension = importlib.import_module("chdb._chdb")
    os.chdir(working_directory)
    extension.set_signal_handlers_enabled(0)
    return extension


def serve(data: str) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # before any thread exists: all inherit it
    standard_input, keep_open = os.pipe()
    os.dup2(standard_input, 0)
    os.close(standard_input)
    extension = load_extension()
    failures = []

    def query():
        try:
            extension.query(SERVE, "TabSeparated", path=data)
        except Exception as failure:
            failures.append(failure)
        os.kill(os.getpid(), signal.SIGTERM)  # wakes the wait below if the query ended by itself

    server = threading.Thread(target=query)
    server.start()
    signal.sigwait(STOP_SIGNALS)
    os.close(keep_open)
    server.join()
    for failure in failures:
        print(f"clickhouse: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1]))
