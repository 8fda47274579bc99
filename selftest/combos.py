"""Servers with several faults of different areas: as many findings as faults, each area named.

``python -m selftest.combos`` runs the suite on all of them (``--only`` on some), and fails where a server makes more
findings or fewer, or where an area that is broken is not named.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from selftest.trial import Trial, attempt, side_by_side
from trigger_conformance.reference.registry import faults

# Each row is a server; its faults have nothing to do with each other, and are of different areas.
COMBOS = (
    ("acceptance.claims_are_a_list", "authentication.takes_basic_users"),
    ("acceptance.claims_disagree", "http.no_allow_header"),
    ("acceptance.error_messages_are_empty", "run_count.accepts_zero"),
    ("acceptance.errors_have_no_message", "idempotency.lowers_keys"),
    ("acceptance.errors_show_sql", "properties.coerces_parent_numbers"),
    ("acceptance.id_has_a_hash", "http.get_creates"),
    ("acceptance.id_has_padding", "rate_limits.says_no_wait"),
    ("acceptance.ids_repeat", "authentication.takes_empty_tokens"),
    ("acceptance.key_is_never_answered", "properties.allows_trailing_commas"),
    ("acceptance.key_is_null_when_none_was_sent", "run_count.null_is_one"),
    ("acceptance.no_claims_header", "idempotency.trims_keys"),
    ("acceptance.rejects_unknown_properties", "http.trace_echoes"),
    ("acceptance.tokens_are_expired", "properties.null_body_is_one"),
    ("acceptance.tokens_say_none", "rate_limits.says_no_reset"),
    ("authentication.challenges_for_basic", "idempotency.uppers_keys"),
    ("authentication.compares_keys_without_case", "run_count.rejects_the_maximum"),
    ("authentication.fails_on_binary_credentials", "properties.allows_single_quotes"),
    ("authentication.fails_on_long_credentials", "http.wants_no_parameters"),
    ("authentication.takes_keys_from_the_query", "rate_limits.says_a_limit_of_zero"),
    ("authentication.takes_longer_tokens", "idempotency.normalises_to_nfc"),
    ("authentication.takes_missing_headers", "run_count.coerces_strings"),
    ("authentication.takes_the_first_header", "properties.allows_bare_names"),
    ("authentication.trusts_unsigned_tokens", "acceptance.prefers_snake_case"),
    ("authentication.refuses_without_a_challenge", "idempotency.race_of5_milliseconds"),
    ("http.fails_on_other_media_types", "idempotency.decodes_urls"),
    ("http.fails_on_chunked_bodies", "run_count.cuts_fractions"),
    ("http.other_methods_are404", "properties.reads_resume_from_text"),
    ("http.unknown_methods_fail", "rate_limits.says_it_twice"),
    ("http.put_creates", "idempotency.strips_accents"),
    ("idempotency.cuts_keys_at128", "properties.empty_body_is_one"),
    ("idempotency.reads_floats", "rate_limits.refuses_in_html"),
    ("idempotency.replays_conflict", "acceptance.claims_are_no_json"),
    ("idempotency.replays_look_new", "http.no_allow_header"),
    ("replays.refuses_used_keys", "run_count.has_no_maximum"),
    ("replays.refuses_used_keys", "authentication.takes_the_token_scheme"),
    ("properties.fails_on_large_bodies", "run_count.range_is422"),
    ("properties.fails_on_unknown_parents", "rate_limits.waits_in_milliseconds"),
    ("properties.takes_truthy_resume", "run_count.fails_beyond64_bits"),
    ("rate_limits.never_limits", "run_count.missing_is_one"),
    ("acceptance.errors_have_no_message", "authentication.takes_keys_from_cookies", "idempotency.removes_spaces"),
    ("acceptance.tokens_have_two_parts", "http.delete_creates", "run_count.accepts_negatives"),
    ("authentication.takes_basic_passwords", "idempotency.splits_at_colons", "properties.allows_line_comments"),
    ("http.options_creates", "idempotency.trims_keys_at_their_end", "run_count.rounds_up"),
    ("authentication.challenges_for_basic", "properties.drops_null_keys", "rate_limits.says_no_remaining"),
    (
        "acceptance.claims_disagree",
        "authentication.takes_empty_tokens",
        "http.trace_echoes",
        "run_count.accepts_one_more_than_the_maximum",
    ),
    (
        "acceptance.key_is_never_answered",
        "http.no_allow_header",
        "idempotency.lowers_keys",
        "properties.allows_plus_signs",
    ),
    (
        "authentication.takes_the_api_key_scheme",
        "idempotency.fingerprints_the_body",
        "rate_limits.says_a_negative_wait",
        "run_count.false_is_one",
    ),
)


@dataclass(frozen=True)
class Combo:
    """A run on a server with several ``faults``: of the findings, which requirements each has, and how it is called."""

    faults: tuple[str, ...]
    status: int
    findings: tuple[tuple[str, ...], ...]
    titles: tuple[str, ...]

    @property
    def complaint(self) -> str | None:
        """What is wrong, if anything: each fault has one finding, in which a requirement is that must catch it."""
        named = {each.id: {*each.caught_by} for each in faults()}
        missing = [each for each in self.faults if not any(named[each] & {*finding} for finding in self.findings)]
        if missing:
            return f"no finding tells of {', '.join(missing)}: {'; '.join(self.titles)}"
        if len(self.findings) != len(self.faults):
            return f"{len(self.findings)} findings of {len(self.faults)} faults: {'; '.join(self.titles)}"
        return None


def combo(names: tuple[str, ...], trial: Trial) -> Combo:
    """What a trial on the server with the faults ``names`` came to."""
    return Combo(names, trial.status, tuple(map(tuple, trial.findings)), tuple(trial.titles))


def examined(names: tuple[str, ...], options: list[str]) -> Combo:
    """Run the suite on one of them, and tell how it went."""
    found = combo(names, attempt("+".join(names), ["--only=create_batch", *options]))
    print(f"{'FAIL' if found.complaint else 'ok  '} {' + '.join(names)} {found.complaint or ''}")
    sys.stdout.flush()
    return found


def main() -> int:
    """Run; 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="ID", help="rows that have a fault named so")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th row only")
    parser.add_argument("--jobs", type=int, default=3, help="at a time")
    parser.add_argument("--profile", default="standard")
    arguments = parser.parse_args()
    rows = [row for row in COMBOS if not arguments.only or {*row} & {*arguments.only}][:: arguments.every]
    found = side_by_side(lambda row: examined(row, [f"--profile={arguments.profile}"]), rows, lanes=arguments.jobs)
    wrong = [each for each in found if each.complaint]
    print(f"{len(found) - len(wrong)} of {len(found)} servers make as many findings as they have faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
