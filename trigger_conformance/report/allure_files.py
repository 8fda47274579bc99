"""Allure's files, which are written as a run goes on: where the disk is full, the run goes on without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import allure_pytest.plugin
from allure_commons import hookimpl
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Status


class Files(AllureFileLogger):
    """Allure's own, but what cannot be written is left out; ``unwritten`` is why, or None."""

    unwritten: ClassVar[OSError | None] = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._try(super().__init__, *arguments, **named)

    def _try(self, write: Callable[..., None], *arguments: Any, **named: Any) -> None:
        try:
            write(*arguments, **named)
        except OSError as error:
            Files.unwritten = error

    @hookimpl
    def report_result(self, result: Any) -> None:
        """Write a test's result."""
        self._try(super().report_result, result)

    @hookimpl
    def report_container(self, container: Any) -> None:
        """Write what fixtures did, where one of them did not end as it should: else it tells nobody anything."""
        if any(each.status not in (Status.PASSED, None) for each in (*container.befores, *container.afters)):
            self._try(super().report_container, container)

    @hookimpl
    def report_attached_file(self, source: Any, file_name: str) -> None:
        """Write an attachment."""
        self._try(super().report_attached_file, source, file_name)

    @hookimpl
    def report_attached_data(self, body: Any, file_name: str) -> None:
        """Write an attachment."""
        self._try(super().report_attached_data, body, file_name)


def use() -> None:
    """Have allure-pytest, which is not configured yet, write through ``Files``."""
    allure_pytest.plugin.AllureFileLogger = Files
