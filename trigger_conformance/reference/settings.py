"""How a reference server is set up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How a reference server is set up; limits are (capacity, gained per second)."""

    api_key: str = "tr_dev_reference_primary_key"
    second_api_key: str = "tr_prod_reference_second_key"
    max_run_count: int = 1000
    prefix: str = ""
    run_limit: tuple[int, float] = (1100, 1000.0)
    request_limit: tuple[int, float] = (2000, 1000.0)


SOUND = Settings()
