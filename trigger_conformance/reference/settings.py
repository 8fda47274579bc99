"""How a reference server is set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """How a reference server is set up; limits are (capacity, gained per second)."""

    api_key: str = "tr_dev_reference_primary_key"
    second_api_key: str = "tr_prod_reference_second_key"
    max_run_count: int = 1000
    prefix: str = ""
    run_limit: tuple[int, float] = (1100, 1000.0)
    request_limit: tuple[int, float] = (2000, 1000.0)
    schedule_task: str = "conformance-scheduled-task"
    project: str = "proj_conformance"
    environment: str = "dev"
    second_environment: str = "prod"
    task: str = "conformance-task"


SOUND = Settings()


def set_up_for(stated: Mapping[str, Any]) -> Settings:
    """A server for the maximum, the tasks, the project and the environments that are ``stated``.

    Its limit has room for one such batch, and is slow enough for small batches to press it.
    """
    maximum = stated["max_run_count"]
    capacity = maximum + max(100, maximum // 10)
    names = ("schedule_task", "task", "project", "environment", "second_environment")
    return Settings(
        max_run_count=maximum,
        run_limit=(capacity, float(max(200, maximum))),
        **{name: stated[name] for name in names if stated.get(name)},
    )


def stated_of(settings: Settings, stated: Mapping[str, Any]) -> dict[str, Any]:
    """What is ``stated`` of a server, with what nobody stated as it is set up."""
    known = asdict(settings)
    return {name: known.get(name) if value is None else value for name, value in stated.items()}
