"""The command line: run, list, explain, plan, serve."""
import sys, pytest
from trigger_conformance.catalogue import SUITE
def main() -> None:
    sys.exit(pytest.main([str(SUITE), "--no-header", "-q", *sys.argv[2:]]))
if __name__ == "__main__":
    main()
