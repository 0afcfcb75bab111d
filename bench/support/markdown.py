"""python3 -m support.markdown RESULTS.json [CELL...]: the tables of a run, or of some of its cells, as Markdown."""

import json
import sys

from support import report


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        results = json.load(file)
    wanted = sys.argv[2:]
    if wanted:
        results["cells"] = [cell for cell in results["cells"] if cell["name"] in wanted]
        results["targets"] = [row for row in results["targets"] if row["cell"] in wanted]
    print(report.markdown(results))


main()
