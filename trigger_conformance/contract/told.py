"""Numbers, dates and JSON that a target tells: whatever the text, the reading is a bounded value or none.

Nothing here raises, and nothing takes longer than its text is long.
"""

from __future__ import annotations

import json
import re
from datetime import UTC
from email.utils import parsedate_to_datetime

# The largest numbers in use for "without a limit" are those of 64 bits.
MOST_DIGITS = 20
_DECIMAL = re.compile(rf"-?[0-9]{{1,{MOST_DIGITS}}}")
_LONGEST_DATE = 64

INVALID = object()


def integer(text: str | None) -> int | None:
    """A decimal integer of at most MOST_DIGITS digits, or None."""
    return int(text) if text is not None and _DECIMAL.fullmatch(text) else None


def seconds(text: str | None) -> float | None:
    """A decimal integer that is not negative, as seconds; or None."""
    value = integer(text)
    return float(value) if value is not None and value >= 0 else None


def unix_time(date: str | None) -> float | None:
    """An HTTP date in any of its forms (RFC 9110 section 5.6.7) as Unix time, or None.

    One without a time zone, as asctime writes it, or with an unknown one (-0000) is in UTC.
    """
    if date is None or len(date) > _LONGEST_DATE:
        return None
    try:
        read = parsedate_to_datetime(date)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def document(text: str | bytes) -> object:
    """JSON as RFC 8259 reads it (UTF-8, no NaN, no Infinity), or INVALID.

    A number of more digits than Python converts in reasonable time (4,300) and nesting deeper than its stack are
    INVALID too: no other software reads them either.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        return json.loads(decoded, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return INVALID


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
