"""Defects of notes alone."""

from create_note.server import CreateNoteServer
from trigger_conformance.reference.behaviours import fault


@fault("answers.accepted_answers_satisfy_the_schema")
class NumbersNotes(CreateNoteServer):
    """A note's id is a number."""

    def json(self, status, body, headers):
        body = {**body, "id": 7} if status == 201 else body
        return super().json(status, body, headers)


@fault("fuzzing.generated_invalid_requests_are_rejected")
class TakesAnyName(CreateNoteServer):
    """A name may be a number."""

    def validate(self, document):
        return super().validate({**document, "name": str(document.get("name", ""))})
