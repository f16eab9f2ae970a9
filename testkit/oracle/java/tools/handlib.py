"""Helpers to write hand-made cases briefly; the output is the same JSON form the generator writes."""
import json
import os

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "cases", "hand")
written = []


def line(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def block(items):
    return "[\n    " + ",\n    ".join(line(i) for i in items) + "\n  ]"


def case(name, doc, topology, inputs, config=None, probes=None):
    """Writes one case; inputs are (topic, key, value, ts[, headers]) or an int: advance of the wall clock."""
    steps = []
    for item in inputs:
        if isinstance(item, int):
            steps.append({"advance_wall_clock_ms": item})
            continue
        step = {"pipe": item[0], "key": item[1], "value": item[2], "ts": item[3]}
        if len(item) > 4:
            step["headers"] = item[4]
        steps.append(step)
    settings = {"store_type": "rocksdb", "cache_bytes": 0}
    settings.update(config or {})
    parts = ['"name": ' + line(name), '"doc": ' + line(doc), '"seed": 0', '"config": ' + line(settings),
             '"topology": ' + block(topology), '"inputs": ' + block(steps)]
    if probes:
        parts.append('"probes": ' + line({"keys": probes[0], "as_of": probes[1]}))
    with open(os.path.join(OUT, name + ".json"), "w", encoding="utf-8") as out:
        out.write("{\n  " + ",\n  ".join(parts) + "\n}\n")
    assert name not in written, name
    written.append(name)


def op(kind, id_, **fields):
    result = {"op": kind}
    if id_:
        result["id"] = id_
    result.update({key.rstrip("_"): value for key, value in fields.items()})
    return result


def src(id_, topic, value="string", **more):
    return op("stream", id_, topic=topic, value=value, **more)


def tab(id_, topic, value="string", store=None, **more):
    fields = dict(more)
    if store:
        fields["store"] = store if isinstance(store, dict) else {"name": store}
    return op("table", id_, topic=topic, value=value, **fields)


def to(from_, topic="out"):
    return op("to", None, from_=from_, topic=topic)


def out(from_, topic="out"):
    """A table's changes to a topic."""
    return [op("to_stream", from_ + "_s", from_=from_), to(from_ + "_s", topic)]


def win(kind, **fields):
    return {"type": kind, **fields}
