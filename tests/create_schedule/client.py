"""What checks of schedules speak through: ``target.send(target.order(cron=…))``, ``target.look()``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from trigger_conformance.checks.client import Client
from trigger_conformance.checks.operation import operation_of
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.wire.exchange import Exchange

from . import patterns, zones
from .carriers import Carriers
from .names import name_of
from .values import KEY, LONGEST_EXTERNAL_ID, LONGEST_GENERATED_KEY
from .values import UTC as UTC_NAME

# Keys that valid requests without one of their own take turns with: where a schedule is there, it is updated.
SHARED_KEYS = 4
PER_PAGE = 100
# It is in no document: nothing of it is judged.
ZONES = "/api/v1/timezones"
# A target with smaller pages than this allows has more of them than a run can look through.
MOST_PAGES = 60
MONTHS = 12
# From now: so far away, a pattern's next time is not reached during a run.
FAR = 6


@dataclass(frozen=True)
class Look:
    """A look through the list: the pages, and whether these were all."""

    pages: list[Exchange]
    whole: bool

    def entries(self):
        """Every schedule of the list that is an object, with its page."""
        for page in self.pages:
            data = page.answer.document.get("data") if page.answer and page.status == 200 else None
            for entry in data if isinstance(data, list) else ():
                if isinstance(entry, dict):
                    yield entry, page

    def given_twice(self):
        """The ids that schedules of several keys have."""
        keys = {}
        for entry, _ in self.entries():
            if isinstance(named := entry.get("id"), str) and isinstance(key := entry.get(KEY), str):
                keys.setdefault(named, set()).add(key)
        return {named for named, found in keys.items() if len(found) > 1}

    def having(self, keys):
        """The schedules with one of these keys, by key."""
        wanted, found = set(keys), {}
        for entry, _ in self.entries():
            if isinstance(key := entry.get(KEY), str) and key in wanted:
                found.setdefault(key, []).append(entry)
        return found


class ScheduleClient(Client):
    """A client that creates, updates, sees and removes schedules."""

    def __init__(self, operation, target, wire):
        super().__init__(operation, target, wire)
        self._turns = 0
        self._month = 0
        self._zones = frozenset()
        self._latest = None

    def begin(self, check):
        """From now on requests leave on behalf of the requirement ``check``."""
        super().begin(check)
        self._month = 0

    @property
    def task(self):
        """The scheduled task of the target."""
        return self.stated["schedule_task"]

    @property
    def month(self):
        """A month that is half a year away."""
        if not self._month:
            self._month = self.wire.decide("month", (time.gmtime().tm_mon + FAR - 1) % MONTHS + 1)
        return self._month

    @property
    def now(self):
        """The moment of the run from which what comes next is counted."""
        return datetime.fromtimestamp(self.wire.decide("moment of the run", int(time.time())), UTC)

    def tables(self):
        """Patterns that every target accepts, by kinds."""
        return patterns.accepted(*self.months()[:3], self.now)

    def months(self):
        """Months that are far away, first the farthest."""
        return [(self.month + step - 1) % MONTHS + 1 for step in (0, 1, -1, 2, -2, 3)]

    def farthest(self, months):
        """The one of some ``months`` that is nearest to half a year away."""
        return min(months, key=lambda each: min((each - self.month) % MONTHS, (self.month - each) % MONTHS))

    def cron(self, minute=0, hour=12):
        """A pattern of a day half a year away."""
        return f"{minute} {hour} 15 {self.month} *"

    def zones(self):
        """The names of the zones that the target lists, or those of the database where it lists none."""
        if not self._zones:
            answer = self.send(self.request(method="GET", path=ZONES, content_type=None, label="the target's zones"))
            told = answer.answer.json if answer.status == self.contract.success else None
            told = told.get("timezones") if isinstance(told, dict) else told
            found = {each for each in told if isinstance(each, str)} if isinstance(told, list) else set()
            self._zones = frozenset(found) or zones.names()
        return self._zones

    def known_zones(self):
        """Zones that the target must have and that have kept their rules for long, what is special first."""
        return [name for name in zones.STEADY if name in self.zones()]

    def place(self, number):
        """One of these zones, another for each small ``number``; UTC where there is none."""
        known = self.known_zones() or [UTC_NAME]
        return known[number % len(known)]

    # Requests

    def order(self, cron=None, key=None, label="", **how):
        """A request for a schedule; what is no way of sending it is a property of its body, None leaves one out."""
        ways = {name: how.pop(name) for name in self.WAYS if name in how}
        key = key or self.key()
        document = {"task": self.task, "cron": self.cron() if cron is None else cron, KEY: key, **how}
        if not key.startswith(self.own):
            # What a run leaves behind is found by one of them.
            document.setdefault("externalId", f"{self.own}of-another-key")
        return self.request({name: value for name, value in document.items() if value is not None}, label=label, **ways)

    def valid(self, label="", *, key=None, **how):
        """A request for a schedule with the key; without one, with a shared key where it may be accepted."""
        authorization = how.get("authorization")
        usual = "method" not in how and (authorization is None or authorization.honours == "primary")
        return self.order(key=key or (self.shared_key() if usual else self.key()), label=label, **how)

    def telling(self, label="", *, key=None, **how):
        """A valid request in which all that is answered differs from the one before."""
        self._turns += 1
        minute, hour = self._turns % 60, self._turns // 60 % 24
        how = {"externalId": f"conformance-{self.wire.lane}-{self._turns}", **how}
        return self.valid(label, key=key, cron=self.cron(minute, hour), **how)

    def worded(self, label, text):
        """``telling`` with ``text`` as its externalId."""
        return self.telling(label, externalId=text)

    def shared_key(self):
        """A key of a few that many requests share."""
        self._turns += 1
        turn = self._turns % self.pick(smoke=1, standard=SHARED_KEYS, thorough=SHARED_KEYS)
        # What several lanes ask for at a time must not change under them.
        return f"{self.own}shared-{self.wire.lane}-{turn}"

    def generated_key(self):
        """A key of a few, so that there is little to remove."""
        return self.shared_key()

    def document(self):
        """The body of a fresh valid request, with a key that no other has."""
        return self.order().document

    def invalid(self):
        """Bodies that break one thing each."""
        sound = self.order()
        wrong = {"cron of four fields": {"cron": "0 12 1 1"}, "a mistyped key": {KEY: 1}}
        return {
            "cron of four fields": self.request({**sound.document, **wrong["cron of four fields"]}).body,
            "malformed JSON": sound.body[:-1],
            "a mistyped key": self.request({**sound.document, **wrong["a mistyped key"]}).body,
        }

    def twin(self, request):
        """The valid request with the same key as ``request``."""
        return self.order(key=self.operation.key(request), label=f"the valid request after: {request.label}")

    def narrowed(self):
        """Generated requests are for the task, at times half a year away, in a few zones."""
        place = f"$.components.schemas.{self.contract.request_schema}.properties"
        patterns = [self.cron(minute, hour) for minute, hour in ((0, 0), (30, 12), (59, 23))]
        return [
            {"target": f"{place}.task", "update": {"enum": [self.task]}},
            {"target": f"{place}.cron", "update": {"enum": patterns}},
            {"target": f"{place}.timezone", "update": {"enum": [UTC_NAME, self.place(0), self.place(2)]}},
            {"target": f"{place}.{KEY}", "update": {"minLength": 1, "maxLength": LONGEST_GENERATED_KEY}},
            {"target": f"{place}.externalId", "update": {"minLength": 1, "maxLength": LONGEST_EXTERNAL_ID}},
        ]

    # Sending

    def send_all(self, requests, *, keep_429=False):
        """Send independent requests; those that share a key leave one after the other."""
        send = super().send_all
        return [answer for wave in self._waves(requests) for answer in send(wave, keep_429=keep_429)]

    def send_carried(self, rows, alone=None):
        """The exchanges of valid requests, a label and properties each of ``rows``, with keys that are used anyway.

        Those that have no such key are made by ``alone``, or have a shared one.
        """
        rows, alone = list(rows), alone or self.valid
        if self.profile < Profile.STANDARD:
            return self.send_all(alone(label=label, **how) for label, how in rows)
        return self.once(Carriers).send(self, rows, alone)

    # Looking, and removing

    def looking(self, path="", query="", method="GET", label="", content_type=None, **how):
        """A request on a path below the operation's."""
        path = f"{self.contract.path}{path}"
        return self.request(method=method, path=path, query=query, content_type=content_type, label=label, **how)

    def at(self, thing, method="GET", label="", **how):
        """A request for one schedule."""
        return self.looking(f"/{quote(thing, safe='')}", method=method, label=label or f"{method} {thing}", **how)

    def removal(self, thing):
        """The request that removes a schedule."""
        return self.at(thing, "DELETE")

    def look(self, size=PER_PAGE, most=MOST_PAGES, *, to_the_end=False, **how):
        """Look through all pages of the list: as many as it says, or ``to_the_end``, the first that has nothing new."""
        pages, size = [], f"&perPage={size}"
        while len(pages) < most:
            number = len(pages) + 1
            page = self.send(self.looking(query=f"?page={number}{size}", label=f"page {number} of the list", **how))
            if page.status == 400 and number == 1 and size:
                # How large a page may be is nowhere said.
                size = ""
                continue
            pages.append(page)
            if page.answer is None:
                return Look(pages, whole=False)
            if to_the_end and not has_more(pages):
                # What a page beyond the last one is answered with is open.
                return Look(pages[:-1] or pages, whole=True)
            if not to_the_end and is_last(page, number):
                return Look(pages, whole=True)
        return Look(pages, whole=False)

    def latest_look(self):
        """A look through the list as it is now: the one before, where nothing but looks has come since."""
        pages = self._latest.pages if self._latest else ()
        if not pages or not self.has_only_looked_since(pages[-1]):
            self._latest = self.look()
        return self._latest

    def left(self, beginning):
        """The schedules of the target whose key begins so, or whose externalId where the key is another, by id."""
        found = {}
        for entry, _ in self.look().entries():
            named = name_of(entry)
            if isinstance(entry.get("id"), str) and named is not None and named.startswith(beginning):
                found[entry["id"]] = named
        return found

    def look_for(self, requests):
        """The pages of the list, in which there must be no schedule of the ``requests``' keys."""
        labels = {operation_of(each).key(each): each.label for each in requests}

        def judge(page):
            if page.status != self.contract.success:
                return None
            made = [labels[key] for key in Look([page], whole=True).having(labels)]
            return f"the list has a schedule that was made by: {'; '.join(made)}" if made else None

        return self.look().pages, judge


def has_more(pages):
    """Whether the last of ``pages`` has a schedule that the others lack."""
    *earlier, last = ({entry.get("id") for entry, _ in Look([page], whole=True).entries()} for page in pages)
    return bool(last.difference(*earlier))


def is_last(page, number):
    """Whether there is no page after ``page``, as far as it can be told."""
    told = page.answer.document if page.answer and page.status == 200 else {}
    data, pagination = told.get("data"), told.get("pagination")
    if not isinstance(data, list):
        return True
    total = pagination.get("totalPages") if isinstance(pagination, dict) else None
    return number >= total if isinstance(total, int) else not data
