"""What a reference server keeps, looked into: one in a thread of this process, and what any has run twice."""

import threading
from contextlib import contextmanager
from dataclasses import dataclass

from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.listening import listen
from trigger_conformance.reference.registry import behaviour_class
from trigger_conformance.reference.settings import Settings
from trigger_conformance.reference.stream_batch_items.store import Filling, Fillings


@dataclass
class Watched:
    """A server, where it listens, and how a run reaches it."""

    app: ReferenceApp
    base_url: str

    @property
    def settings(self) -> Settings:
        return self.app.settings

    @property
    def run_options(self) -> list[str]:
        return self.app.run_options()

    @property
    def fillings(self) -> dict[str, Filling]:
        """As ``fillings``."""
        return fillings(self.app)


def fillings(app: ReferenceApp) -> dict[str, Filling]:
    """The batches that were given items, by their ids, of all environments."""
    stores = [each.store(Fillings) for each in app.site.environments]
    return {identity: each for store in stores for identity, each in store.items()}


def second_runs(app: ReferenceApp) -> int:
    """How many items started more than one run, of all batches; the server may be serving meanwhile."""
    return sum(runs > 1 for filling in fillings(app).values() for runs in list(filling.runs.values()))


@contextmanager
def watched(behaviour="", **operations):
    """The sound server, or one of its faults and variants that serve by uvicorn; ``operations`` are other servers."""
    kind = behaviour_class(behaviour)
    app = type("Watched", (kind,), {"operations": {**kind.operations, **operations}})()
    listener = listen()
    server = app.uvicorn()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Watched(app, app.base_url(listener.getsockname()[1]))
    finally:
        server.should_exit = True
        thread.join()
