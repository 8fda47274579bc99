"""The sound server of notes."""

from itertools import count

from starlette.responses import Response

from trigger_conformance.reference.server import OperationServer, Problem


class Notes(dict):
    """An environment's notes, by name."""


class CreateNoteServer(OperationServer):
    """Answers ``/api/v1/notes``."""

    numbers = count(1)

    def routes(self):
        return {
            "/api/v1/notes": {"POST": self.create, "GET": self.list},
            "/api/v1/notes/{note}": {"DELETE": self.remove},
        }

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
        notes = environment.store(Notes).items()
        return self.json(200, [{"id": identity, "name": name} for name, identity in notes], [])

    async def remove(self, request, environment):
        notes, wanted = environment.store(Notes), request.path_params["note"]
        name = next((name for name, identity in notes.items() if identity == wanted), None)
        if name is None:
            raise Problem(404, "There is no such note")
        del notes[name]
        return Response(status_code=204)
