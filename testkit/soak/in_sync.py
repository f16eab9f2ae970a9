#!/usr/bin/env python3
"""Exits 0 when every partition of the cluster at 127.0.0.1:PORT has a leader and REPLICAS replicas in sync."""

import socket
import struct
import sys

METADATA_KEY = 3
METADATA_VERSION = 4  # the last one without tagged fields and offline replicas
ALL_TOPICS = struct.pack(">i?", -1, False)


class Answer:
    """A response body, read from front to back."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, layout: str):
        (value,) = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return value

    def skip_string(self):
        length = self.take("h")
        self.at += max(length, 0)

    def numbers(self) -> list[int]:
        return [self.take("i") for _ in range(self.take("i"))]


def metadata(port: int) -> Answer:
    request = struct.pack(">hhih", METADATA_KEY, METADATA_VERSION, 1, 7) + b"in-sync" + ALL_TOPICS
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        reader = connection.makefile("rb")
        (size,) = struct.unpack(">i", reader.read(4))
        return Answer(reader.read(size))


def in_sync(answer: Answer, replicas: int) -> bool:
    answer.at = 8  # correlation id, throttle time
    for _ in range(answer.take("i")):
        answer.take("i"), answer.skip_string(), answer.take("i"), answer.skip_string()
    answer.skip_string(), answer.take("i")  # cluster id, controller
    for _ in range(answer.take("i")):
        answer.take("h"), answer.skip_string(), answer.take("?")
        for _ in range(answer.take("i")):
            error, _partition, leader = answer.take("h"), answer.take("i"), answer.take("i")
            answer.numbers()
            if error != 0 or leader < 0 or len(answer.numbers()) < replicas:
                return False
    return True


if __name__ == "__main__":
    try:
        sys.exit(0 if in_sync(metadata(int(sys.argv[1])), int(sys.argv[2])) else 1)
    except OSError:
        sys.exit(1)
