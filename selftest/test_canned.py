"""The servers of our own choosing let go of a client that is gone."""

import socket
import threading
from urllib.parse import urlsplit

import pytest

from selftest.canned import answer, canned
from selftest.runs.test_interruption import wait_for

HEAD = b"POST / HTTP/1.1\r\nHost: target\r\n"


@pytest.mark.parametrize(
    "begun",
    [HEAD, HEAD + b"Content-Length: 5\r\n\r\nhel", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"],
    ids=["in its head", "in its body", "in a chunk"],
)
def test_a_client_that_was_cut_off_keeps_no_thread_busy(begun):
    before = threading.active_count()
    with canned(answer("200 OK")) as url:
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as client:
            client.sendall(begun)
            wait_for(lambda: threading.active_count() > before + 1)
        wait_for(lambda: threading.active_count() == before + 1)
