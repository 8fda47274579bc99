"""A request as a curl line that anyone can paste into sh; the credential stays in the reader's environment."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from trigger_conformance.checks.client import KEY_VARIABLE, SECOND_KEY_VARIABLE
from trigger_conformance.checks.operation import operation_of
from trigger_conformance.contract import shell
from trigger_conformance.contract.shell import Expression, Piece
from trigger_conformance.options.target import Target
from trigger_conformance.wire.exchange import Request
from trigger_conformance.wire.redaction import REDACTED

BODIES = "bodies"
# A key that the run used is known to the target, so what is pasted has a number of its own where the run's id stood.
FRESH = "RUN=$(od -An -N4 -tx4 /dev/urandom | tr -d ' \\n')"
# A credential that is none of the reader's.
LEFT_OUT = f"Authorization: Bearer {REDACTED}'"
_IN_CAPITALS = '$(printf %s "$RUN" | tr a-f A-F)'
_ANY_RUN = "abcdef01"
_LONGEST_LINE = 2000
# Linux gives one argument no more than 128 KiB.
_LONGEST_ARGUMENT = 100_000
_EXPECTS_CONTINUE = 1 << 20
_OWN = ("host", "content-length", "transfer-encoding", "user-agent", "accept", "accept-encoding", "authorization")
# What every request of the suite says beside; where one says otherwise, or nothing, curl must too.
_USUAL = {"accept": b"application/json", "user-agent": b"trigger-conformance/"}
_RUN_ID = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True)
class Way:
    """How curl gets to the target: its base URL, seconds for one answer, the run's id, names of variables.

    ``gateway`` are the names of headers whose values are the reader's own secrets, in lower case.
    """

    base_url: str
    timeout: float = 10.0
    run_id: str = ""
    key: str = KEY_VARIABLE
    second_key: str = SECOND_KEY_VARIABLE
    gateway: frozenset[str] = frozenset()
    flags: tuple[str, ...] = ()

    @classmethod
    def to(cls, target: Target, variables: Mapping[str, str] | None = None) -> Way:
        """The way to ``target``; ``variables`` are those that hold "api_key" and "second_api_key" in this place."""
        flags = ["-k"] if target.insecure else []
        flags += [f"--cacert {shlex.quote(target.ca_bundle)}"] if target.ca_bundle and not target.insecure else []
        flags += ["--http1.1"] if target.base_url.startswith("https:") and not target.http2 else []
        return cls(
            base_url=target.base_url,
            timeout=target.timeout,
            run_id=target.run_id,
            key=(variables or {}).get("api_key", KEY_VARIABLE),
            second_key=(variables or {}).get("second_api_key", SECOND_KEY_VARIABLE),
            gateway=frozenset(name.lower() for name, _ in target.headers),
            flags=tuple(flags),
        )


def curl_line(
    request: Request, way: Way, *, options: str = "", key: Expression | None = None, compressed: bool = False,
    made: Mapping[str, Expression] | None = None,
) -> str:  # fmt: skip
    """The curl line that sends ``request`` by ``way`` (``request.target`` has the path).

    ``options`` are more of curl's, ``key`` stands for the whole idempotency key, ``compressed`` asks for a coding of
    the answer as the suite did; ``made`` are ids that lines before it have put into variables. Where ``is_fresh`` says
    so, ``FRESH`` must stand before it.
    """
    forms = _forms(request, way) | {identity.encode(): variable for identity, variable in (made or {}).items()}
    if key is not None and (own := operation_of(request).about(request)):
        forms[own.encode()] = key
    # An empty body is one too: curl says Content-Length: 0 only where it is given one.
    has_body = bool(request.body) or any(name.lower() == "content-length" for name, _ in request.headers)
    before, body = _body(request.body, forms, way) if has_body else ("", "")
    absolute = not request.target.startswith("/")
    url = request.target if absolute else origin(way.base_url) + request.target
    target = shell.split(url.encode(), forms)
    parts = [
        f"{before}curl -sS -i",
        *way.flags,
        *(["-g"] if any(mark in request.target for mark in "[]{}") else []),
        *(["--path-as-is"] if "/." in request.target else []),
        *(["--compressed"] if compressed else []),
        *(["--http1.0"] if request.version == "HTTP/1.0" else []),
        *([f"--request-target {shell.word(target)}"] if absolute else []),
        *_method(request, has_body),
        shell.word(target),
        *(f"-H {each}" for each in _headers(request, way, forms, has_body)),
        body,
        options,
        f"--max-time {way.timeout:g}",
    ]
    return " ".join(part for part in parts if part)


def is_fresh(line: str) -> bool:
    """Whether ``line`` has the number of a run of its own in it."""
    return re.search(r"\$RUN\b|\$\{RUN\}|0x\$RUN", line) is not None


def origin(base_url: str) -> str:
    """Scheme, host and port of ``base_url``, without its path."""
    scheme, _, rest = base_url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def variable_of(header: str) -> str:
    """The variable in which a reader keeps the value of a gateway's header (``--header``)."""
    return f"HEADER_{re.sub(r'[^A-Z0-9]', '_', header.upper())}"


def file_of(body: bytes) -> str:
    """The name, in the report folder, of the file for a body that does not fit a line."""
    return f"{BODIES}/{hashlib.sha256(body).hexdigest()[:16]}.bin"


def needs_file(body: bytes) -> bool:
    """Whether a body is too long to be written on a line, repetitions written short."""
    return len(body) > _LONGEST_LINE < sum(len(piece) for piece in shell.split(body, {}) if isinstance(piece, bytes))


