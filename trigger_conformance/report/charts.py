"""The report's pictures as plain numbers, made from a results document. Lengths are in the picture's own units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Moment = Mapping[str, Any]
WIDTH = 720.0
_COLUMNS = 72
_ORDER = ("passed", "warned", "violated", "waived", "inconclusive", "skipped", "observed")


@dataclass(frozen=True)
class Bar:
    """A rectangle with the class that colours it and the words that it shows."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    words: str


def kind(moment: Moment) -> str:
    """How a moment is coloured: its status' class, 429 apart, or "lost"."""
    status = moment["status"]
    if status is None:
        return "lost"
    return "s429" if status == 429 else f"s{status // 100}xx"


def timeline(moments: Sequence[Moment], height: float = 120.0) -> list[Bar]:
    """Requests over time, stacked by status in even slices of the run."""
    if not moments:
        return []
    length = max(moment["ended_s"] for moment in moments) or 1.0
    slices: list[Counter[str]] = [Counter() for _ in range(_COLUMNS)]
    for moment in moments:
        slices[min(_COLUMNS - 1, int(moment["started_s"] / length * _COLUMNS))][kind(moment)] += 1
    tallest = max(sum(counts.values()) for counts in slices)
    bars = []
    for column, counts in enumerate(slices):
        top = height
        for each, count in sorted(counts.items()):
            tall = count / tallest * height
            top -= tall
            words = f"{count} of {each.lstrip('s')} from {column * length / _COLUMNS:.2f} s"
            bars.append(Bar(column * WIDTH / _COLUMNS, top, WIDTH / _COLUMNS - 1, tall, each, words))
    return bars


def latencies(moments: Sequence[Moment], height: float = 100.0) -> list[Bar]:
    """How many answers took how long, in steps that double from a quarter of a millisecond."""
    answered = [1000 * (moment["ended_s"] - moment["started_s"]) for moment in moments if moment["status"]]
    if not answered:
        return []
    steps = [0.25 * 2**power for power in range(18)]
    counts = Counter(next((step for step in steps if took <= step), steps[-1]) for took in answered)
    shown = steps[steps.index(min(counts)) : steps.index(max(counts)) + 1]
    width, tallest = WIDTH / max(len(shown), 6), max(counts.values())
    return [
        Bar(
            position * width,
            height - counts[step] / tallest * height,
            width - 2,
            counts[step] / tallest * height,
            "plain",
            f"{counts[step]} answers within {step:g} ms",
        )
        for position, step in enumerate(shown)
    ]


def remaining(moments: Sequence[Moment], height: float = 100.0) -> str:
    """X-RateLimit-Remaining over time, as the points of a polyline; "" where it was never told."""
    told = [moment for moment in moments if moment["remaining"] is not None]
    if len(told) < 2:
        return ""
    length = max(moment["ended_s"] for moment in told) or 1.0
    most = max(moment["remaining"] for moment in told) or 1
    ordered = sorted(told, key=lambda moment: moment["ended_s"])
    return " ".join(
        f"{moment['ended_s'] / length * WIDTH:.1f},{height - max(0, moment['remaining']) / most * height:.1f}"
        for moment in ordered
    )


def by_area(requirements: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Each area with its verdicts' counts, in the order of the areas."""
    areas: dict[str, Counter[str]] = {}
    for requirement in requirements:
        areas.setdefault(requirement["id"].split(".")[1], Counter())[requirement["verdict"]] += 1
    return [(area, [(each, counts[each]) for each in _ORDER if counts[each]]) for area, counts in areas.items()]


def lanes(moments: Sequence[Moment], requirement: str, height: float = 10.0) -> list[list[Bar]]:
    """The volleys that a check sent, at most three: a lane a request, from its last byte to its answer's end."""
    volleys: dict[int, list[Moment]] = {}
    for moment in moments:
        if moment["together"] and moment["requirement"] == requirement:
            volleys.setdefault(moment["together"], []).append(moment)
    return [_volley(volley, height) for volley in list(volleys.values())[:3]]


def _volley(volley: Sequence[Moment], height: float) -> list[Bar]:
    first = min(moment["started_s"] for moment in volley)
    length = max(moment["ended_s"] for moment in volley) - first or 1.0
    bars = []
    for lane, moment in enumerate(sorted(volley, key=lambda each: each["ended_s"])):
        start, end = moment["started_s"] - first, moment["ended_s"] - first
        said = {None: kind(moment), True: "cached", False: "new"}[moment["cached"]]
        words = f"#{moment['number']}: {said}, {1000 * start:.2f} to {1000 * end:.2f} ms"
        width = max(1.5, (end - start) / length * WIDTH)
        bars.append(Bar(start / length * WIDTH, lane * height, width, height - 2, said, words))
    return bars
