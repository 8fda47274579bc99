"""Look-alike keys that the requests of other checks bring along: what makes a schedule anyway tells of its key, too."""

from __future__ import annotations

import zlib

from tests.every_operation import transformations
from tests.every_operation.packs import is_right
from tests.every_operation.transformations import PLAIN
from trigger_conformance.checks.requirement import Profile


class Carriers:
    """The table of look-alike keys, and what requests with some of them were answered so far, by their labels.

    In larger profiles, and where several lanes would each have keys of their own, nothing is brought along.
    """

    def __init__(self, target):
        thorough = target.profile >= Profile.THOROUGH
        number = zlib.crc32(target.key().encode()) * 100 + 11
        table = transformations.kinds(target.key, number, thorough=thorough, searched=thorough)
        self.kinds = table if thorough else transformations.telling(table)
        self.answered = {}
        keys = {label: key for kind in self.kinds for label, key in kind.rows.items()}
        self._brings = target.profile is Profile.STANDARD and target.wire.lane == 0
        self._left = {label: key for label, key in keys.items() if label != PLAIN} if self._brings else {}
        if self._brings:
            # The others are compared with it: it comes before them.
            self.answered[PLAIN] = target.send(target.order(key=keys[PLAIN], label=PLAIN))

    def send(self, target, rows, alone):
        """The exchanges of valid requests, one for each of ``rows``: a label, and what is to be in the request.

        Whatever a request with such a key comes to, but a schedule of its own, the same is sent as ``alone`` makes it.
        """
        carriers = [self._take(target.own if "externalId" in how else "") for _, how in rows]
        requests = [
            alone(label=label, **how) if carrier is None
            else target.order(label=f"{label} (key: {carrier[0]})", key=carrier[1], **how)
            for (label, how), carrier in zip(rows, carriers, strict=True)
        ]  # fmt: skip
        found = target.send_all(requests)
        if any(map(target.operation.is_full, found)):
            self._make_room(target, [each for each, carrier in zip(found, carriers, strict=True) if carrier])
        for place, (carrier, (label, how)) in enumerate(zip(carriers, rows, strict=True)):
            if carrier is None:
                continue
            is_made = found[place].status == target.contract.success
            if is_made and self._brings:
                self.answered[carrier[0]] = found[place]
            if not is_made or not target.operation.is_new(found[place]):
                found[place] = target.send(alone(label=label, **how))
        return found

    def _make_room(self, target, found):
        """Of few schedules that there may be, each is for the check that needs one: none is brought along any more."""
        made = map(target.operation.made, [*self.answered.values(), *found])
        target.send_all(target.removal(each) for each in dict.fromkeys(made) if each and target.is_safe(each))
        self._brings, self._left = False, {}
        self.answered.clear()

    def _take(self, beginning):
        """A label and a key that begins so: what has neither such a key nor such an externalId says of no run."""
        label = next((label for label, key in reversed(self._left.items()) if key.startswith(beginning)), None)
        return None if label is None else (label, self._left.pop(label))


# What externalIds are kept as they are, though software would make something else of them.
TEXTS = {
    "quotation marks, other scripts, decomposed ones and a space at its end": "\"Conformance\" 'ключ' 🔑e\u0301 ",
    "a number in a text": "0012",
    "a word that means nothing": "null",
    "two lines, a tab, markup and what looks encoded": "conformance\r\n\t<b>x</b> &amp; {{x}} a%20b+c",
}
# Kinds of patterns whose first one comes with such a text.
WITH_TEXTS = ("numbers", "sundays", "last_days", "last_weekdays")


def texts_with_patterns(target):
    """The exchanges of TEXTS, by label, and of the patterns that they came with, by kind and label.

    Where one of two is not as it was asked for, each is sent without the other.
    """
    patterns = [(kind, *next(iter(target.tables()[kind].items()))) for kind in WITH_TEXTS]
    pairs = list(zip(TEXTS.items(), patterns, strict=True))
    both = target.send_carried(
        (f"{text}, {kind}: {label}", {"externalId": value, "cron": pattern})
        for (text, value), (kind, label, pattern) in pairs
    )
    of_texts, of_patterns = {}, {}
    for exchange, ((text, value), (kind, label, pattern)) in zip(both, pairs, strict=True):
        apart = (exchange, exchange)
        if not is_right(target, exchange):
            alone = (target.valid(text, externalId=value), target.valid(f"{kind}: {label}", cron=pattern))
            apart = tuple(map(target.send, alone))
        of_texts[text], of_patterns[kind, label] = apart
    return of_texts, of_patterns
