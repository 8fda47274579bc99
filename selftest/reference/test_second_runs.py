"""That no item runs twice: what the reference server counted itself, beside what the suite could see of it."""

import pytest

from selftest.conftest import at, keys
from selftest.proof import Row
from selftest.trial import attempt
from selftest.watched import second_runs, watched
from trigger_conformance.reference.stream_batch_items.server import StreamBatchItemsServer

ITEMS = ["--only=stream_batch_items", "--profile=smoke"]
# Streams of one batch at once, in each of the ways in which a store may meet them.
SOUND = ["", "variants.items_are_taken_as_they_come", "variants.slow_stores", "variants.streams_take_turns"]
ACCEPTED = "stream_batch_items.story.batch_accepts_no_more_than_it_has"


class RunsInSilence(StreamBatchItemsServer):
    """An item that is there already is told to be deduplicated, and starts a second run all the same."""

    def take(self, filling, item, stream):
        filling.runs[item.index] += self.is_known(filling, item)
        super().take(filling, item, stream)


@pytest.mark.parametrize("variant", SOUND)
def test_no_item_runs_twice_on_a_sound_server(variant):
    trial = attempt(variant, ITEMS)
    assert (trial.verdict, trial.ran_twice) == ("conformant", 0)


@pytest.mark.parametrize("fault", ["story.runs_late_items_again", "deduplication.takes_items_twice"])
def test_items_that_run_twice_are_counted_and_found(fault):
    trial = attempt(fault, ITEMS)
    assert trial.ran_twice
    assert ACCEPTED in trial.caught


def test_a_variant_must_not_run_items_twice():
    ran = [Row("variants.x", "X.", (), 0, "conformant", [], [], 1.0, 300, ran_twice=twice) for twice in (0, 3)]
    assert [each.complaint for each in ran] == [None, "3 items ran twice on a sound server"]


def test_second_runs_that_answers_keep_to_themselves_are_not_found(command):
    """As docs/explanation/why-a-pass-means-something.md says."""
    with watched(stream_batch_items=RunsInSilence) as server:
        ran = command(*at(server, *ITEMS, *server.run_options), **keys(server))
        assert (ran.results["verdict"], second_runs(server.app) > 0) == ("conformant", True)
