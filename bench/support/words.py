"""How figures are written, in text, tables and charts alike."""


def figure(value):
    """Three digits that count."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    for limit, places in ((0.1, 4), (1, 3), (10, 2), (100, 1)):
        if abs(value) < limit:
            return f"{value:.{places}f}"
    return f"{value:,.0f}".replace(",", " ")


def size(value):
    for step, name in ((1_000_000, "MB"), (1024, "KB")):
        if value >= step:
            return f"{value / step:g} {name}"
    return f"{value} bytes"


def unit(cell):
    return "µs per file" if cell["unit"] == "file" else "s per GB"


def job(cell):
    if "job" in cell:
        return cell["job"]
    at_once = f"{cell['concurrency']} at once" if cell["concurrency"] else "-j auto"
    count = f"{cell['files']['count']:,}".replace(",", " ")
    return f"{count} files of {size(cell['files']['size'])}, {at_once}"


def ratio(spread):
    """Median, and from where to where."""
    return f"{figure(spread['median'])} ({figure(spread['min'])} to {figure(spread['max'])})"
