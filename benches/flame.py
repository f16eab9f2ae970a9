#!/usr/bin/env python3
"""Draws what `perf script -F comm,ip,sym,dso` prints as a flame graph, and prints each thread's and library's share.

    perf script … | flame.py TITLE FILE.svg

A box is a function, as wide as its share of all samples, on top of its caller; the lowest row is the thread. The SVG is
plain: no script, names and shares show as tooltips.
"""

import collections
import html
import re
import sys

WIDTH, ROW, TOP = 1200, 15, 40
LETTER = 6.1  # of the font below
# Narrower boxes are left out: nobody could read them, and the file stays small.
LEAST_SHARE = 0.003
# Whose code a function is, by its name or by where it lies. The first that fits; the rest is the system's.
OWNERS = [
    ("librdkafka", "#e39b53", re.compile(r"^(rd_|rdk|snappy_|LZ4|crc32c|mtx_|cnd_|tinycthread)")),
    ("RocksDB", "#8fbf6a", re.compile(r"rocksdb|^rocksdb_")),
    ("mimalloc", "#b79ad6", re.compile(r"^_?mi_|^(malloc|free|calloc|realloc)$|mimalloc")),
    ("Comanda", "#d9655f", re.compile(r"comanda|hashbrown|imbl|bytes::|^<?(alloc|core|std)::|metrics")),
]
SYSTEM = ("kernel and libc", "#8aa4c8")


def owner(name, dso):
    if "kernel" in dso or "libc" in dso or "vdso" in dso:
        return SYSTEM
    for label, colour, known in OWNERS:
        if known.search(name):
            return (label, colour)
    return SYSTEM


def shortened(name):
    """Without hashes, addresses and type arguments, which hide what is called."""
    name = re.sub(r"::h[0-9a-f]{16}$|\+0x[0-9a-f]+$|\(\.llvm\.\d+\)|\.(cold|part|isra|constprop)[.\d]*", "", name)
    while (flat := re.sub(r"<[^<>]*>", "", name)) != name and flat.strip(":"):
        name = flat
    return re.sub(r"\(.*", "", name).strip() or name


def stacks(lines):
    """Each sample as (function, owner) from the thread outwards."""
    thread, frames = None, []
    for line in lines:
        if not line.strip():
            if thread is not None:
                yield [(thread, ("thread", "#c9c9c9")), *reversed(frames)]
            thread, frames = None, []
        elif thread is None:
            thread = re.sub(r"\s+\d*$", "", line.strip())
        else:
            found = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", line)
            if found and found[1] != "[unknown]":
                frames.append((shortened(found[1]), owner(found[1], found[2])))


class Box:
    def __init__(self):
        self.samples, self.above = 0, collections.defaultdict(Box)


def tree(samples):
    root = Box()
    for stack in samples:
        box = root
        box.samples += 1
        for frame in stack:
            box = box.above[frame]
            box.samples += 1
    return root


def boxes(box, x, depth, scale):
    """(x, depth, width, name, colour, samples) of all that is wide enough."""
    for (name, (_, colour)), above in sorted(box.above.items()):
        width = above.samples * scale
        if width >= LEAST_SHARE * WIDTH:
            yield x, depth, width, name, colour, above.samples
            yield from boxes(above, x, depth + 1, scale)
        x += width


def svg(title, root):
    drawn = list(boxes(root, 0, 0, WIDTH / root.samples))
    height = TOP + ROW * (1 + max(depth for _, depth, *_ in drawn)) + 5
    owners = [(label, colour) for label, colour, _ in OWNERS] + [SYSTEM]
    legend = "".join(f'<tspan fill="{colour}"> ■ </tspan>{label}' for label, colour in owners)
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="10">'
    yield f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
    yield f'<text x="5" y="15" font-size="13">{html.escape(title)}</text><text x="5" y="31">{legend}</text>'
    for x, depth, width, name, colour, samples in drawn:
        y = height - 5 - ROW * (depth + 1)
        share = f"{100 * samples / root.samples:.1f} %"
        text = name if len(name) * LETTER < width else name.rsplit("::", 1)[-1][: int((width - 4) / LETTER)]
        label = f'<text x="{x + 2:.1f}" y="{y + 10}">{html.escape(text)}</text>' if width > 20 else ""
        box = f'<rect x="{x:.1f}" y="{y}" width="{width - 0.4:.1f}" height="{ROW - 1}" fill="{colour}"/>'
        yield f"<g><title>{html.escape(name)}: {share}</title>{box}{label}</g>"
    yield "</svg>"


def shares(samples, of):
    counts = collections.Counter(of(stack) for stack in samples)
    return ", ".join(f"{name} {100 * count / len(samples):.0f} %" for name, count in counts.most_common(8))


def main():
    title, file = sys.argv[1:]
    samples = list(stacks([*sys.stdin, "\n"]))
    with open(file, "w", encoding="utf-8") as out:
        out.write("\n".join(svg(title, tree(samples))) + "\n")
    print(f"{title}: {len(samples)} samples in {file}")
    print("  by thread:", shares(samples, lambda stack: stack[0][0]))
    print("  by the innermost function's owner:", shares(samples, lambda stack: stack[-1][1][0]))


main()
