"""The reference server as a child process of a run, stopped with it however the run ends."""

from __future__ import annotations

import json
import os
import pkgutil
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from trigger_conformance.reference.listening import end_with_parent, listen
from trigger_conformance.reference.settings import SOUND, Settings

_SETTINGS = "TRIGGER_CONFORMANCE_REFERENCE_SETTINGS"
_MORE = "TRIGGER_CONFORMANCE_REFERENCE_OPERATIONS"


@dataclass
class ReferenceProcess:
    """A running reference server: where it listens, which keys it knows, which options a run needs to reach it."""

    base_url: str
    settings: Settings
    process: subprocess.Popen[str]
    run_options: tuple[str, ...] = ()

    @classmethod
    def start(
        cls, settings: Settings = SOUND, behaviour: str = "", more: Mapping[str, str] | None = None
    ) -> ReferenceProcess:
        """Start one on a free loopback port with fresh keys; ``behaviour`` names a fault or a variant.

        ``more`` are operations beside those that have a folder here: their servers ("module:Class") by their ids.
        Raises RuntimeError where it does not come up.
        """
        settings = replace(
            settings,
            api_key=f"tr_dev_{secrets.token_urlsafe(24)}",
            second_api_key=f"tr_prod_{secrets.token_urlsafe(24)}",
        )
        # The keys travel by environment: a command line is everybody's to read.
        process = subprocess.Popen(
            [sys.executable, "-m", "trigger_conformance.reference", behaviour],
            env={**os.environ, _SETTINGS: json.dumps(asdict(settings)), _MORE: json.dumps(more or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # A terminal's Ctrl-C is for the run, which ends this server when it needs it no more.
            start_new_session=True,
        )
        return cls("", settings, process)

    def wait_until_ready(self) -> ReferenceProcess:
        """Wait for the line with which the server says how it is reached."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"the reference server did not start (exit status {self.process.wait()})")
        self.base_url, *options = json.loads(line)
        self.run_options = tuple(options)
        return self

    def stop(self) -> None:
        """Stop the server and wait for its end."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.terminate()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


def main(behaviour: str) -> None:
    """The child: says how it is reached, serves, and ends when its parent does."""
    from trigger_conformance.reference.registry import Registry, known

    more = json.loads(os.environ.pop(_MORE, "{}"))
    settings = json.loads(os.environ.pop(_SETTINGS, "{}"))
    for limit in ("run_limit", "request_limit"):
        if limit in settings:
            settings[limit] = tuple(settings[limit])
    registry = Registry({**known(), **{name: pkgutil.resolve_name(place) for name, place in more.items()}})
    server = registry.app(behaviour)(Settings(**settings))
    listener = listen()
    told = [server.base_url(listener.getsockname()[1]), *server.run_options()]
    try:
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever wanted it has ended meanwhile; what is left to be written must not be tried again.
        os._exit(0)
    end_with_parent(sys.stdin.fileno())
    server.run(listener)
