"""One cell's CPU figures as a bar chart in SVG. It brings its own background, so it reads on light and dark pages."""

from xml.sax.saxutils import escape

from support import words

WIDTH, LEFT, RIGHT, TOP, BOTTOM, ROW, BAR = 760, 172, 150, 74, 40, 32, 18
# A bar longer than this many times the shortest is torn off: otherwise the others could not be told apart.
LONGEST = 12

STYLE = """
.card { fill: #ffffff; stroke: #d0d7de } text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .small { font-size: 11.5px; fill: #59636e } .value { font-weight: 600 }
.ours { fill: #1a7f5a } .ours2 { fill: #7cc4a5 } .rival { fill: #8c959f } .floor { fill: #bf8700 }
.spread { stroke: #1f2328; stroke-width: 1.2 } .tear { stroke: #ffffff; stroke-width: 3; fill: none } .axis { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
.card { fill: #151b23; stroke: #3d444d } text { fill: #e6edf3 } .small { fill: #9198a1 }
.ours { fill: #2ea97c } .ours2 { fill: #1c6b4f } .rival { fill: #6e7681 } .floor { fill: #d29922 }
.spread { stroke: #e6edf3 } .tear { stroke: #151b23 } .axis { stroke: #3d444d } }
"""


def kind(cell, name, contender):
    if contender == "roofline":
        return "floor"
    if contender != "hoist":
        return "rival"
    return "ours" if name == next(iter(cell["variants"])) else "ours2"


def draw(cell, footer):
    variants = cell["variants"]
    medians = [v["cpu"]["median"] for v in variants.values()]
    shown = [m for m in medians if m <= LONGEST * min(medians)]
    room = WIDTH - LEFT - RIGHT
    scale = room / max(v["cpu"]["max"] for v in variants.values() if v["cpu"]["median"] in shown)
    torn = len(shown) < len(medians)
    if torn:
        scale *= 0.86  # so that what is whole ends before what is torn
    times = f" · ×: over {escape(next(iter(variants)))}, in pairs" if cell["pairs"] else ""
    height = TOP + ROW * len(variants) + BOTTOM
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(cell['title'])}: CPU, {words.unit(cell)}</title><style>{STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
        f'<text class="title" x="20" y="31">{escape(cell["title"])}</text>',
        f'<text class="small" x="20" y="51">client CPU, {words.unit(cell)}: less is better · {escape(words.job(cell))}{times}</text>',
    ]
    for i, (name, variant) in enumerate(variants.items()):
        out += bar(cell, name, variant, TOP + ROW * i, scale, room)
    out.append(f'<line class="axis" x1="{LEFT}" x2="{LEFT}" y1="{TOP - 6}" y2="{height - BOTTOM}"/>')
    out.append(f'<text class="small" x="20" y="{height - 15}">{escape(footer)}</text></svg>')
    return "\n".join(out) + "\n"


def bar(cell, name, variant, top, scale, room):
    cpu, middle, base = variant["cpu"], top + BAR / 2, top + BAR / 2 + 4.5
    whole = cpu["median"] * scale <= room
    length = cpu["median"] * scale if whole else room
    yield f'<text x="{LEFT - 10}" y="{base}" text-anchor="end">{escape(name)}</text>'
    yield f'<rect class="{kind(cell, name, variant["contender"])}" x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>'
    if whole:
        begin, end = LEFT + cpu["min"] * scale, LEFT + min(cpu["max"] * scale, room)
        yield f'<path class="spread" d="M{begin:.1f} {middle}H{end:.1f}M{begin:.1f} {middle - 3}v6M{end:.1f} {middle - 3}v6"/>'
    else:
        end, tear = LEFT + room, LEFT + room - 26
        yield f'<path class="tear" d="M{tear} {top - 3}l7 {BAR / 2 + 3}l-7 {BAR / 2 + 3}"/>'
    over = cell["pairs"].get(name)
    factor = f" <tspan class=\"small\">{words.figure(over['cpu']['median'])}×</tspan>" if over else ""
    begins = LEFT + room if not whole else max(end, LEFT + length)
    yield f'<text class="value" x="{begins + 8:.1f}" y="{base}">{words.figure(cpu["median"])}{factor}</text>'
