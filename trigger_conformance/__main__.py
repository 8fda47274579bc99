"""The console script: takes the signals over before anything that takes a while is imported."""

from trigger_conformance.options import interruption


def main() -> None:
    """Run the command line."""
    interruption.begin()
    from trigger_conformance.cli import main as command_line

    command_line()


if __name__ == "__main__":
    main()
