"""Keeps credentials out of everything that is written or printed, and notices where a target gives one back.

Both look for the same: each way of writing a credential (``spellings.FORMS``), in each way of reading a text
(``spellings.readings``), without regard to letter case.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from trigger_conformance.wire.exchange import Answer, Exchange, Request
from trigger_conformance.wire.spellings import FORMS, folded, readings

REDACTED = "[redacted]"
# Of the shape that a signature has, so that a token which was well-formed can still be seen to be.
NO_SIGNATURE = "redacted-signature"
# A token begins where no other character of one stands before it: so each character is looked at a few times only.
_JWT = re.compile(r"((?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]++\.[\w-]*+)\.(?:[\w-]++|\[redacted\])", re.ASCII)
_JWT_BEGINS = "eyJ"
# A shorter text turns up in ordinary answers by chance, so neither leaks nor variants can be told from it.
TELLING_LENGTH = 8
# Forms are looked for by pieces of one length: the longer it is, the fewer a text has.
_SHORTEST_PIECE, _LONGEST_PIECE = 8, 16
# So many pieces are taken out of a text at a time: all those of a long one would take many times its memory.
_PIECES = 1 << 15
# Of longer texts no two are alike.
_SHORT_TEXT = 2048
# How much of a body's ends is read with its escapes; reports show less of it.
_AROUND = 1 << 17
# A gateway header's value may be a plain word, which must not vanish from every text.
_LONGER_THAN_WORDS = 16
# Of a text that is written a stretch is read at a time; the next begins before it ends, by more than a secret takes.
_WINDOW, _OVERLAP = 1 << 18, 1 << 14
_NO_ESCAPE = re.compile(r"[\w\s][\s\"<]", re.ASCII)


class Redactor:
    """Knows the run's secrets in every form in which they may come back, and takes them out of texts and records.

    ``secrets`` are the run's credentials, ``headers`` those for a gateway: a request's are never kept, and elsewhere in
    texts their values are taken out where they have TELLING_LENGTH characters, and more than letters where they have
    fewer than 16.
    """

    def __init__(self, secrets: Iterable[str] = (), headers: Iterable[tuple[str, str]] = ()) -> None:
        self._secrets: set[str] = set()
        self._forms: set[str] = set()
        # Texts are many and forms are thousands: a form is looked for where a piece of it is there.
        self._by_piece: defaultdict[str, set[str]] = defaultdict(set)
        self._piece = _LONGEST_PIECE
        self._pieces_of = _pieces_of(_LONGEST_PIECE)
        self._short: set[str] = set()
        # Of a credential in pieces each piece alone says little: only whole credentials are looked for like that.
        self._whole: list[str] = []
        self._gateway = {name.lower() for name, _ in headers}
        # Only the run's own credentials can leak from a target.
        self._foreign: set[str] = set()
        # A run's texts are the same few, over and over: names and values of headers, a record's and a report's.
        self._known_spans = lru_cache(maxsize=4096)(self._spans)
        for secret in secrets:
            self.learn(secret)
            self._whole += [folded(secret), secret.encode("utf-8", "surrogatepass").hex()]
        for _, value in headers:
            if not value.isalpha() or len(value) >= _LONGER_THAN_WORDS:
                self.conceal(value)

    def learn(self, secret: str) -> set[str]:
        """Treat ``secret`` as one from now on; returns the forms in which it may come back that are new.

        Quotation marks around it are those of the text that it stands in.
        """
        secret = secret.strip('"\\')
        if not secret or secret in self._secrets or secret == NO_SIGNATURE:
            return set()
        self._secrets.add(secret)
        written = {folded(form) for write in FORMS.values() for form in write(secret)}
        added = {folded(secret), *(form for form in written if len(form) >= TELLING_LENGTH)} - self._forms
        self._forms |= added
        self._take_out(added)
        return added

    def conceal(self, secret: str) -> None:
        """Keep ``secret``, such as a hash of a credential, out of texts too; a target that says it leaks nothing.

        One of fewer than TELLING_LENGTH characters would take ordinary words with it, and stays.
        """
        if len(secret) >= TELLING_LENGTH:
            self._foreign |= self.learn(secret)

    def _take_out(self, forms: Iterable[str]) -> None:
        self._known_spans.cache_clear()
        forms = set(forms)
        short = {form for form in forms if _piece_for(form) < _SHORTEST_PIECE}
        self._short |= short
        forms -= short
        shortest = min(map(_piece_for, forms), default=_LONGEST_PIECE)
        if shortest < self._piece:
            self._piece, self._pieces_of = shortest, _pieces_of(shortest)
            forms = forms.union(*self._by_piece.values())
            self._by_piece.clear()
        for form in forms:
            for offset in range(self._piece):
                self._by_piece[form[offset : offset + self._piece]].add(form)

    def _forms_in(self, text: str) -> set[str]:
        # Of a form that is long enough one of its first pieces lies whole at a multiple of the pieces' length.
        stretch = self._piece * _PIECES
        found = {
            piece
            for start in range(0, len(text), stretch)
            for piece in filter(self._by_piece.__contains__, self._pieces_of(text, start, start + stretch))
        }
        candidates = self._short.union(*(self._by_piece[piece] for piece in found))
        return {form for form in candidates if form in text}

    def text(self, text: str) -> str:
        """``text`` without any secret, and without the signature of any JSON Web Token."""
        # What keeps more than its characters, as a Problem does, keeps them alone.
        secretless = str(self._secretless(text, None))
        # Looking for what begins so takes a tenth of the time that looking for a whole token does.
        return _JWT.sub(rf"\1.{NO_SIGNATURE}", secretless) if _JWT_BEGINS in secretless else secretless

    def _secretless(self, text: str, around: int | None = _AROUND) -> str:
        spans = self._known_spans(text) if len(text) <= _SHORT_TEXT else self._spans(text, around)
        return _without(text, spans) if spans else text

    def _spans(self, text: str, around: int | None = None) -> list[tuple[int, int]]:
        if around is not None or len(text) <= 2 * _WINDOW:
            return self._spans_within(text, around)
        # What a reading knows of each escape takes many times the memory of a long text.
        starts = [0, *(_place_to_cut(text, at) for at in range(_WINDOW, len(text) - _WINDOW, _WINDOW))]
        ends = [*(start + _OVERLAP for start in starts[1:]), len(text)]
        found = {
            (start + first, start + last)
            for start, end in zip(starts, ends, strict=True)
            for first, last in self._spans_within(text[start:end])
        }
        return list(found)

    def _spans_within(self, text: str, around: int | None = None) -> list[tuple[int, int]]:
        spans: list[tuple[int, int]] = []
        for reading in readings(text, around):
            for form in self._forms_in(reading.text):
                spans += [reading.span(at, at + len(form)) for at in _occurrences(form, reading.text)]
        return spans

    def _bytes(self, data: bytes) -> bytes:
        # latin-1 maps every byte to one character and back, so binary bodies survive.
        text = data.decode("latin-1")
        redacted = self._secretless(text)
        return data if redacted is text else redacted.encode("latin-1")

    def leaks(self, texts: Sequence[tuple[str, str]], given: str = "") -> tuple[str, ...]:
        """The names of those ``texts`` (name, text) that contain a credential of the run in any form.

        What stands in ``given`` too, a text that the target may repeat, is no leak. A credential that is there whole,
        but in pieces, is one of "several places"; its pieces are secrets from now on.
        """
        together = list(readings("\n".join(text for _, text in texts), _AROUND))
        repeated = folded(given)
        found: list[str] = []
        telling = {form for reading in together for form in self._forms_in(reading.text)
                   if form in self._forms and form not in self._foreign
                   and len(form) >= TELLING_LENGTH and form not in repeated}  # fmt: skip
        if telling:
            found = [name for name, text in texts if _holds(text, telling)]
        if not found:
            pieces = {piece for secret in self._whole for reading in together
                      for piece in _pieces(secret, reading.text, repeated)}  # fmt: skip
            self._take_out(pieces)
            found = ["several places, in pieces"] if pieces else []
        return tuple(self.text(name) for name in dict.fromkeys(found))

    def exchange(self, exchange: Exchange) -> Exchange:
        """``exchange`` as it may be kept: no secret in any part of it."""
        answer = exchange.answer and self._answer(exchange.answer)
        return replace(exchange, request=self.request(exchange.request), answer=answer)

    def _answer(self, answer: Answer) -> Answer:
        everything = [answer.reason, *(part for header in answer.headers for part in header)]
        together = "\n".join([*everything, answer.body.decode("latin-1")])
        if self._secretless(together) is together:
            # A copy, for the book keeps no JSON that was read from it: pickle fails where it is nested deep.
            return replace(answer)
        return replace(
            answer,
            reason=self._secretless(answer.reason),
            headers=tuple((self._secretless(name), self._secretless(value)) for name, value in answer.headers),
            body=self._bytes(answer.body),
        )

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


def _piece_for(form: str) -> int:
    """The longest pieces of which one lies whole in a ``form`` wherever it stands."""
    return min(_LONGEST_PIECE, (len(form) + 1) // 2)


def _pieces_of(length: int) -> Callable[[str, int, int], list[str]]:
    """Takes a text apart, from one place to another, into pieces of this ``length``; what is left over is none."""
    return re.compile(f".{{{length}}}", re.DOTALL).findall


def _place_to_cut(text: str, at: int) -> int:
    """A place from ``at`` on in which no escape stands across."""
    found = _NO_ESCAPE.search(text, at, at + _OVERLAP)
    return found.end() if found else at


def _occurrences(form: str, text: str) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + len(form))


def _holds(text: str, forms: Iterable[str]) -> bool:
    return any(form in reading.text for reading in readings(text, _AROUND) for form in forms)


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in _joined(sorted(spans)):
        parts += [text[done:start], REDACTED]
        done = end
    return "".join([*parts, text[done:]])


def _joined(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted ``spans``, those that overlap as one."""
    start, end = spans[0]
    for next_start, next_end in spans[1:]:
        if next_start >= end:
            yield start, end
            start = next_start
        end = max(end, next_end)
    yield start, end


def _pieces(secret: str, text: str, repeated: str) -> set[str]:
    """The pieces in which ``secret`` stands in ``text``, each of TELLING_LENGTH or more; none unless it is all there.

    A masked credential lacks some of it, and so is none.
    """
    starts = range(len(secret) - TELLING_LENGTH + 1)
    windows = [secret[start : start + TELLING_LENGTH] for start in starts]
    if not windows or windows[0] not in text or windows[-1] not in text:
        return set()
    there = {start for start in starts if windows[start] in text and windows[start] not in repeated}
    covered = {at for start in there for at in range(start, start + TELLING_LENGTH)}
    return {windows[start] for start in there} if len(covered) == len(secret) else set()
