"""Generated stories of one batch, which the model foresees."""

from hypothesis import strategies as st

from trigger_conformance.checks.generation import drawn

from .model import Kind, Step

SIZE = 4
STEPS = 5
# Kinds that are nothing without items.
OF_ITEMS = (Kind.PART, Kind.PART, Kind.WRONG, Kind.CUT_OFF, Kind.TWICE)
ALONE = (Kind.EMPTY, Kind.REPLAY)


def stories(number, count):
    """``count`` stories for the seed ``number``: lists of steps, the last of which brings all items of the batch."""
    indexes = st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=SIZE).map(tuple)
    steps = st.one_of(
        st.builds(Step, st.sampled_from(OF_ITEMS), indexes),
        st.builds(Step, st.sampled_from(OF_ITEMS), indexes),
        st.builds(Step, st.sampled_from(ALONE)),
    )
    whole = Step(Kind.PART, tuple(range(SIZE)))
    return [[*story, whole] for story in drawn(st.lists(steps, min_size=STEPS, max_size=STEPS), number, count)[:count]]


def shorter(story):
    """Stories that lack one step of ``story``, and such that send fewer items, the simplest first."""
    for at in range(len(story)):
        yield [*story[:at], *story[at + 1 :]]
    for at, step in enumerate(story):
        for gone in range(len(step.indexes) if len(step.indexes) > 1 else 0):
            fewer = (*step.indexes[:gone], *step.indexes[gone + 1 :])
            yield [*story[:at], Step(step.kind, fewer), *story[at + 1 :]]
