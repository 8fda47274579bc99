"""Create a note: ``POST /api/v1/notes``."""

from pathlib import Path

from trigger_conformance.checks.client import Client
from trigger_conformance.checks.operation import Operation


class NoteClient(Client):
    """Creates notes."""

    def valid(self, label="", *, key=None, **how):
        """A request for a note with the name, or a fresh one."""
        ways = {way: how.pop(way) for way in self.WAYS if way in how}
        return self.request({"name": key or self.key(), **how}, label=label, **ways)

    def twin(self, request):
        """The valid request with the same name."""
        return self.valid(f"the valid request after: {request.label}", key=self.operation.key(request))

    def removal(self, thing):
        """A DELETE of the note."""
        return self.request(label=f"remove {thing}", method="DELETE", path=f"{self.path()}/{thing}", content_type=None)

    def left(self, beginning):
        """What the one page of the list shows."""
        answer = self.send(self.request(label="list notes", method="GET", content_type=None)).answer
        notes = answer.json if answer and isinstance(answer.json, list) else []
        shown = [(each.get("id"), each.get("name")) for each in notes if isinstance(each, dict)]
        return {
            note: name for note, name in shown
            if isinstance(note, str) and isinstance(name, str) and name.startswith(beginning)
        }  # fmt: skip


class CreateNote(Operation):
    """A name has one note."""

    def client(self, target, wire):
        """What its checks speak through."""
        return NoteClient(self, target, wire)

    def key(self, request):
        """The name."""
        name = (request.document or {}).get("name")
        return name if isinstance(name, str) else None

    def made(self, exchange):
        """The id that a 201 names."""
        return exchange.answer.document.get("id") if exchange.status == 201 else None

    def is_new(self, exchange):
        """A 201's isNew."""
        return exchange.answer.document.get("isNew") if exchange.status == 201 else None

    def fresh(self, body, key):
        """A name of its own."""
        return {**body, "name": key()} if isinstance(body.get("name"), str) else body


OPERATION = CreateNote(
    id="create_note", title="notes API", document="create-note.openapi.yaml", operation_id="createNote",
    thing="note", things="notes", key_property="name", place=Path(__file__).parent,
)  # fmt: skip
