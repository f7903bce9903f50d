"""What make.sh needs to make pictures, with Python's standard library alone.

    picture.py terminal < PRINTED > PAGE       what a command printed, colours included, as a page
    picture.py report HOST < REPORT > PAGE     the parts of a report that the README shows, without the name of this machine
    picture.py shrink PNG > PNG                a picture of a browser with a palette of at most 256 colours
"""

import html
import re
import struct
import sys
import zlib

# The page tells its height in its title: a browser without a screen cannot be asked for it.
MEASURE = (
    "<script>document.title = 'height ' + Math.ceil(document.documentElement.getBoundingClientRect().height)</script>"
)

TERMINAL = """<!doctype html><meta charset="utf-8"><title></title><style>
body { margin: 0; padding: 16px 20px; background: #1b1f24 }
pre { margin: 0; font: 12.5px/1.45 "DejaVu Sans Mono", monospace; color: #d4dae1; white-space: pre-wrap }
.s1 { font-weight: bold; color: #f3f6f9 } .s2 { color: #8b95a1 } .s31 { color: #ff7b72; font-weight: bold }
.s32 { color: #7ee787 } .s33 { color: #e3b341 } .s36 { color: #79c0ff }
</style><pre>%s</pre>%s
"""


def terminal(printed):
    """The page of what was printed: every colour that is switched on ends where the next one begins."""
    parts = re.split("\x1b\\[([0-9;]*)m", printed.rstrip("\n"))
    shown = [html.escape(parts[0])]
    for style, text in zip(parts[1::2], parts[2::2]):
        if style in ("", "0") or not text:
            shown.append(html.escape(text))
        else:
            shown.append(f'<span class="s{style}">{html.escape(text)}</span>')
    return TERMINAL % ("".join(shown), MEASURE)


def report(page, host):
    """The report's head and the sections that say most, in its own look."""
    page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    page = re.sub(r"\b%s\b" % re.escape(host), "host-1", page)
    hidden = "nav, #summary h3, #summary table, #speed, #refused, .look ~ .look, #deviations, #evidence, #glossary, footer"
    style = "<style>%s { display: none !important } body { padding-bottom: 24px !important }</style>" % hidden
    return page.replace("</head>", style + "</head>").replace("</body>", MEASURE + "</body>")


def chunks(png):
    """The chunks of a PNG, as pairs of a type and its data."""
    at = 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        yield kind, png[at + 8 : at + 8 + length]
        at += 12 + length


def rows(width, height, size, data):
    """The rows of an image of 8 bits a channel, their filters undone."""
    stride, before = width * size, bytearray(width * size)
    for y in range(height):
        kind, row = data[y * (stride + 1)], bytearray(data[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        for x in range(stride):
            left = row[x - size] if x >= size else 0
            up, corner = before[x], before[x - size] if x >= size else 0
            if kind == 1:
                row[x] = (row[x] + left) & 255
            elif kind == 2:
                row[x] = (row[x] + up) & 255
            elif kind == 3:
                row[x] = (row[x] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))
                row[x] = (row[x] + near[2]) & 255
        yield row
        before = row


def shrink(png):
    """The same picture with a palette: the most frequent colours, and for each other one the nearest of them."""
    parts = list(chunks(png))
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", dict(parts)[b"IHDR"])
    size = {2: 3, 6: 4}[colour]
    assert (depth, interlace) == (8, 0), "a screenshot of Chromium"
    data = zlib.decompress(b"".join(part for kind, part in parts if kind == b"IDAT"))
    counts, lines = {}, []
    for row in rows(width, height, size, data):
        line = [bytes(row[x : x + 3]) for x in range(0, len(row), size)]
        lines.append(line)
        for pixel in line:
            counts[pixel] = counts.get(pixel, 0) + 1
    palette = sorted(counts, key=lambda pixel: (-counts[pixel], pixel))[:256]
    index = {pixel: at for at, pixel in enumerate(palette)}
    for pixel in counts:
        if pixel not in index:
            apart = [sum((a - b) ** 2 for a, b in zip(pixel, other)) for other in palette]
            index[pixel] = apart.index(min(apart))
    packed = b"".join(b"\0" + bytes(index[pixel] for pixel in line) for line in lines)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", head), chunk(b"PLTE", b"".join(palette)), chunk(b"IDAT", zlib.compress(packed, 9)), chunk(b"IEND", b"")]
    )


def main(what, *arguments):
    if what == "terminal":
        sys.stdout.write(terminal(sys.stdin.read()))
    elif what == "report":
        sys.stdout.write(report(sys.stdin.read(), *arguments))
    elif what == "shrink":
        with open(arguments[0], "rb") as file:
            sys.stdout.buffer.write(shrink(file.read()))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
