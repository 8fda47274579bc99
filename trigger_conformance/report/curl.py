"""A request as a curl line that anyone can paste; the credential stays in the reader's environment."""

from __future__ import annotations

import shlex

from trigger_conformance.wire.exchange import Framing, Request
from trigger_conformance.wire.redaction import REDACTED

_LARGEST_BODY = 2000
_REDACTED = REDACTED.encode()
_OWN = ("host", "content-length", "transfer-encoding", "user-agent", "accept", "accept-encoding", "authorization")


def curl_line(request: Request, base_url: str) -> str:
    """The curl line that sends ``request`` to ``base_url`` (an origin; ``request.target`` has the path)."""
    parts = ["curl -sS -i"]
    # An empty body is one too: curl says Content-Length: 0 only where it is given one.
    has_body = bool(request.body) or any(name.lower() == "content-length" for name, _ in request.headers)
    if request.method != "POST" or not has_body:
        parts.append("--head" if request.method == "HEAD" else f"-X {request.method}")
    parts.append(shlex.quote(origin(base_url) + request.target))
    if any(name.lower() == "authorization" for name, _ in request.headers):
        parts.append(f"-H {_authorization(request.shell_authorization)}")
    content_types = [value for name, value in request.headers if name.lower() == "content-type"]
    if has_body and not content_types:
        parts.append("-H 'Content-Type:'")
    for name, value in request.headers:
        if value == _REDACTED:
            parts.append(f'-H "{name}: ${name.upper().replace("-", "_")}"')
        elif name.lower() not in _OWN:
            parts.append(f"-H {shlex.quote(f'{name}: ' + value.decode('latin-1'))}")
    if request.framing is Framing.CHUNKED:
        parts.append("-H 'Transfer-Encoding: chunked'")
    if has_body:
        parts.append(f"--data-binary {_shell_bytes(request.body)}")
    return " ".join(parts)


def _authorization(shell: str) -> str:
    # A value in double quotes has a variable in it, and reads better as one word with the header's name.
    return f'"Authorization: {shell[1:]}' if shell.startswith('"') else f"'Authorization: '{shell}"


def origin(base_url: str) -> str:
    """Scheme, host and port of ``base_url``, without its path."""
    scheme, _, rest = base_url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _shell_bytes(body: bytes) -> str:
    if len(body) > _LARGEST_BODY:
        return f"@body  # {len(body):,} bytes, not shown: the body begins with {body[:60].decode('latin-1')!r}"
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if all(character.isprintable() for character in text):
        return shlex.quote(text)
    # bash's $'…' carries any byte but NUL, which no argument can hold.
    escaped = "".join(chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in body)
    return f"$'{escaped}'"
