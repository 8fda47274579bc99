"""What checks of items speak through: ``target.send(target.whole(target.batch(3)))``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from trigger_conformance.checks.client import Client
from trigger_conformance.checks.expect import InconclusiveError
from trigger_conformance.checks.operation import operations
from trigger_conformance.contract.contract import Expected
from trigger_conformance.rules import delegated_token
from trigger_conformance.wire.exchange import Exchange, Framing, Upload

from .grounds import given_accepted
from .values import OF_ANOTHER, OF_THE_BATCH

LINES = "application/x-ndjson"
# Batches of one item that are made ahead, in one volley.
AHEAD = 2


@dataclass(frozen=True)
class Batch:
    """A batch that a create made: its id, how many items it expects, and the create."""

    id: str
    size: int
    made_by: Exchange


class ItemsClient(Client):
    """A client that gives batches their items, and has them made by the client of their creation."""

    def __init__(self, operation, target, wire):
        super().__init__(operation, target, wire)
        self.creates = operations()["create_batch"].client(target, wire)
        self._ahead = []
        self._sizes = {}
        self._unsent = ""
        self._apart = {}

    def begin(self, check):
        """From now on requests leave on behalf of the requirement ``check``."""
        super().begin(check)
        self.creates.begin(check)
        self._unsent = ""

    @property
    def task(self):
        """The task of the target."""
        return self.stated["task"]

    # Batches

    def batches(self, *sizes, key=None, authorization=None):
        """New batches of these ``sizes``, without items. Raises InconclusiveError where a target makes none."""
        # Each is called otherwise: judged again from the evidence, each must get its own answer.
        labels = [f"a batch of {size}" + f", number {number}" * (number > 1) for number, size in enumerate(sizes, 1)]
        orders = [
            self.creates.order(size, key, label, authorization=authorization or self.creates.bearer)
            for size, label in zip(sizes, labels, strict=True)
        ]
        answers = self.creates.send_all(orders)
        if silent := [each for each in answers if each.answer is None or each.status == 429]:
            raise InconclusiveError(f"no batch to give items to: {silent[0].outcome}", silent)
        made = [Batch(batch_of(each), size, each) for each, size in zip(answers, sizes, strict=True)]
        if wrong := [each for each in made if not each.id or each.made_by.answer.document.get("runCount") != each.size]:
            raise InconclusiveError(f"no batch of {wrong[0].size} to give items to: {wrong[0].made_by.outcome}",
                  [each.made_by for each in wrong])  # fmt: skip
        self._sizes |= {each.id: each.size for each in made}
        return made

    def batch(self, size, **how):
        """A new batch."""
        return self.batches(size, **how)[0]

    def key(self, suffix=""):  # noqa: ARG002
        """The id of a new batch of one item."""
        if not self._ahead:
            self._ahead = [each.id for each in self.batches(*[1] * AHEAD)]
        return self._ahead.pop(0)

    # Requests

    def item(self, index=0, **more):
        """One item."""
        return {"index": index, "task": self.task, **more}

    def items(self, indexes):
        """Items with payloads."""
        return [self.item(index, payload={"n": index}) for index in indexes]

    def stream(self, batch, items, label="", *, authorization=None, framing=Framing.LENGTH, upload=None, **how):
        """A request with ``items`` for a batch, or its id: objects, a line each, or bytes as they are."""
        body = items if isinstance(items, bytes) else b"".join(line(each) for each in items)
        identity = batch if isinstance(batch, str) else batch.id
        way = {"content_type": LINES, "path": self.path(batchId=identity), **how}
        request = super().request(body, label=label, authorization=authorization, framing=framing, **way)
        return replace(request, upload=upload) if upload else request

    def whole(self, batch, label="", **how):
        """A request with all items of a batch."""
        return self.stream(batch, self.items(range(batch.size)), label, **how)

    def uploaded(self, batch, body, label, *, cuts=(), pause=0.0):
        """A request whose body leaves in chunks that end at the offsets ``cuts``."""
        return self.stream(batch, body, label, framing=Framing.CHUNKED, upload=Upload(tuple(cuts), pause))

    def dying(self, batch, body, label):
        """A chunked request that comes to no end after ``body``: it is to be abandoned."""
        return self.stream(batch, body, label, framing=Framing.CHUNKED, upload=Upload(dies=True))

    def valid(self, label="", *, key=None, authorization=None, **how):
        """A request with the only item of a new batch, or of the batch ``key``.

        Whoever is to be refused asks for one batch again and again, and so does who asks by another method.
        """
        ways = {name: how.pop(name) for name in self.WAYS if name in how}
        nothing = "another method" if "method" in ways else "a stranger" if is_strange(authorization) else ""
        key = key or (self._set_apart(nothing) if nothing else self.key())
        self._unsent = key
        return self.stream(key, [self.item(**how)], label, authorization=authorization, **ways)

    def _set_apart(self, kind):
        """A batch for what must come to nothing for one reason, and so stays without items."""
        self._apart[kind] = self._apart.get(kind) or self.key()
        return self._apart[kind]

    def request(self, body=None, *, path=None, content_type=LINES, **how):
        """One request with a raw line: for the batch of a valid request that was made just now and not sent."""
        if isinstance(body, Mapping):
            body = line(body)
        elif body and not body.endswith(b"\n"):
            body += b"\n"
        if path is None:
            path = self.path(batchId=self._place(body, how.get("authorization"), how.get("method")))
        return super().request(body, path=path, content_type=content_type, **how)

    def _place(self, body, authorization, method):
        if is_strange(authorization):
            return self._set_apart("a stranger")
        if method not in (None, "POST"):
            return self._set_apart("another method")
        if not body or self.expected(body) is Expected.REJECTED:
            return self._set_apart("a wrong line")
        unsent, self._unsent = self._unsent, ""
        return unsent or self.key()

    def text(self, key=None):  # noqa: ARG002
        """The JSON text of a line, for whichever batch."""
        return line(self.item()).decode().rstrip()

    def document(self):
        """A line's document, for whichever batch."""
        return self.item()

    def spaced(self, text):
        """A line with white space before and after it: line ends are another matter."""
        return f"\t {text} \n"

    def invalid(self):
        """Bodies that break one thing each."""
        return {
            "an item without a task": b'{"index":0}',
            "malformed JSON": b'{"index":0,"task":',
            "a mistyped index": line({**self.item(), "index": "0"}),
        }

    def token_claims(self):
        """The claims of the token that comes with a new batch."""
        batch = self.batch(1)
        # A forgery that claims what it needs is for this batch: the next one that is asked for.
        self._ahead.insert(0, batch.id)
        return delegated_token.payload_of(batch.made_by.answer)

    def token_of(self, batch, honours=OF_THE_BATCH):
        """The token that was handed out with a batch as a credential; None where there is none that is well formed."""
        answer = batch.made_by.answer
        token = answer.header(delegated_token.TOKEN)
        if token is None or delegated_token.token_problem(answer) or honours not in (OF_THE_BATCH, OF_ANOTHER):
            return None
        # What a token says is judged, and judged again from a run's evidence: its signature is the secret.
        self.wire.redactor.learn(token.rpartition(".")[2])
        return replace(self.credential(f"Bearer {token}"), honours=honours)

    def twin(self, request):
        """All items of the batch that ``request`` was for."""
        key = self.operation.key(request)
        items = self.items(range(self._sizes.get(key, 1)))
        return self.stream(key, items, f"the whole stream after: {request.label}")

    def look_for(self, requests):
        """All items of each batch that ``requests`` were for, once: it had none before."""
        shown, judge = super().look_for(requests)
        return given_accepted(shown), judge

    def sample(self):
        """What shows the usual answers: a whole stream, the same again, a part, a malformed and a refused one."""
        valid, part = self.valid(), self.stream(self.batch(2), [self.item()], "one of 2")
        wrong = self.valid(authorization=self.credential("Bearer wrong-key"))
        return [valid, valid, part, self.request(b"{"), wrong]

    # Sending

    def _sent(self, requests):
        requests = list(requests)
        for each in requests:
            key = self.operation.key(each)
            if key == self._unsent:
                self._unsent = ""
            if each.credential == "primary" and self._may_be_taken(each):
                self._apart = {kind: batch for kind, batch in self._apart.items() if batch != key}
        return requests

    def _heard(self, answers):
        """What was to come to nothing and was taken all the same leaves no batch for whatever comes to nothing next."""
        filled = {self.operation.key(each.request) for each in answers if each.status == self.contract.success}
        self._apart = {kind: batch for kind, batch in self._apart.items() if batch not in filled}
        return answers

    def _may_be_taken(self, request):
        return request.method == "POST" and self.expected(request.content) is not Expected.REJECTED

    def send(self, request, **how):
        """Send one request."""
        (answer,) = self._heard([super().send(*self._sent([request]), **how)])
        return answer

    def send_all(self, requests, **how):
        """Send independent requests; those for one batch leave one after the other, for at once they may be refused."""
        send = super().send_all
        return self._heard([answer for wave in self._waves(self._sent(requests)) for answer in send(wave, **how)])

    def send_beside(self, pairs):
        """Send all at once; what the second of each pair is answered while the first, for its batch, is under way."""
        return super().send_all(self._sent([each for pair in pairs for each in pair]))[1::2]

    def send_in_turn(self, requests):
        """Send requests one after the other on one connection."""
        return super().send_in_turn(self._sent(requests))

    def is_up(self):
        """Whether a plain valid request succeeds just now."""
        try:
            return super().is_up()
        except InconclusiveError:
            return False


def is_strange(authorization):
    """Whether nobody honours a credential that a request was given."""
    return authorization is not None and authorization.honours == "none"


def line(document):
    """One line of a body."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def batch_of(exchange):
    """The id of the batch that a create's answer names, whatever else is wrong with it."""
    found = exchange.answer.document.get("id") if exchange.status // 100 == 2 else None
    return found if isinstance(found, str) else ""
