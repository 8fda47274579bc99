"""The command line in a process that is forked from one with everything imported: a second less for each run."""

import multiprocessing
import os
import sys
from pathlib import Path

from selftest.trial import PRELOADED


def _become(arguments, folder, variables, output, errors):
    from trigger_conformance.cli import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    for descriptor, path in ((1, output), (2, errors)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["trigger-conformance", *arguments]
    main()


def call(arguments, folder, variables, longest):
    """Exit status, standard output and error of ``trigger-conformance`` with these arguments, in ``folder``.

    Raises TimeoutError after ``longest`` seconds.
    """
    multiprocessing.set_forkserver_preload(PRELOADED)
    said = [Path(folder, name) for name in (".stdout", ".stderr")]
    process = multiprocessing.get_context("forkserver").Process(
        target=_become, args=(arguments, folder, variables, *said)
    )
    process.start()
    process.join(longest)
    if process.is_alive():
        process.kill()
        process.join()
        raise TimeoutError(f"trigger-conformance {' '.join(arguments)} took more than {longest} s")
    texts = [path.read_text("utf-8", "backslashreplace") for path in said]
    for path in said:
        path.unlink()
    return process.exitcode, *texts
