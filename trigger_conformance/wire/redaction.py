"""Keeps credentials out of everything that is written or printed."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from trigger_conformance.wire.exchange import Exchange, Request

REDACTED = "[redacted]"
# Of the shape that a signature has, so that a token which was well-formed can still be seen to be.
NO_SIGNATURE = "redacted-signature"
_JWT = re.compile(r"\b(eyJ[\w-]+\.[\w-]*)\.[\w-]+")
# A shorter text turns up in ordinary answers by chance, so neither leaks nor variants can be told from it.
TELLING_LENGTH = 8
# A gateway header's value may be a plain word, which must not vanish from every text.
_FOREIGN_LENGTH = 16


def _base64_forms(secret: bytes) -> set[str]:
    """The characters that stand for ``secret`` in any base64 text, at each of the three alignments."""
    forms = set()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret).decode()
        first = (offset * 8 + 5) // 6
        last = (offset + len(secret)) * 8 // 6
        forms |= {encoded[first:last], encoded[first:last].translate(str.maketrans("+/", "-_"))}
    return {form for form in forms if len(form) >= TELLING_LENGTH}


class Redactor:
    """Knows the run's secrets in every form in which they may come back, and takes them out of texts and records."""

    def __init__(self, secrets: Iterable[str] = (), headers: Iterable[tuple[str, str]] = ()) -> None:
        self._secrets: set[str] = set()
        self._forms: list[str] = []
        self._gateway = {name.lower() for name, _ in headers}
        # A gateway's values are kept out of texts too, but only the run's own credentials can leak from a target.
        self._foreign: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.learn(secret)
        for _, value in headers:
            if len(value) >= _FOREIGN_LENGTH:
                self._foreign |= self.learn(value)

    def learn(self, secret: str) -> set[str]:
        """Treat ``secret`` as one from now on; returns the forms in which it may come back that are new."""
        if not secret or secret in self._secrets:
            return set()
        self._secrets.add(secret)
        encoded = {quote(secret, safe=""), quote(secret)} | _base64_forms(secret.encode("utf-8", "surrogateescape"))
        added = {secret, *encoded} - set(self._forms)
        self._forms = sorted({*self._forms, *added}, key=len, reverse=True)
        self._pattern = None
        return added

    def text(self, text: str) -> str:
        """``text`` without any secret, and without the signature of any JSON Web Token."""
        return _JWT.sub(rf"\1.{NO_SIGNATURE}", self._secretless(text))

    def _secretless(self, text: str) -> str:
        # Looking for each form is far faster than the pattern, and there is hardly ever one to replace.
        if not any(form in text for form in self._forms):
            return text
        if self._pattern is None:
            self._pattern = re.compile("|".join(re.escape(form) for form in self._forms))
        return self._pattern.sub(REDACTED, text)

    def _bytes(self, data: bytes) -> bytes:
        # latin-1 maps every byte to one character and back, so binary bodies survive.
        text = data.decode("latin-1")
        redacted = self._secretless(text)
        return data if redacted is text else redacted.encode("latin-1")

    def leaks(self, texts: dict[str, str], given: str = "") -> tuple[str, ...]:
        """The names of those ``texts`` that contain a credential of the run in any form.

        What stands in ``given`` too, a text that the target may repeat, is no leak.
        """
        forms = [
            form
            for form in self._forms
            if len(form) >= TELLING_LENGTH and form not in given and form not in self._foreign
        ]
        together = "\n".join(texts.values())
        if not any(form in together for form in forms):
            return ()
        return tuple(name for name, text in texts.items() if any(form in text for form in forms))

    def exchange(self, exchange: Exchange) -> Exchange:
        """``exchange`` as it may be kept: no secret in any part of it."""
        answer = exchange.answer and replace(
            exchange.answer,
            headers=tuple((name, self._secretless(value)) for name, value in exchange.answer.headers),
            body=self._bytes(exchange.answer.body),
        )
        return replace(exchange, request=self.request(exchange.request), answer=answer)

    def request(self, request: Request) -> Request:
        """``request`` as it may be kept."""
        return replace(
            request,
            target=self._secretless(request.target),
            headers=tuple(
                (name, REDACTED.encode() if name.lower() in self._gateway else self._bytes(value))
                for name, value in request.headers
            ),
            body=self._bytes(request.body),
        )
