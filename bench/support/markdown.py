"""python3 -m support.markdown [--overview] RESULTS.json [CELL...]: a run, or some of its cells, as Markdown: a table for
each, or one for all."""

import json
import sys

from support import report


def main():
    words = sys.argv[1:]
    write = report.overview if "--overview" in words else report.markdown
    words = [word for word in words if word != "--overview"]
    if not words:
        sys.exit(__doc__)
    with open(words[0]) as file:
        results = json.load(file)
    wanted = words[1:]
    if wanted:
        results["cells"] = [cell for cell in results["cells"] if cell["name"] in wanted]
        results["targets"] = [row for row in results["targets"] if row["cell"] in wanted]
    print(write(results))


main()
