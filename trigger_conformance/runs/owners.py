"""Ground in a running session: what checks noted is raised at their end, and owners left out are judged once."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Generator
from typing import Any, cast

import pytest
from _pytest.runner import runtestprotocol

from trigger_conformance.checks import ground
from trigger_conformance.checks.catalogue import Selection, requirements_of
from trigger_conformance.checks.requirement import Requirement
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.settling import unowned

_HANDED = "conformance-owners"


class Owners:
    """A plug-in of every process of a run; ``keep`` takes what was judged beside the selected requirements.

    A worker has none, and hands it to its controller. A part of a run that several machines share judges nothing
    beside: another part does.
    """

    def __init__(self, keep: Callable[[Outcome], None] | None, selection: Selection) -> None:
        self._keep = keep
        self._selection = selection
        self._put_by: dict[str, tuple[Any, str, object]] = {}
        self._wanted: str | None = None
        self._outcomes: dict[str, Outcome] = {}

    def take(self, outcome: Outcome) -> None:
        """Know what a check came to in this process."""
        self._outcomes[outcome.requirement.id] = outcome

    def chosen(self, collector: Any, name: str, check: Callable[..., Any]) -> list[Requirement]:
        """Which of a check's requirements are collected: the selected ones; how to collect the others is remembered."""
        every = requirements_of(check)
        if self._wanted is not None:
            return [each for each in every if each.id == self._wanted]
        selected = [each for each in every if each in self._selection]
        self._put_by |= {each.id: (collector, name, check) for each in every if each not in selected}
        return selected

    def _item(self, identity: str) -> pytest.Item:
        """The item of a requirement that was not collected with the others."""
        collector, name, check = self._put_by[identity]
        self._wanted = identity
        try:
            (item,) = collector.ihook.pytest_pycollect_makeitem(collector=collector, name=name, obj=check)
        finally:
            self._wanted = None
        return cast(pytest.Item, item)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self) -> Generator[None, Any, Any]:
        """Around a check's own function: what it noted of its ground counts when it has judged what it could."""
        ground.begin()
        result = yield
        ground.end()
        return result

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """After the selected checks: judge the ground of those that rest on a requirement that was left out."""
        result = yield
        if self._selection.shard is None:
            self._hand_over(self._judge_alone(set()), session.config)
        return result

    def _hand_over(self, alone: list[Outcome], config: Any) -> None:
        if self._keep is None:
            config.workeroutput[_HANDED] = pickle.dumps(alone)
            return
        for each in alone:
            self._keep(each)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker judged."""
        if handed := getattr(node, "workeroutput", {}).get(_HANDED):
            self._hand_over(pickle.loads(handed), node.config)

    def _judge_alone(self, tried: set[str]) -> list[Outcome]:
        missing = [each for each in unowned(self._outcomes.values(), self._outcomes) if each in self._put_by]
        alone = [each for each in missing if each not in tried]
        if not alone:
            return []
        for identity in alone:
            # Nothing is logged: no report but the run's own tells of what was not selected.
            runtestprotocol(self._item(identity), log=False, nextitem=None)
        # An owner may rest on another in its turn.
        found = [self._outcomes[each] for each in alone if each in self._outcomes]
        return [*found, *self._judge_alone(tried | set(alone))]
