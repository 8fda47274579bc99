"""The bare loop that the suite is measured against: ``python -m benchmarks.loop BASE_URL FILE``.

Reads requests from a file of pickled ``(method, target, headers, body)`` and sends them one after the
other over one httpx client, judging nothing.
"""

import pickle
import sys
from pathlib import Path

import httpx


def main(base_url, requests):
    with httpx.Client(base_url=base_url, timeout=30) as client:
        for method, target, headers, body in pickle.loads(Path(requests).read_bytes()):
            client.request(method, target, headers=headers, content=body)


if __name__ == "__main__":
    main(*sys.argv[1:])
