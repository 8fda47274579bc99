from selftest.notes.server import TakeNoteServer
from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import fault


@fault("idempotency.a_note_is_taken_once")
class IgnoresKeys(TakeNoteServer):
    """Has the name of a fault of create batch."""


@fault("idempotency.a_note_is_taken_once")
class LosesNotes(TakeNoteServer):
    """A note is forgotten as soon as it was taken."""

    async def take(self, request, environment):
        response = await super().take(request, environment)
        environment.stores.clear()
        return response


class _Elsewhere(ReferenceApp):
    def adjusted(self, settings):
        return super().adjusted(settings)


@fault("idempotency.a_note_is_taken_once", app=_Elsewhere)
class LosesNotesElsewhere(LosesNotes):
    """A note is lost by a server that is set up otherwise."""
