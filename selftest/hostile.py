"""Hostile servers: none may crash the suite, hold it up, fill its memory or disk, or have it print the credential.

``SERVERS`` is the catalogue. Each behaves until the suite has found it to be a batch API, and from the second request
on as its sentence says. ``python -m selftest.hostile`` runs the suite on each and prints what it took: exit status,
seconds past the time budget, peak memory, size of the reports, and whether the credential is anywhere in them. Where
the machine has more to do than it has cores, that many times more seconds are allowed for.
"""

from __future__ import annotations

import argparse
import base64
import codecs
import gzip
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote

from selftest.canned import Respond, answer, canned

KEY = "tr_dev_hostile.Secret+Key_8417"
# Of the reports the evidence may take 34 MB.
BUDGET, PAST, MEMORY, REPORTS = 5.0, 5.0, 300.0, 45.0
LONGEST = 90
OPTIONS = ("--profile=smoke", f"--max-seconds={BUDGET:g}", "--timeout=1", "--verbose")
SERVERS: dict[str, Respond] = {}


def hostile(server: Respond) -> Respond:
    """Enter a server into the catalogue; its docstring is the sentence."""
    SERVERS[server.__name__] = server
    return server


def always(name: str, sentence: str, said: bytes) -> None:
    """Enter a server that says the same to every request."""

    def server(_request: bytes, _number: int, _connection: socket.socket) -> bytes:
        return said

    server.__name__, server.__doc__ = name, sentence
    SERVERS[name] = server


def batch(**more: object) -> bytes:
    return json.dumps({"id": f"batch_{uuid.uuid4().hex}", "runCount": 1, "isCached": False, **more}).encode()


