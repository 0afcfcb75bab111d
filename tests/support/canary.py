"""Finds secrets in what a command put out: the keys that tests made, and whatever looks like a part of a signed URL.

Servers tell their secrets to `watch` when they start; `guard` is called by hoist_test for every command that the suite
runs, with its streams, its log at trace level, its manifest, and its ledger. It knows nothing of hoist.
"""

import base64
import re

SHORTEST = 12  # a shorter "secret", such as the key "k" of a test, would be found everywhere

# The query parameters of a signed URL that carry its power, as they stand, within JSON, or percent-encoded once more;
# and the scope that is a part of each credential, however it was cut out.
SIGNED_URL_PARTS = re.compile(rb"""x-amz-(signature|credential|security-token)["']?\s*(=|:|%3d|%253d|\\u003d)|aws4_request""", re.I)

_watched = set()


class SecretLeaked(AssertionError):
    pass


def watch(secret):
    if len(secret) >= SHORTEST:
        _watched.add(secret if isinstance(secret, bytes) else secret.encode())


def _spellings(secret):
    """As it is, in either case of hexadecimal digits, and as the beginning of a base64 text."""
    yield secret
    yield secret.swapcase()
    yield base64.b64encode(secret).rstrip(b"=")[:-1]


def found(data):
    """Names of what is in `data` and must not be; never the secrets themselves, since a test's output is an output."""
    names = []
    for secret in tuple(_watched):  # other threads begin servers meanwhile
        if any(spelling in data for spelling in _spellings(secret)):
            names.append(f"a secret that begins with {secret[:4].decode(errors='replace')}")
    part = SIGNED_URL_PARTS.search(data)
    if part:
        names.append(f"a part of a signed URL ({part.group(0).decode()})")
    return names


def guard(data, where):
    names = found(data)
    if names:
        raise SecretLeaked(f"{where} holds {', '.join(names)}")


def guard_file(path):
    if path.is_file() and not path.is_symlink():
        guard(path.read_bytes(), path)
