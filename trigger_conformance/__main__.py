"""The console script: takes the signals over before anything that takes a while is imported."""

import os
import sys
from pathlib import Path

from trigger_conformance.options import interruption


def main() -> None:
    """Run the command line."""
    interruption.begin()
    from trigger_conformance.options import places
    from trigger_conformance.verdicts.verdict import ExitStatus

    places.settle(sys.argv[1:], os.environ, Path.cwd())
    try:
        from trigger_conformance.cli import main as command_line
    except Exception as error:
        # Python's own exit status would be that of a non-conformant target.
        sys.stderr.write(f"error: the suite cannot be imported: {type(error).__name__}: {error}\n")
        sys.exit(ExitStatus.SUITE_ERROR)
    command_line()


if __name__ == "__main__":
    main()
