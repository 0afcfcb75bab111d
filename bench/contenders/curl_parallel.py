#!/usr/bin/env python3
"""The job with the command `curl --parallel`, in two rounds: all presigns, then all PUTs.

    curl_parallel.py ENDPOINT LISTFILE CONCURRENCY

HOIST_API_KEY and SSL_CERT_FILE as for every contender. The replies of the first round become the second
round's config file. Files of both rounds are in a temporary folder (TMPDIR), readable by the user alone.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

PRESIGN_BODY = '{"content_type":"application/octet-stream","file_type":"other"}'


def quoted(text):
    """As a curl config file wants it; backslash first."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def curl(config, concurrency, **options):
    # --parallel-immediate: connections at once, instead of waiting for the first to learn whether it multiplexes.
    command = ["curl", "--parallel", "--parallel-immediate", "--parallel-max", str(concurrency), "--no-progress-meter"]
    # The variable that outranks all others; as an option it would have to be said again after each `next`.
    env = {**os.environ, "CURL_CA_BUNDLE": os.environ["SSL_CERT_FILE"]}
    return subprocess.run([*command, "--http1.1", "--config", config], env=env, **options)


def presign(endpoint, paths, folder, concurrency):
    """Asks for one ticket per path, each reply into a file of its own; the tickets, None where there is none."""
    config = folder / "presign"
    lines = [
        "fail",
        f"data = {quoted(PRESIGN_BODY)}",
        f"header = {quoted('X-API-Key: ' + os.environ['HOIST_API_KEY'])}",
        'header = "Content-Type: application/json"',
    ]
    url = f"url = {quoted(endpoint + '/v1/upload/presign')}"
    for i in range(len(paths)):
        lines += [url, f"output = {quoted(folder / str(i))}"]
    config.write_text("\n".join(lines) + "\n")
    curl(config, concurrency)
    return [ticket_in(folder / str(i)) for i in range(len(paths))]


def ticket_in(file):
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def put(paths, tickets, folder, concurrency):
    """Puts every file that has a ticket; the indices of those that got 200, in any order."""
    config = folder / "put"
    lines = []
    for i, (path, ticket) in enumerate(zip(paths, tickets)):
        if ticket is None:
            continue
        lines += ["next"] if lines else []
        lines += [f"upload-file = {quoted(path)}", f"url = {quoted(ticket['presigned_url'])}", 'output = "/dev/null"']
        lines += ['header = "Content-Type: application/octet-stream"', 'header = "Expect:"']
        lines += [f"header = {quoted(name + ': ' + value)}" for name, value in ticket["required_headers"].items()]
        lines += [f'write-out = "{i} %{{http_code}}\\n"']
    config.write_text("\n".join(lines) + "\n")
    said = curl(config, concurrency, stdout=subprocess.PIPE, text=True).stdout
    return [int(line.split()[0]) for line in said.splitlines() if line.endswith(" 200")]


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: curl_parallel.py ENDPOINT LISTFILE CONCURRENCY")
    endpoint, list_file, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3])
    paths = pathlib.Path(list_file).read_text().splitlines()
    with tempfile.TemporaryDirectory(prefix="curl-parallel-") as folder:
        folder = pathlib.Path(folder)
        tickets = presign(endpoint, paths, folder, concurrency)
        stored = put(paths, tickets, folder, concurrency)
    account = {"done": len(stored), "failed": len(paths) - len(stored), "bytes": sum(os.stat(paths[i]).st_size for i in stored)}
    print(json.dumps(account))
    sys.exit(0 if account["failed"] == 0 else 1)


main()
