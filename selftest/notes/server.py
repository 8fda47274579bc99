from starlette.responses import Response

from trigger_conformance.reference.server import OperationServer, Problem


class Notes(dict):
    """An environment's notes by id."""


class TakeNoteServer(OperationServer):
    spared = frozenset({"acceptance.answers_created", "variants.any_media_type_is_taken"})

    def routes(self):
        return {"/notes": {"POST": self.take}, "/notes/{id}": {"GET": self.show, "DELETE": self.forget}}

    def validate(self, document):
        if not isinstance(document, dict) or not isinstance(document.get("text"), str):
            raise Problem(400, "text must be a string")
        return document["text"]

    async def take(self, request, environment):
        notes, text = environment.store(Notes), await self.order_of(request)
        notes[str(len(notes) + 1)] = text
        return self.told(environment, 201, {"id": str(len(notes)), "text": text})

    async def show(self, request, environment):
        identity, notes = request.path_params["id"], environment.store(Notes)
        if identity not in notes:
            raise Problem(404, "no such note")
        return self.told(environment, 200, {"id": identity, "text": notes[identity]})

    async def forget(self, request, environment):
        environment.store(Notes).pop(request.path_params["id"], None)
        return Response(status_code=204)

    def told(self, environment, status, body):
        return self.json(status, body, self.limit_headers(self.charge_nothing(environment)))
