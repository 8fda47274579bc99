"""The command line in a process that is forked from one with everything imported: a second less for each run."""

import os
import sys
import uuid
from pathlib import Path

from selftest.trial import processes, tell_into


def _become(arguments, folder, variables, output, errors):
    from trigger_conformance.cli import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    tell_into(output, errors)
    sys.argv = ["trigger-conformance", *arguments]
    main()


class Started:
    """``trigger-conformance`` with these arguments, begun in ``folder`` with these environment ``variables``."""

    def __init__(self, arguments, folder, variables):
        self._line = f"trigger-conformance {' '.join(arguments)}"
        self._said = [Path(folder, f".{uuid.uuid4().hex}") for _ in range(2)]
        self._process = processes().Process(target=_become, args=(arguments, folder, variables, *self._said))
        self._process.start()

    def ended(self, longest):
        """Exit status, standard output and error. Raises TimeoutError after ``longest`` seconds."""
        self._process.join(longest)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            raise TimeoutError(f"{self._line} took more than {longest} s")
        texts = [path.read_text("utf-8", "backslashreplace") for path in self._said]
        for path in self._said:
            path.unlink()
        return self._process.exitcode, *texts


def call(arguments, folder, variables, longest):
    """What ``Started.ended`` says of such a command."""
    return Started(arguments, folder, variables).ended(longest)
