"""The target: what the user says of the server under test, validated."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from trigger_conformance.checks.operation import Operation, operations
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.proxy import Proxy

# What the checks vary, or what frames a message: a second one would change what is asked.
_OWN_HEADERS = {
    "accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type",
    "expect", "host", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
}  # fmt: skip
_EXAMPLE = "give an origin such as https://staging.example.com, with a path prefix if there is one"
_CREDENTIALS_IN_IT = "a user or password has no place in it; the credential goes into --api-key"
_CREDENTIALS = re.compile(r"^([a-z][a-z0-9+.-]*:/*)?.*@", re.IGNORECASE | re.DOTALL)
# What servers and proxies take in a request line, and what DNS takes as a name (RFC 1035 section 2.3.4).
_LONGEST_URL = 2000
_LONGEST_HOST, _LONGEST_LABEL = 253, 63
_LONGEST_SHOWN = 200


class UsageError(ValueError):
    """An option's value cannot be used; the message is one line that names the option and the remedy."""


_BUDGETS = {
    Profile.SMOKE: Budget(requests=300, runs=500, seconds=60),
    Profile.STANDARD: Budget(requests=4_000, runs=2_000, seconds=300),
    Profile.THOROUGH: Budget(requests=40_000, runs=26_000, seconds=1_800),
    Profile.SOAK: Budget(requests=100_000, runs=300_000, seconds=7_200),
}


def bare_budget(profile: Profile) -> Budget:
    """What a run of ``profile`` may spend, without what a target's facts add to it."""
    return _BUDGETS[profile]


def usual_budget(profile: Profile, stated: Mapping[str, Any]) -> Budget:
    """What a run of ``profile`` may spend where no option says otherwise, on a target of which this is ``stated``."""
    budget = bare_budget(profile)
    return replace(budget, runs=budget.runs + sum(each.runs_at_most(stated) for each in operations().values()))


def usually_stated() -> dict[str, Any]:
    """What is taken for a target's facts where nobody states them."""
    return {fact.dest: fact.default for each in operations().values() for fact in each.facts}


@dataclass(frozen=True, kw_only=True)
class Target:
    """The server under test and how it may be treated.

    ``stated`` are the facts that operations ask for, ``timeout`` is per request and in seconds, ``idempotency_wait`` in
    seconds or None, ``press_requests`` bounds the burst that may provoke a 429, ``shared_key`` says that others
    use the credential during the run, ``headers`` go with every request. Soak runs with different ``stream`` numbers
    generate different cases, and keep failing ones in the ``example_database``. Raises UsageError where a value
    cannot be used.
    """

    base_url: str
    api_key: str
    second_api_key: str | None = None
    stated: Mapping[str, Any] = field(default_factory=usually_stated, hash=False)
    profile: Profile = Profile.STANDARD
    press_rate_limit: bool = False
    press_requests: int = 300
    shared_key: bool = False
    idempotency_wait: float | None = None
    timeout: float = 10.0
    seed: int = 1
    stream: int = 0
    example_database: str | None = None
    run_id: str = "0"
    ca_bundle: str | None = None
    insecure: bool = False
    http2: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        check_url(self.base_url)
        _check_key("--api-key", self.api_key)
        if self.second_api_key is not None:
            _check_key("--second-api-key", self.second_api_key)
            if self.second_api_key == self.api_key:
                raise UsageError("--second-api-key equals --api-key: give another environment's key, or leave it out")
        for each in operations().values():
            _check_facts(each, self.stated)
        check_least("--timeout", self.timeout, 0.001)
        check_least("--press-requests", self.press_requests, 1)
        if self.example_database is not None and self.profile is not Profile.SOAK:
            raise UsageError("--example-database: only campaigns keep examples; give --profile soak")
        if self.idempotency_wait is not None:
            check_least("--idempotency-wait", self.idempotency_wait, 0)
        if self.http2 and self.base_url.startswith("http:"):
            raise UsageError("--http2: HTTP/2 is negotiated over TLS, so --base-url must begin with https://")
        for name, value in self.headers:
            _check_header(name, value)
        if self.ca_bundle is not None and not Path(self.ca_bundle).is_file():
            raise UsageError(f"--ca-bundle {self.ca_bundle}: no such file; give a PEM file of certificates")

    def tls(self) -> ssl.SSLContext:
        """How the target's certificate is checked."""
        import httpx

        if self.insecure:
            return httpx.create_ssl_context(verify=False)
        if self.ca_bundle is None:
            try:
                return httpx.create_ssl_context()
            except OSError as error:
                raise UsageError(f"SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}") from error
        try:
            return ssl.create_default_context(cafile=self.ca_bundle)
        except ssl.SSLError as error:
            raise UsageError(
                f"--ca-bundle {self.ca_bundle}: not a PEM file of certificates ({error.reason})"
            ) from error


