#!/usr/bin/env python3
"""Exits 0 when the broker on 127.0.0.1:PORT answers a Metadata request with a registered broker."""

import socket
import struct
import sys

METADATA_KEY = 3
METADATA_VERSION = 4  # the last one without tagged fields: the body is a plain count of topics and a flag
NO_TOPICS = struct.pack(">i?", 0, False)


def metadata_request() -> bytes:
    client_id = b"up"
    header = struct.pack(">hhih", METADATA_KEY, METADATA_VERSION, 1, len(client_id)) + client_id
    request = header + NO_TOPICS
    return struct.pack(">i", len(request)) + request


def receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise ConnectionError("closed by the broker")
        received += chunk
    return received


def registered_brokers(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(metadata_request())
        (size,) = struct.unpack(">i", receive(connection, 4))
        response = receive(connection, size)
    _correlation_id, _throttle_ms, brokers = struct.unpack(">iii", response[:12])
    return brokers


if __name__ == "__main__":
    try:
        sys.exit(0 if registered_brokers(int(sys.argv[1])) > 0 else 1)
    except OSError:
        sys.exit(1)
