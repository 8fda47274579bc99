"""The vendor's own SDK triggers whole batches, in both phases, on the reference server, and fails on faulty ones."""

import json
import subprocess

import pytest

from selftest.watched import watched

LONGEST = 90
# As the SDK's own, but for the seconds between them.
RETRY = {"maxAttempts": 2, "minTimeoutInMs": 20, "maxTimeoutInMs": 20, "factor": 1}
SIZES = (1, 10, 1000)
# What the SDK says of a faulty server: the phase that failed, and the status, or the error's name where there is none.
TRIPPING = {
    "acceptance.run_count_is_text": ("create", 200),
    "story.never_seals": ("stream", "BatchNotSealedError"),
    "story.counts_the_first_page": ("stream", "BatchNotSealedError"),
    "story.reads_twenty_five_lines": ("stream", "BatchNotSealedError"),
    "deduplication.knows_the_last_digit": ("stream", "BatchNotSealedError"),
    "ingest.limits_streams": ("stream", 422),
    "story.accepted_is_text": ("stream", "TriggerApiError"),
    "story.sealed_is_left_out": ("stream", "TriggerApiError"),
}


def told(node, server, batches, api_key=None):
    """What the SDK makes of ``batches``, as ``trigger.mjs`` tells it."""
    order = {
        "baseURL": server.base_url, "accessToken": api_key or server.settings.api_key, "retry": RETRY,
        "batches": batches,
    }  # fmt: skip
    ended = subprocess.run(
        ["node", str(node / "trigger.mjs")], input=json.dumps(order), capture_output=True, text=True, timeout=LONGEST,
        check=True,
    )  # fmt: skip
    return json.loads(ended.stdout)


def batch(server, size, by="task", **options):
    return {
        "by": by, "task": server.settings.task, "payloads": [{"n": each} for each in range(size)], "options": options,
    }  # fmt: skip


def check(server, handle, size):
    """What a user of the SDK relies on: each item is there, and started one run."""
    assert handle["runCount"] == size
    filling = server.fillings[handle["batchId"]]
    assert filling.sealed
    assert filling.runs == dict.fromkeys(range(size), 1)
    assert {each.task for each in filling.items.values()} == {server.settings.task}
    payloads = [json.loads(filling.items[each].document["payload"])["json"] for each in range(size)]
    assert payloads == [{"n": each} for each in range(size)]


@pytest.mark.parametrize("by", ["task", "id", "task stream", "id stream"])
def test_the_sdk_triggers_batches_whole(node, by):
    with watched() as server:
        batches = told(node, server, [batch(server, size, by) for size in SIZES])
        assert [each["statuses"] for each in batches] == [[202, 200]] * len(SIZES), batches
        for each, size in zip(batches, SIZES, strict=True):
            check(server, each["handle"], size)


def test_a_batch_that_is_triggered_again_by_its_key_runs_once(node):
    with watched() as server:
        first, again = told(node, server, [batch(server, 10, idempotencyKey="sdk-again") for _ in range(2)])
        assert (first["statuses"], again["statuses"]) == ([202, 200], [202])
        assert again["handle"]["batchId"] == first["handle"]["batchId"]
        check(server, again["handle"], 10)


def test_a_batchs_token_streams_its_items_and_no_others(node):
    with watched() as server:
        sealed = told(node, server, [batch(server, 3), batch(server, 3)])
        own, other = (each["handle"] for each in sealed)
        items = [{"index": each, "task": server.settings.task} for each in range(3)]
        streams = [{"stream": each["batchId"], "items": items} for each in (own, other)]
        allowed, refused = told(node, server, streams, api_key=own["publicAccessToken"])
    answer = allowed["handle"]
    assert (allowed["statuses"], answer["itemsDeduplicated"], answer["sealed"]) == ([200], 3, True)
    assert (refused["statuses"], refused["error"]["status"]) == ([401], 401)


def test_the_sdk_is_told_of_a_wrong_key(node):
    with watched() as server:
        (refused,) = told(node, server, [batch(server, 1)], api_key="tr_dev_no_such_key")
    assert (refused["statuses"], refused["error"]["phase"], refused["error"]["status"]) == ([401], "create", 401)


@pytest.mark.parametrize("fault", TRIPPING)
def test_the_sdk_fails_on_a_faulty_server(node, fault):
    with watched(fault) as server:
        (failed,) = told(node, server, [batch(server, 1000)])
    assert "error" in failed, failed
    assert (failed["error"]["phase"], failed["error"].get("status") or failed["error"]["cause"]) == TRIPPING[fault]