def check_url(url: str) -> None:
    """Raise UsageError where ``url`` is no origin with a path prefix; the message holds no password."""
    problem = _problem_of_length(url) or _problem_of_form(url)
    if problem == _CREDENTIALS_IN_IT:
        raise UsageError(f"--base-url: {problem}")
    if problem is not None:
        raise UsageError(f"--base-url {shown(url)}: {problem}")


def shown(url: str) -> str:
    """``url`` as a message may show it: on one line, without a user and password, and not too long."""
    plain = "".join(character if character.isprintable() else repr(character)[1:-1] for character in url)
    text = _CREDENTIALS.sub(r"\1…@", plain)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _problem_of_length(url: str) -> str | None:
    if len(url) > _LONGEST_URL:
        return f"it has {len(url)} characters, and {_LONGEST_URL} is the most; {_EXAMPLE}"
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    if len(host) > _LONGEST_HOST or any(len(label) > _LONGEST_LABEL for label in host.split(".")):
        return f"no host has so long a name; {_EXAMPLE}"
    return None


def _problem_of_form(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        # What Python quotes may be a piece of the password.
        return _CREDENTIALS_IN_IT if "@" in url else f"{error}; {_EXAMPLE}"
    if parts.scheme not in ("http", "https"):
        return f"it must begin with http:// or https://; {_EXAMPLE}"
    if not parts.hostname:
        return f"there is no host in it; {_EXAMPLE}"
    if parts.query or parts.fragment:
        return f"a query or fragment has no place in it; {_EXAMPLE}"
    if parts.username is not None or parts.password is not None:
        return _CREDENTIALS_IN_IT
    if any(character.isspace() or not character.isprintable() for character in url):
        return f"white space has no place in it; {_EXAMPLE}"
    if parts.port == 0:
        return f"nothing listens on port 0; {_EXAMPLE}"
    if not _is_name(parts.hostname, url):
        return f"no host has such a name; {_EXAMPLE}"
    return _problem_of_path(parts)


def _problem_of_path(parts: SplitResult) -> str | None:
    if not parts.path.isascii():
        return f"what is beyond ASCII in a path must be percent-encoded (RFC 3986 section 2.1); {_EXAMPLE}"
    for contract in (each.contract for each in operations().values()):
        if (prefix := contract.prefix_of(parts.path.rstrip("/"))) is not None:
            before = f"{parts.scheme}://{parts.netloc}{prefix}"
            return f"it is the operation's own; give what stands before {contract.path}: {before}"
    return None


def _is_name(host: str, url: str) -> bool:
    """Whether the ``host`` of a ``url`` is a name that can be looked up."""
    import httpx

    try:
        httpx.URL(url)
        # An empty label is refused even in ASCII, as it is when the name is looked up.
        host.encode("idna")
    except (UnicodeError, httpx.InvalidURL):
        return False
    return True


def _check_facts(operation: Operation, stated: Mapping[str, Any]) -> None:
    for fact in operation.facts:
        if fact.least is not None and stated.get(fact.dest) is not None:
            check_least(f"--{fact.name}", stated[fact.dest], fact.least)


def _check_key(option: str, key: str) -> None:
    if not key:
        raise UsageError(f"{option} is empty: give the environment's secret key, or set TRIGGER_API_KEY")
    if not key.isascii() or any(not "!" <= character <= "~" for character in key):
        raise UsageError(
            f"{option} has a character that no HTTP header can carry (a line break or space?): copy it again"
        )


def _check_header(name: str, value: str) -> None:
    if name.lower() in _OWN_HEADERS:
        raise UsageError(f"--header {name}: the checks themselves say what stands in it; the key goes into --api-key")
    if not value.isascii() or not value.isprintable():
        raise UsageError(f"--header {name}: its value has a character that no HTTP header can carry")


def check_least(option: str, value: float, least: float) -> None:
    """Raise UsageError where ``value`` is below ``least``, or no number."""
    if not math.isfinite(value) or value < least:
        raise UsageError(f"{option} {value:g}: it must be {least:g} or more")
