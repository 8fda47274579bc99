"""The sound server of notes."""

from itertools import count

from trigger_conformance.reference.server import OperationServer, Problem


class Notes(dict):
    """An environment's notes, by name."""


class CreateNoteServer(OperationServer):
    """Answers ``/api/v1/notes``."""

    numbers = count(1)

    def routes(self):
        return {"/api/v1/notes": {"POST": self.create, "GET": self.list}}

    def validate(self, document):
        if not isinstance(document, dict) or not isinstance(document.get("name"), str) or not document["name"]:
            raise Problem(400, "name must be a text")
        return document["name"]

    async def create(self, request, environment):
        name, notes = await self.order_of(request), environment.store(Notes)
        is_new = name not in notes
        identity = notes.setdefault(name, f"note_{next(self.numbers)}")
        body = {"id": identity, "name": name, "isNew": is_new}
        return self.json(201, body, self.limit_headers(self.charge_nothing(environment)))

    async def list(self, _, environment):
        return self.json(200, list(environment.store(Notes)), [])
