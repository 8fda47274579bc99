"""A reference server in a thread of this process: what it keeps can be looked into."""

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
        """The batches that were given items, by their ids, of all environments."""
        stores = [each.store(Fillings) for each in self.app.site.environments]
        return {identity: each for store in stores for identity, each in store.items()}


@contextmanager
def watched(behaviour=""):
    """The sound server, or one of its faults and variants that serve by uvicorn."""
    app = behaviour_class(behaviour)()
    listener = listen()
    server = app.uvicorn()
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Watched(app, app.base_url(listener.getsockname()[1]))
    finally:
        server.should_exit = True
        thread.join()
