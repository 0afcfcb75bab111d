#!/usr/bin/python3
"""The job with aiohttp: one task per upload in flight, one session, uvloop when it is installed.

    python_aiohttp.py ENDPOINT LISTFILE CONCURRENCY

HOIST_API_KEY and SSL_CERT_FILE as for every contender. The interpreter is Debian's, since aiohttp is Debian's package.
"""

import asyncio
import json
import os
import ssl
import sys

import aiohttp

try:
    import uvloop
except ImportError:
    uvloop = None

PRESIGN_BODY = b'{"content_type":"application/octet-stream","file_type":"other"}'
READ_WHOLE_MAX = 1 << 20  # bytes; larger files are streamed from disk


async def presign(session, endpoint, headers):
    async with session.post(endpoint + "/v1/upload/presign", data=PRESIGN_BODY, headers=headers) as reply:
        reply.raise_for_status()
        return await reply.json()


async def put(session, ticket, path):
    headers = {**ticket["required_headers"], "Content-Type": "application/octet-stream"}
    size = os.stat(path).st_size
    with open(path, "rb") as file:
        body = file.read() if size <= READ_WHOLE_MAX else file
        async with session.put(ticket["presigned_url"], data=body, headers=headers) as answer:
            answer.raise_for_status()
            await answer.read()
    return size


async def work(session, endpoint, headers, paths, account):
    for path in paths:  # one iterator for all workers
        try:
            ticket = await presign(session, endpoint, headers)
            size = await put(session, ticket, path)  # on its own: a sum read before an await would be stale after it
            account["bytes"] += size
            account["done"] += 1
        except (aiohttp.ClientError, OSError) as error:
            print(f"python_aiohttp: {path}: {error!r}", file=sys.stderr)
            account["failed"] += 1


async def run(endpoint, list_file, concurrency):
    headers = {"X-API-Key": os.environ["HOIST_API_KEY"], "Content-Type": "application/json"}
    tls = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    account = {"done": 0, "failed": 0, "bytes": 0}
    connector = aiohttp.TCPConnector(ssl=tls, limit=concurrency)
    # No limit in all: the default of five minutes is for one request, and large ones wait for each other here.
    timeout = aiohttp.ClientTimeout(total=None)
    with open(list_file) as lines:
        paths = (line.rstrip("\n") for line in lines)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await asyncio.gather(*(work(session, endpoint, headers, paths, account) for _ in range(concurrency)))
    return account


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: python_aiohttp.py ENDPOINT LISTFILE CONCURRENCY")
    if uvloop:
        uvloop.install()
    account = asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    print(json.dumps(account))
    sys.exit(0 if account["failed"] == 0 else 1)


main()
