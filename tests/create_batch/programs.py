"""Generated programs of requests with and without keys, which the model foresees."""

from hypothesis import strategies as st

from trigger_conformance.checks.generation import drawn

from .model import Step

# A program's waves, and the requests of a wave, which are at least half as many.
WAVES = 6
WAVE = 8


def programs(number, count, kinds, pool, largest):
    """``count`` programs for the seed ``number``: lists of waves, which are lists of steps with keys out of a ``pool``.

    Steps of one wave have different keys. They are of ``kinds``, and create at most ``largest`` runs each.
    """
    steps = st.builds(Step, st.sampled_from(kinds), st.integers(0, pool - 1), st.integers(1, largest))
    waves = st.lists(steps, min_size=WAVE // 2, max_size=WAVE, unique_by=lambda step: step.key)
    return drawn(st.lists(waves, min_size=WAVES, max_size=WAVES), number, count)[:count]
