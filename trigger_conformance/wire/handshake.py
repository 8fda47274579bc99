"""Whether a port speaks TLS: for a run that was given http:// where https:// is meant."""

from __future__ import annotations

import socket
import ssl


def speaks_tls(host: str, port: int, timeout: float) -> bool:
    """Whether a TLS handshake at ``host`` and ``port`` comes to an end in time; nothing else is sent."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout) as connection,
            anybody.wrap_socket(connection, server_hostname=host),
        ):
            return True
    except (OSError, ValueError):
        return False
