"""The proxy that the environment names for a target, as httpx, curl and requests find it."""

from __future__ import annotations

import base64
import urllib.request
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


class UnusableProxyError(ValueError):
    """The environment names a proxy that cannot be used; the message says which variable and why."""


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy: its URL without credentials, and the value of Proxy-Authorization where it has some."""

    url: str
    host: str
    port: int
    authorization: str | None = None

    @property
    def secure(self) -> bool:
        """Whether the way to the proxy itself is TLS."""
        return self.url.startswith("https:")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be written nowhere: the password, alone and as it is sent."""
        if self.authorization is None:
            return ()
        sent = self.authorization.removeprefix("Basic ")
        pair = base64.b64decode(sent).decode()
        return sent, pair, pair.partition(":")[2]


def proxy_for(url: str) -> Proxy | None:
    """The proxy for requests to ``url``, from HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.

    Raises UnusableProxyError.
    """
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    named = proxies.get(parts.scheme) or proxies.get("all")
    if not named or urllib.request.proxy_bypass(parts.netloc):
        return None
    variable = f"{parts.scheme.upper()}_PROXY" if proxies.get(parts.scheme) else "ALL_PROXY"
    return _read(named if "://" in named else f"http://{named}", variable)


def _read(url: str, variable: str) -> Proxy:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        # What Python quotes may be a piece of the password.
        why = "a character of its password is to be percent-encoded" if "@" in url else error
        raise UnusableProxyError(f"{variable}: {why}; give a URL such as http://proxy.example.com:3128") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UnusableProxyError(
            f"{variable}: only http:// and https:// proxies can be used, not {parts.scheme}://; unset it, or name the "
            "target in NO_PROXY"
        )
    port = port or (443 if parts.scheme == "https" else 80)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(f"{parts.scheme}://{host}:{port}", parts.hostname, port, authorization)
