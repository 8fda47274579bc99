"""``python -m trigger_conformance.reference [BEHAVIOUR]``: the reference server as a child process."""

import sys

from trigger_conformance.reference.process import main

main(sys.argv[1] if len(sys.argv) > 1 else "")