def fresh_beginning(request: Request) -> str:
    """How names of what ``request`` asks for begin, with the number of a pasted line's own run, as the shell has it."""
    own = operation_of(request).beginning(_ANY_RUN)
    return own.replace(_ANY_RUN, "$RUN") if _ANY_RUN in own else own.replace(_ANY_RUN.upper(), _IN_CAPITALS)


def _forms(request: Request, way: Way) -> dict[bytes, Expression]:
    """What the shell expands, by how it stands in a redacted request: the key, and the run's id in each writing."""
    forms = {REDACTED.encode(): Expression(f"${way.key}", 64)}
    if not _RUN_ID.fullmatch(way.run_id):
        return forms
    digits = way.run_id
    beginning = operation_of(request).beginning(digits)
    forms[beginning.encode()] = Expression(fresh_beginning(request), len(beginning))
    escaped = "".join(f"\\u{ord(digit):04x}" for digit in digits)
    # Keys that look like numbers are made from the run's id, as its value and ten.
    number, fresh = int(digits, 16) + 10, "0x$RUN + 10"
    big = 2**53 + 2 * number
    return forms | {
        digits.encode(): Expression("$RUN", 8),
        escaped.encode(): Expression(
            "$(printf %s \"$RUN\" | od -An -tx1 | sed 's/ *$//; s/  */\\\\u00/g')", 6 * len(digits)
        ),
        digits.encode("utf-16-le"): Expression("$(printf %s \"$RUN\" | sed 's/./&\\\\0000/g')", 16, escapes=True),
        digits.encode("utf-16-be"): Expression("$(printf %s \"$RUN\" | sed 's/./\\\\0000&/g')", 16, escapes=True),
        f"{number}".encode(): Expression(f"$(({fresh}))", 10),
        f"{number:#x}".encode(): Expression(f"$(printf 0x%x $(({fresh})))", 10),
        f"{big}".encode(): Expression(f"$((9007199254740992 + 2 * ({fresh})))", 16),
        f"{big + 1}".encode(): Expression(f"$((9007199254740993 + 2 * ({fresh})))", 16),
    }


def _method(request: Request, has_body: bool) -> list[str]:
    if request.method == "POST" and has_body:
        return []
    if request.method == "HEAD" and not has_body:
        return ["--head"]
    # Told to send a body with HEAD, curl waits for one in the answer: until the connection ends.
    closing = ["--ignore-content-length", "-H 'Connection: close'"] if request.method == "HEAD" else []
    return [f"-X {shlex.quote(request.method)}", *closing]


def _headers(request: Request, way: Way, forms: Mapping[bytes, Expression], has_body: bool) -> list[str]:
    named = next((name for name, _ in request.headers if name.lower() == "authorization"), "Authorization")
    written = [_authorization(named, each, way) for each in request.shell_authorization]
    written += _unusual(request)
    if has_body and not any(name.lower() == "content-type" for name, _ in request.headers):
        written.append("'Content-Type:'")
    for name, value in request.headers:
        if name.lower() in way.gateway:
            written.append(f'"{name}: ${variable_of(name)}"')
        elif name.lower() not in _OWN:
            # curl leaves a header without a value out, but for one that ends in a semicolon.
            line = f"{name}: ".encode() + value if value else f"{name};".encode()
            written.append(shell.word(shell.split(line, forms)))
    if request.framing.in_chunks:
        written.append("'Transfer-Encoding: chunked'")
    if len(request.body) > _EXPECTS_CONTINUE:
        written.append("Expect:")
    return written


def _unusual(request: Request) -> list[str]:
    """What a request says of its sender, where that is not what the suite usually says."""
    written = []
    for usual, told in _USUAL.items():
        header = next(((name, value) for name, value in request.headers if name.lower() == usual), None)
        if header is None:
            written.append(f"'{usual.title()}:'")
        elif not header[1].startswith(told) or (usual == "accept" and header[1] != told):
            written.append(shell.word([f"{header[0]}: ".encode() + header[1]]))
    return written


def _authorization(name: str, written: str, way: Way) -> str:
    for variable, own in ((KEY_VARIABLE, way.key), (SECOND_KEY_VARIABLE, way.second_key)):
        written = re.sub(rf"\$(\{{?){variable}\b", rf"$\1{own}", written)
    if written == "''":
        return f"'{name};'"
    # One word with the header's name reads better.
    if written[:1] in ("'", '"'):
        return f"{written[0]}{name}: {written[1:]}"
    return f"'{name}: '{written}"


def _body(body: bytes, forms: Mapping[bytes, Expression], way: Way) -> tuple[str, str]:
    """What stands before curl, and its option: one argument, what printf pipes to it, or a file."""
    if needs_file(body):
        return _from_file(body, way)
    pieces: list[Piece] = shell.split(body, forms)
    if shell.fits_a_word(pieces) and shell.length(pieces) <= _LONGEST_ARGUMENT:
        return "", f"--data-raw {shell.word(pieces) if pieces else chr(39) * 2}"
    return f"{shell.printed(pieces)} | ", "--data-binary @-"


def _from_file(body: bytes, way: Way) -> tuple[str, str]:
    changes = [f"s|\\[redacted]|${way.key}|g"] if REDACTED.encode() in body else []
    if _RUN_ID.fullmatch(way.run_id):
        writings = {way.run_id.upper(): _IN_CAPITALS, way.run_id: "$RUN"}
        changes += [f"s/{digits}/{fresh}/g" for digits, fresh in writings.items() if digits.encode() in body]
    if not changes:
        return "", f"--data-binary @{file_of(body)}"
    return f'LC_ALL=C sed "{"; ".join(changes)}" {file_of(body)} | ', "--data-binary @-"