def raw(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join(("HTTP/1.1 202 Accepted", "Content-Type: application/json", *lines, "", "")).encode() + body


def fine(*headers: str, **more: object) -> bytes:
    return answer("202 Accepted", batch(**more), *headers)


def until_closed(connection: socket.socket, piece: bytes, pause: float = 0.0) -> None:
    """Send ``piece`` again and again."""
    while True:
        connection.sendall(piece)
        time.sleep(pause)


# Time: slow, endless, and never.


@hostile
def answers_byte_by_byte(_request, _number, connection):
    """Sends one byte of an answer each twentieth of a second."""
    for byte in fine():
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


@hostile
def trickles_for_ever(_request, _number, connection):
    """Sends a space of its body now and then, without end."""
    connection.sendall(raw("Content-Length: 100000"))
    until_closed(connection, b" ", 0.1)


@hostile
def never_answers(_request, _number, _connection):
    """Takes requests and says nothing."""
    time.sleep(30)


@hostile
def endless_headers(_request, _number, connection):
    """Sends header after header."""
    connection.sendall(b"HTTP/1.1 202 Accepted\r\n")
    until_closed(connection, b"X-More: " + b"x" * 1000 + b"\r\n")


@hostile
def one_endless_header(_request, _number, connection):
    """Sends one header's value without end."""
    connection.sendall(b"HTTP/1.1 202 Accepted\r\nX-More: ")
    until_closed(connection, b"x" * 65536)


@hostile
def endless_status_line(_request, _number, connection):
    """Sends a reason phrase without end."""
    connection.sendall(b"HTTP/1.1 202 ")
    until_closed(connection, b"Accepted " * 1000)


@hostile
def endless_body(_request, _number, connection):
    """Sends a body until the connection is closed, which is never."""
    connection.sendall(raw("Connection: close"))
    until_closed(connection, b"x" * 65536)


@hostile
def endless_chunks(_request, _number, connection):
    """Sends chunks of one byte each."""
    connection.sendall(raw("Transfer-Encoding: chunked"))
    until_closed(connection, b"1\r\nx\r\n" * 10_000)


@hostile
def endless_chunk_extension(_request, _number, connection):
    """Sends a chunk's extension without end."""
    connection.sendall(raw("Transfer-Encoding: chunked", body=b"5;a="))
    until_closed(connection, b"x" * 65536)


@hostile
def endless_trailers(_request, _number, connection):
    """Sends trailer after trailer."""
    connection.sendall(raw("Transfer-Encoding: chunked", body=b"0\r\n"))
    until_closed(connection, b"X-Trailer: " + b"x" * 1000 + b"\r\n")


@hostile
def interim_answers(_request, _number, connection):
    """Sends 103 without end."""
    until_closed(connection, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)


@hostile
def continues(_request, _number, connection):
    """Sends 100 Continue again and again, slowly."""
    until_closed(connection, b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)


@hostile
def more_than_was_asked_for(_request, _number, connection):
    """Sends ten answers to each request."""
    connection.sendall(fine() * 10)


@hostile
def limits_for_ever(_request, _number, _connection):
    """Answers 429 to everything, to be tried again in a day."""
    limits = ("X-RateLimit-Limit: 1", "X-RateLimit-Remaining: 0", f"X-RateLimit-Reset: {int(time.time()) + 86400}")
    return answer("429 Too Many", b'{"message":"later"}', *limits, "Retry-After: 86399")


@hostile
def limits_for_a_moment(_request, _number, _connection):
    """Answers 429 to everything, to be tried again at once."""
    return answer("429 Too Many", b'{"message":"later"}', "Retry-After: 0")


# Connections: closed, cut, and no HTTP.


@hostile
def closes_at_once(_request, _number, _connection):
    """Hangs up without a word."""


@hostile
def closes_in_the_status_line(_request, _number, connection):
    """Hangs up within the status line."""
    connection.sendall(b"HTTP/1.1 20")


@hostile
def closes_in_the_headers(_request, _number, connection):
    """Hangs up within the headers."""
    connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Type: appl")


@hostile
def closes_in_the_body(_request, _number, connection):
    """Hangs up within the body."""
    connection.sendall(raw("Content-Length: 1000", body=batch()))


@hostile
def closes_in_a_chunk(_request, _number, connection):
    """Hangs up within a chunk."""
    connection.sendall(raw("Transfer-Encoding: chunked", body=b"ff\r\n{"))


@hostile
def resets(_request, _number, connection):
    """Resets the connection after half an answer."""
    connection.sendall(fine()[:40])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


@hostile
def old_http(_request, _number, connection):
    """Answers as HTTP/0.9: a body and nothing else."""
    connection.sendall(batch())


for _name, _sentence, _said in (
    ("http_2_preface", "Speaks HTTP/2 without being asked to.", b"\0\0\x12\4\0\0\0\0\0" + b"\0" * 18),
    ("tls_bytes", "Answers with a TLS alert on a plain port.", b"\x15\3\1\0\2\2\x46"),
    ("ssh", "Is an SSH server.", b"SSH-2.0-OpenSSH_9.6\r\n"),
    ("odd_version", "Says HTTP/9.9.", b"HTTP/9.9 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"),
    ("no_status", "Has a status line without a status.", b"HTTP/1.1 \r\nContent-Length: 2\r\n\r\n{}"),
    ("status_of_four_digits", "Answers 2020.", b"HTTP/1.1 2020 Accepted\r\nContent-Length: 2\r\n\r\n{}"),
    ("status_999", "Answers 999.", answer("999 Whatever", b"{}")),
    ("status_000", "Answers 000.", answer("000 Whatever", b"{}")),
    ("two_lengths", "States two lengths.", raw("Content-Length: 2", "Content-Length: 30", body=b"{}")),
    ("length_of_5000_digits", "States a length of 5,000 digits.", raw("Content-Length: " + "9" * 5000, body=b"{}")),
    ("negative_length", "States a length of -1.", raw("Content-Length: -1", body=b"{}")),
    ("length_and_chunks", "States a length and sends chunks.",
     raw("Content-Length: 5", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n")),
    ("chunk_of_5000_digits", "Sends a chunk whose size has 5,000 digits.",
     raw("Transfer-Encoding: chunked", body=b"f" * 5000 + b"\r\n{}")),
    ("length_too_short", "States less than it sends, and the rest looks like an answer.",
     raw("Content-Length: 2", body=b"{}HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")),
):  # fmt: skip
    always(_name, _sentence, _said)

# Size: what unpacks, what is nested, and what is many.


def spaces(window: int = 31) -> bytes:
    """64 MB of spaces, packed without being there; the window is zlib's, of gzip or deflate."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return b"".join([*(packer.compress(b" " * (1 << 20)) for _ in range(64)), packer.flush()])


for _name, _sentence, _said in (
    ("gzip_bomb", "64 MB of spaces in gzip.", answer("202 Accepted", spaces(), "Content-Encoding: gzip")),
    ("gzip_bomb_in_gzip", "The same in gzip once more.",
     answer("202 Accepted", gzip.compress(spaces()), "Content-Encoding: gzip, gzip")),
    ("gzip_ten_times", "A batch in gzip ten times over.",
     answer("202 Accepted", batch(), "Content-Encoding: " + ", ".join(["gzip"] * 10))),
    ("a_thousand_codings", "A Content-Encoding of a thousand codings.",
     answer("202 Accepted", batch(), "Content-Encoding: " + ", ".join(["gzip"] * 1000))),
    ("deflate_bomb", "64 MB of spaces in deflate.",
     answer("202 Accepted", spaces(15), "Content-Encoding: deflate")),
    ("deflate_that_is_none", "Says deflate, and is none.",
     answer("202 Accepted", b"\x78\x9c" + b"\xff" * 900, "Content-Encoding: deflate")),
    ("brotli_that_is_none", "Says br, which nobody asked for, and is none.",
     answer("202 Accepted", b"\xff" * 900, "Content-Encoding: br")),
    ("gzip_cut_short", "Gzip that ends too soon.",
     answer("202 Accepted", gzip.compress(os.urandom(9000))[:4000], "Content-Encoding: gzip")),
    ("ten_thousand_headers", "An answer with 10,000 headers.",
     fine(*(f"X-Header-{number}: {'x' * 20}" for number in range(10_000)))),
    ("large_headers", "Headers of 60 kB in all.", fine(*(f"X-Header-{number}: {'x' * 1000}" for number in range(55)))),
    ("one_name_200_times", "One header 200 times.", fine(*["X-RateLimit-Limit: 5"] * 200)),
    ("nested_900_deep", "JSON nested 900 deep.",
     answer("202 Accepted", b'{"id":"b","runCount":1,"isCached":false,"x":' + b"[" * 900 + b"]" * 900 + b"}")),
    ("nested_900_deep_in_errors", "Errors of JSON nested 900 deep.",
     answer("400 Bad", b'{"message":"m","x":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}")),
    ("nested_500000_deep", "JSON nested 500,000 deep.", answer("202 Accepted", b"[" * 500_000 + b"]" * 500_000)),
    ("nested_objects_deep", "Objects nested 100,000 deep.", answer("400 Bad", b'{"a":' * 100_000 + b"}" * 100_000)),
    ("wide_array", "An array of 300,000 empty objects.",
     answer("202 Accepted", b'{"id":"b","runCount":1,"isCached":false,"x":[' + b"{}," * 300_000 + b"1]}")),
    ("wide_object", "An object of 60,000 names.",
     answer("202 Accepted", batch(**{f"n{number}": number for number in range(60_000)}))),
    ("an_id_of_a_megabyte", "An id of a million characters.", fine(id="x" * 1_000_000)),
    ("small_wide_answers", "4 kB of empty objects in each answer.",
     answer("202 Accepted", b'{"id":"b","runCount":1,"isCached":false,"x":[' + b"{}," * 1300 + b"1]}")),
    ("a_message_of_a_megabyte", "A message of a million line ends.",
     answer("400 Bad", json.dumps({"message": "a\n" * 250_000}).encode())),
    ("control_characters", "A body of control characters, which JSON writes six times as long.",
     answer("202 Accepted", b"\1" * 200_000)),
    ("large_pages", "A page of 900 kB for each answer.", answer("404 Not", b"<p>" * 300_000, media_type="text/html")),
):  # fmt: skip
    always(_name, _sentence, _said)

# Numbers, dates and texts that readers stumble over.

LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After")
for _digits in (400, 5000):
    _value = "9" * _digits
    always(f"limits_of_{_digits}_digits", f"Rate-limit headers of {_digits} digits, on 202.",
           fine(*(f"{name}: {_value}" for name in LIMITS)))  # fmt: skip
    always(f"refusals_of_{_digits}_digits", f"429 with rate-limit headers of {_digits} digits.",
           answer("429 Too Many", b"{}", *(f"{name}: {_value}" for name in LIMITS)))  # fmt: skip
for _name, _sentence, _said in (
    ("a_date_far_off", "A Date in the year 99999999999.",
     fine("Date: Wed, 25 Nov 99999999999 10:00:00 GMT", "Retry-After: 1", f"X-RateLimit-Reset: {int(time.time())}")),
    ("a_date_of_60_kb", "A Date of 60 kB.", fine("Date: " + "9" * 60_000)),
    ("a_zone_far_off", "A Date in a time zone of many digits.", fine("Date: Wed, 25 Nov 2026 10:00:00 +99999999")),
    ("odd_numbers", "Numbers of other scripts, negative and empty.",
     fine("X-RateLimit-Limit: -5", "X-RateLimit-Remaining: \u00b2", "X-RateLimit-Reset:", "Retry-After: 1e9")),
    ("run_count_of_4000_digits", "A runCount of 4,000 digits.",
     answer("202 Accepted", b'{"id":"b","isCached":false,"runCount":' + b"9" * 4000 + b"}")),
    ("run_count_of_50000_digits", "A runCount of 50,000 digits.",
     answer("202 Accepted", b'{"id":"b","isCached":false,"runCount":' + b"9" * 50_000 + b"}")),
    ("run_count_of_1e999", "A runCount of 1e999.",
     answer("202 Accepted", b'{"id":"b","isCached":false,"runCount":1e999}')),
    ("wrong_types", "Every property of another type.",
     answer("202 Accepted", b'{"id":[1],"isCached":"no","runCount":{"a":null},"idempotencyKey":[{}]}')),
    ("surrogates", "Unpaired surrogates in id, key and message.",
     answer("202 Accepted", b'{"id":"\\ud800","isCached":false,"runCount":1,"idempotencyKey":"\\udfff"}')),
    ("surrogates_in_errors", "Unpaired surrogates in names and messages of errors.",
     answer("400 Bad", b'{"message":"\\ud83d","\\ude00":"\\udfff"}')),
    ("no_text", "A body that is no UTF-8.", answer("400 Bad", b'{"message":"\xff\xfe\xc0\x80"}')),
    ("utf_16", "JSON in UTF-16.", answer("202 Accepted", batch().decode().encode("utf-16"))),
    ("duplicate_names", "Every name twice.",
     answer("202 Accepted", b'{"id":"a","id":"b","runCount":1,"runCount":"1","isCached":false,"isCached":null}')),
    ("nul_in_headers", "NUL in a header.", fine("X-Nul: a\0b")),
    ("bytes_in_headers", "Bytes above 0x7F in names and values.", fine("X-Odd: \u00ff\u00fe", "X-\u00e9: 1")),
    ("folded_headers", "A header that is folded.", fine("X-Folded: a\r\n b\r\n\tc")),
    ("headers_without_names", "A header without a name.", fine(": nothing")),
    ("odd_media_types", "A Content-Type of nothing but marks.",
     answer("202 Accepted", batch(), media_type=";;;=,\"\\")),
    ("redirects", "Redirects to elsewhere.", answer("307 Moved", b"", "Location: http://127.0.0.1:9/else")),
    ("redirects_oddly", "Redirects to no address.", answer("308 Moved", b"", "Location: http://[::bad/\x7f%zz")),
    ("commands", "Lines that CI systems, terminals and browsers obey.",
     answer("400 Bad", json.dumps({"message": "\n::error::x\n##vso[task.complete]\x1b[2J<script>alert(1)</script>"})
            .encode())),
    ("token_flood", "A header of 60 kB that might begin a token anywhere.", fine("X-Flood: " + "eyJ-" * 15_000)),
    ("token_flood_with_dots", "The same with dots.", fine("X-Flood: " + "eyJ." * 15_000)),
    ("delegated_token_flood", "A delegated token of 60 kB of dots.", fine("x-trigger-jwt: " + "." * 60_000)),
    ("digits_flood", "An error of 100,000 digits.", answer("400 Bad", b'{"message":"' + b"1" * 100_000 + b'"}')),
    ("dots_flood", "An error of 100,000 slashes and dots.",
     answer("400 Bad", b'{"message":"' + b"./" * 50_000 + b'"}')),
    ("line_flood", "An error of 100,000 empty lines.", answer("500 No", b"\n" * 100_000, media_type="text/plain")),
    ("sql_flood", "An error of 10,000 times SELECT.", answer("400 Bad", b"SELECT " * 10_000, media_type="text/plain")),
    ("escape_flood", "A body of backslashes.", answer("400 Bad", b"\\" * 1_000_000, media_type="text/plain")),
    ("entity_flood", "A body of beginnings of entities.", answer("400 Bad", b"&#00" * 200_000, media_type="text/html")),
):  # fmt: skip
    always(_name, _sentence, _said)

# The credential, given back.

ECHOES: dict[str, Callable[[str], str]] = {
    "as_it_is": str,
    "as_json_escapes": lambda key: "".join(f"\\u{ord(each):04x}" for each in key),
    "percent_encoded": lambda key: "".join(f"%{ord(each):02X}" for each in key),
    "as_entities": lambda key: "".join(f"&#{ord(each)};" for each in key),
    "in_hexadecimal": lambda key: key.encode().hex(),
    "in_base64": lambda key: base64.b64encode(b"u:" + key.encode()).decode(),
    "in_base32": lambda key: base64.b32encode(key.encode()).decode(),
    "in_upper_case": str.upper,
    "reversed": lambda key: key[::-1],
    "rotated": lambda key: codecs.encode(key, "rot13"),
}


def credential(request: bytes) -> str:
    """What the request's Authorization header holds."""
    found = re.search(rb"(?i)authorization: *(?:bearer +)?([^\r\n]*)", request)
    return (found[1] if found else b"").decode("latin-1")


def _echoing(name: str, write: Callable[[str], str]) -> None:
    def server(request: bytes, _number: int, _connection: socket.socket) -> bytes:
        said = write(credential(request)) if credential(request).isprintable() else ""
        body = b'{"message":"' + said.encode() + b'","id":"b","runCount":1,"isCached":false}'
        status = "202 Accepted" if KEY in credential(request) else "401 Unauthorized"
        return answer(status, body, f"X-Echo: {said}") if said.isascii() else fine()

    server.__doc__ = f"Gives the credential back {name.replace('_', ' ')}, in a header and in the body."
    SERVERS[f"echo_{name}"] = server


for _name, _write in ECHOES.items():
    _echoing(_name, _write)


@hostile
def echo_of_everything(request, _number, _connection):
    """Answers with the whole request, as TRACE does."""
    return answer("200 OK", request, media_type="message/http")


@hostile
def echo_in_the_reason(request, _number, _connection):
    """The reason phrase is the credential."""
    return answer(f"400 {quote(credential(request), safe='.+_ ')[:200]}", b'{"message":"no"}')


@hostile
def echo_as_a_header_name(request, _number, _connection):
    """A header is named by the credential."""
    return fine(f"X-{re.sub('[^A-Za-z0-9_+.-]', '', credential(request))[:200]}: a", f"X-Key: {KEY}")


@hostile
def echo_in_two_halves(_request, _number, _connection):
    """The credential's halves are in two headers."""
    return fine(f"X-First: {KEY[:15]}", f"X-Second: {KEY[15:]}")


@hostile
def echo_in_a_broken_answer(_request, _number, connection):
    """A line that is no header holds the credential, and a parser quotes it."""
    connection.sendall(f"HTTP/1.1 202 Accepted\r\nno header {KEY}\r\n\r\n".encode())


@hostile
def echo_in_a_redirect(_request, _number, _connection):
    """Redirects to an address that holds the credential."""
    return answer("302 Found", b"", f"Location: https://else.example/?key={quote(KEY, safe='')}")


@dataclass(frozen=True)
class Survived:
    """What a run on a hostile server took: exit status, seconds past the budget and of computing, megabytes, leaks."""

    name: str
    status: int
    past: float
    load: float
    memory: float
    computed: float
    reports: float
    output: str
    leaks: tuple[str, ...]

    @property
    def problems(self) -> list[str]:
        """Why this is no survival."""
        found = {
            f"exit status {self.status}": self.status not in (0, 1, 5, 6),
            "a traceback": "Traceback (most recent call last):\n  File" in self.output,
            "an error in the suite": "error in the suite" in self.output,
            f"{self.past:.1f} s past the budget": self.past > PAST * self.load,
            f"{self.memory:.0f} MB of memory": self.memory > MEMORY,
            f"{self.reports:.1f} MB of reports": self.reports > REPORTS,
            f"the credential in {', '.join(self.leaks)}": bool(self.leaks),
        }
        return [problem for problem, holds in found.items() if holds]


def readable(content: bytes) -> Iterator[str]:
    """A file as it stands, and as its readers decode it."""
    text = content.decode("utf-8", "replace")
    for _ in range(3):
        yield text.lower()
        text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text).replace("\\\\", "\\")
        text = unquote(unescape(text))


def leaking(files: dict[str, bytes]) -> tuple[str, ...]:
    """The names of ``files`` that hold the credential."""
    telling = [write(KEY).lower() for name, write in ECHOES.items() if name != "in_base64"]
    telling += [base64.b64encode(b"u:" + KEY.encode()).decode().lower()[4:-4], KEY[2:].lower(), KEY[15:].lower()]
    return tuple(name for name, content in files.items()
                 if any(form in text for text in readable(content) for form in telling))  # fmt: skip


@contextmanager
def serving(name: str) -> Iterator[tuple[str, list[float]]]:
    """Serve the named server; yields its base URL and where the time of the first request is noted."""
    began: list[float] = []

    def respond(request: bytes, number: int, connection: socket.socket) -> bytes | None:
        if number == 1:
            began.append(time.monotonic())
            return fine()
        return SERVERS[name](request, number, connection)

    with canned(respond) as base_url:
        yield base_url, began


def attempt(name: str) -> Survived:
    """Run the suite on the named server."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder, serving(name) as (base_url, began):
        reports = Path(folder, "reports")
        line = ["run", f"--base-url={base_url}", f"--report-dir={reports}", *OPTIONS]
        own = {
            key: value for key, value in os.environ.items() if not key.startswith(("TRIGGER_", "PYTEST_", "GITHUB_"))
        }
        with open(Path(folder, "output"), "w+b") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "trigger_conformance.cli", *line],
                cwd=folder, stdout=output, stderr=output, env={**own, "TRIGGER_API_KEY": KEY},
            )  # fmt: skip
            status, memory, computed = _ended(process.pid)
            ended = time.monotonic()
            output.seek(0)
            said = output.read()
        files = {str(path.relative_to(folder)): path.read_bytes() for path in reports.rglob("*") if path.is_file()}
    return Survived(
        name=name,
        status=status,
        load=max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)),
        past=ended - began[0] - BUDGET if began else 0.0,
        memory=memory,
        computed=computed,
        reports=sum(map(len, files.values())) / 1e6,
        output=said.decode("utf-8", "replace"),
        leaks=leaking({**files, "the terminal": said}),
    )


def _peak(pid: int) -> float:
    """The most megabytes that a child has had so far; its resource usage would count those of who started it, too."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii", "replace"))
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def _ended(pid: int) -> tuple[int, float, float]:
    """Exit status, peak megabytes and seconds of computing of a child, which is killed where it takes far too long."""
    until, peak = time.monotonic() + LONGEST, 0.0
    while True:
        peak = max(peak, _peak(pid))
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), peak, usage.ru_utime + usage.ru_stime
        if time.monotonic() > until:
            os.kill(pid, 9)
            until = float("inf")
        time.sleep(0.02)


def main() -> int:
    """Run the suite on the servers that are asked for; the exit status tells whether it survived them all."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--only", action="append", help="a server, or a part of its name; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="servers at a time")
    chosen = parser.parse_args()
    names = [name for name in SERVERS if not chosen.only or any(part in name for part in chosen.only)]
    print(f"{'server':30} exit    past    cpu  memory  reports")
    failed = 0
    with ThreadPoolExecutor(chosen.jobs) as pool:
        for each in pool.map(attempt, names):
            took = f"{each.past:6.1f}s {each.computed:5.1f}s {each.memory:5.0f}MB {each.reports:6.2f}MB"
            facts = f"{each.name:30} {each.status:4} {took}"
            print(f"{facts}  {'; '.join(each.problems)}".rstrip(), flush=True)
            failed += bool(each.problems)
    print(f"{len(names)} hostile servers, {failed} not survived")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
