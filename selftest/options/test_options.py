"""Options from the command line, the environment and a file; every unusable value is one clear line."""

import re

import pytest

from trigger_conformance.checks.requirement import Level, Profile
from trigger_conformance.contract.home import ROOT
from trigger_conformance.options.options import BY_DEST, OPTIONS
from trigger_conformance.options.settings import gather
from trigger_conformance.options.target import UsageError, usual_budget, usually_stated

URL = "https://staging.example.com/prefix"
TARGET = {"base_url": URL, "api_key": "tr_dev_key"}


def settings(folder, given=None, environment=None, **more):
    return gather({**TARGET, **(given or {}), **more}, environment or {}, folder)


def test_without_a_base_url_the_run_brings_its_own_target(tmp_path):
    found = gather({}, {}, tmp_path)
    assert found.target is None
    assert found.template.press_rate_limit
    assert found.template.idempotency_wait == 1.0


def test_a_target_has_documented_defaults(tmp_path):
    found = settings(tmp_path)
    target = found.target
    unstated = dict.fromkeys(("project", "environment", "second_environment", "schedule_task", "task"))
    assert (target.stated, target.timeout) == ({"max_run_count": 1000, **unstated}, 10.0)
    assert (target.seed, target.profile) == (1, Profile.STANDARD)
    assert (target.press_rate_limit, target.idempotency_wait, target.second_api_key) == (False, None, None)
    assert (found.strict, found.workers, found.only, found.level) == (False, 1, (), None)


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path):
    (tmp_path / "conformance.toml").write_text('timeout = 1\nmax-run-count = 1\nprofile = "smoke"\nstrict = true\n')
    environment = {"TRIGGER_CONFORMANCE_TIMEOUT": "2", "TRIGGER_CONFORMANCE_MAX_RUN_COUNT": "2"}
    found = settings(tmp_path, {"timeout": "3"}, environment)
    assert (found.target.timeout, found.target.stated["max_run_count"], found.target.profile) == (3.0, 2, Profile.SMOKE)
    assert found.strict


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"TRIGGER_API_KEY": "a", "TRIGGER_SECRET_KEY": "b"}, "a"),
        ({"TRIGGER_SECRET_KEY": "b"}, "b"),
        ({"TRIGGER_CONFORMANCE_API_KEY": "c", "TRIGGER_API_KEY": "a"}, "c"),
    ],
)
def test_the_key_comes_from_the_documented_variables(tmp_path, environment, key):
    found = gather({"base_url": URL}, environment, tmp_path)
    assert found.target.api_key == key


def test_the_base_url_comes_from_pytest_base_urls_variable(tmp_path):
    found = gather({}, {"PYTEST_BASE_URL": URL, "TRIGGER_API_KEY": "a"}, tmp_path)
    assert found.target.base_url == URL


def test_names_may_be_repeated_or_separated_by_commas(tmp_path):
    assert settings(tmp_path, only=("idempotency", "run_count,http")).only == ("idempotency", "run_count", "http")
    assert settings(tmp_path, environment={"TRIGGER_CONFORMANCE_ONLY": "http, fuzzing"}).only == ("http", "fuzzing")


def test_flags_and_levels_are_read(tmp_path):
    found = settings(tmp_path, environment={"TRIGGER_CONFORMANCE_STRICT": "yes", "TRIGGER_CONFORMANCE_LEVEL": "should"})
    assert found.strict
    assert found.level is Level.SHOULD
    assert not settings(tmp_path, environment={"TRIGGER_CONFORMANCE_STRICT": "off"}).strict


def test_budgets_follow_the_profile_and_leave_room_for_a_large_maximum(tmp_path):
    assert settings(tmp_path).budget.requests == 4000
    assert settings(tmp_path, profile="smoke").budget.seconds == 60
    assert settings(tmp_path, max_run_count="10000").budget.runs > 4 * 10_000
    assert settings(tmp_path, max_requests="7", max_runs="8", max_seconds="9").budget.requests == 7


BAD = {
    "no scheme": ({"base_url": "staging.example.com"}, "--base-url staging.example.com: it must begin with http"),
    "another scheme": ({"base_url": "ftp://x"}, "--base-url ftp://x: it must begin with http"),
    "no host": ({"base_url": "https:///x"}, "--base-url https:///x: there is no host"),
    "a query": ({"base_url": "https://x?a=b"}, "--base-url https://x?a=b: a query"),
    "a fragment": ({"base_url": "https://x#a"}, "--base-url https://x#a: a query or fragment"),
    "a bad port": ({"base_url": "https://x:99999"}, "--base-url https://x:99999: Port out of range"),
    "a password": ({"base_url": "https://u:p@x"}, "--base-url: a user or password"),
    "white space": ({"base_url": "https://x/a b"}, "white space"),
    "an empty label": ({"base_url": "http://a..b"}, "--base-url http://a..b: no host has such a name"),
    "no international name": ({"base_url": "http://☃☃.net"}, "--base-url http://☃☃.net: no host has such a name"),
    "port 0": ({"base_url": "http://127.0.0.1:0"}, "--base-url http://127.0.0.1:0: nothing listens on port 0"),
    "a path beyond ASCII": ({"base_url": "http://h/한"}, "--base-url http://h/한: what is beyond ASCII in a path must"),
    "no key": ({"api_key": ""}, "--api-key is missing"),
    "a line break in the key": ({"api_key": "a\nb"}, "--api-key has a character"),
    "a space in the key": ({"api_key": "a b"}, "--api-key has a character"),
    "a key beyond ASCII": ({"api_key": "schlüssel"}, "--api-key has a character"),
    "equal keys": ({"second_api_key": "tr_dev_key"}, "--second-api-key equals --api-key"),
    "a maximum of 0": ({"max_run_count": "0"}, "--max-run-count 0: it must be 1 or more"),
    "a maximum in words": ({"max_run_count": "many"}, "--max-run-count many: it must be a whole number"),
    "an unknown profile": ({"profile": "huge"}, "--profile huge: it must be smoke, standard, thorough or soak"),
    "an unknown level": ({"level": "may"}, "--level may: it must be must or should"),
    "no time": ({"timeout": "0"}, "--timeout 0: it must be 0.001 or more"),
    "not a number": ({"timeout": "nan"}, "--timeout nan: it must be"),
    "endless time": ({"timeout": "inf"}, "--timeout inf: it must be"),
    "more requests than can be counted": ({"max_requests": "9" * 400}, "it must be a number of at most 9,223,372,036"),
    "more time than a clock has": ({"timeout": "1e308"}, "--timeout 1e308: it must be a number of at most 1,000,000"),
    "no requests": ({"max_requests": "0"}, "--max-requests 0: it must be 1 or more"),
    "no pace": ({"requests_per_second": "0"}, "--requests-per-second 0: it must be 0.001 or more"),
    "no workers": ({"workers": "0"}, "--workers 0: it must be 1 or more"),
    "a negative wait": ({"idempotency_wait": "-1"}, "--idempotency-wait -1: it must be 0 or more"),
    "no such certificates": ({"ca_bundle": "/no/such/file"}, "--ca-bundle /no/such/file: no such file"),
}


@pytest.mark.parametrize(("given", "said"), BAD.values(), ids=BAD)
def test_an_unusable_value_is_one_line_that_names_the_option(tmp_path, given, said):
    with pytest.raises(UsageError) as raised:
        settings(tmp_path, given)
    message = str(raised.value)
    assert message.startswith(said) or said in message
    assert "\n" not in message
    assert "tr_dev_key" not in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timeout = ", "conformance.toml cannot be read"),
        ("colour = 1", "conformance.toml: there is no option 'colour'"),
        ('api-key = "x"', "conformance.toml: api-key has no place in a file"),
        ('timeout = "soon"', "conformance.toml: timeout soon: it must be a number"),
    ],
)
def test_an_unusable_file_is_one_line(tmp_path, text, said):
    (tmp_path / "conformance.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        settings(tmp_path)


def test_an_unusable_variable_is_named(tmp_path):
    with pytest.raises(UsageError, match="TRIGGER_CONFORMANCE_TIMEOUT soon: it must be a number"):
        settings(tmp_path, environment={"TRIGGER_CONFORMANCE_TIMEOUT": "soon"})


@pytest.mark.parametrize("name", ["only", "header", "checks", "openapi"])
def test_a_list_of_nothing_counts_as_not_given(tmp_path, name):
    (tmp_path / "conformance.toml").write_text('only = "http"\n')
    nothing = {BY_DEST[name].variable: BY_DEST[name].separator}
    found = settings(tmp_path, {name: ("",)}, nothing)
    assert (found.only, found.target.headers, found.checks, found.openapi) == (("http",), (), (), ())


@pytest.mark.parametrize("variable", ["TRIGGER_CONFORMANCE_BASE_URL", "PYTEST_BASE_URL"])
def test_an_empty_base_url_and_a_key_are_not_the_built_in_server(tmp_path, variable):
    with pytest.raises(UsageError, match=f"{variable} is empty, but a key is given"):
        gather({}, {variable: "", "TRIGGER_API_KEY": "a"}, tmp_path)
    assert gather({}, {variable: ""}, tmp_path).target is None


def test_every_option_has_a_variable_a_help_and_a_default():
    assert all(option.help and option.default for option in OPTIONS)
    assert len({option.variable for option in OPTIONS}) == len(OPTIONS)


def test_a_wrong_url_is_told_before_a_missing_key(tmp_path):
    with pytest.raises(UsageError, match="--base-url staging: it must begin with http"):
        gather({"base_url": "staging"}, {}, tmp_path)


def test_the_readme_tells_every_option_and_its_default():
    rows = re.findall(r"^\| `--([^`]+)` \| ([^|]+) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    told = {name: default.replace("`", "") for name, default in rows}
    assert told == {f"{option.name} {option.metavar}".strip(): option.default for option in OPTIONS}


@pytest.mark.parametrize("figure", ["requests", "runs", "seconds"])
def test_defaults_of_budgets_are_those_of_the_profiles(figure):
    told = next(option.default for option in OPTIONS if option.name == f"max-{figure}")
    usually = usually_stated()
    for profile, number in zip(Profile, re.search(r"by profile: ([\d, ]+)", told)[1].split(", "), strict=True):
        for more in ({"max_run_count": 1}, {"max_run_count": 7}, {"max_run_count": 7, "task": "a-task"}):
            added = 6 * more["max_run_count"] + 500 * ("task" in more) if figure == "runs" else 0
            assert getattr(usual_budget(profile, {**usually, **more}), figure) == int(number) + added


def test_options_that_repeat_say_so():
    assert {option.name for option in OPTIONS if "May be repeated" in option.help} == {
        option.name for option in OPTIONS if option.many
    }
