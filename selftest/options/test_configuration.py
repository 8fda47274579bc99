"""conformance.toml: named targets, where keys are kept, and which source wins."""

import json
import sys

import pytest

from selftest.conftest import reference
from trigger_conformance.options.options import OPTIONS
from trigger_conformance.options.settings import gather, values
from trigger_conformance.options.target import UsageError

SECRET = "tr_prod_0123456789"
STAGING = """
timeout = 7
[targets.staging]
base_url = "https://staging.example.com"
api_key_env = "STAGING_KEY"
timeout = 3
[targets.vendor-x]
base-url = "https://x.example.com/prefix"
api-key-env = "X_KEY"
second_api_key_env = "X_SECOND"
"""
ENVIRONMENT = {"STAGING_KEY": SECRET, "X_KEY": "x" * 12, "X_SECOND": "y" * 12}


def write(folder, text):
    (folder / "conformance.toml").write_text(text, "utf-8")
    return folder


def test_a_named_target_brings_its_options_and_keys(tmp_path):
    write(tmp_path, STAGING)
    staging = gather({"target": "staging"}, ENVIRONMENT, tmp_path)
    vendor = gather({"target": "vendor-x"}, ENVIRONMENT, tmp_path)
    assert (staging.name, staging.target.base_url, staging.target.api_key) == (
        "staging", "https://staging.example.com", SECRET,
    )  # fmt: skip
    assert (staging.target.timeout, vendor.target.timeout) == (3.0, 7.0)
    assert (vendor.target.api_key, vendor.target.second_api_key) == ("x" * 12, "y" * 12)


@pytest.mark.parametrize("how", ["option", "variable", "file"])
def test_a_target_is_chosen_by_option_variable_or_file(tmp_path, how):
    write(tmp_path, ('target = "staging"\n' if how == "file" else "") + STAGING)
    given = {"target": "staging"} if how == "option" else {}
    variables = {"TRIGGER_CONFORMANCE_TARGET": "staging"} if how == "variable" else {}
    assert gather(given, ENVIRONMENT | variables, tmp_path).target.base_url == "https://staging.example.com"


def test_option_wins_over_variable_over_target_over_file_over_default(tmp_path):
    write(tmp_path, STAGING)
    variable = {"TRIGGER_CONFORMANCE_TIMEOUT": "5"}

    def timeout(given, environment):
        return values({"target": "staging", **given}, ENVIRONMENT | environment, tmp_path)["timeout"]

    assert (timeout({"timeout": "9"}, variable).content, timeout({"timeout": "9"}, variable).source) == (9, "--timeout")
    assert (timeout({}, variable).content, timeout({}, variable).source) == (5, "TRIGGER_CONFORMANCE_TIMEOUT")
    assert (timeout({}, {}).content, timeout({}, {}).source) == (3, "conformance.toml [targets.staging]")
    assert values({}, {}, tmp_path)["timeout"].source == "conformance.toml"
    assert "seed" not in values({}, {}, tmp_path)


def test_other_programs_variables_only_stand_in(tmp_path):
    write(tmp_path, STAGING)
    others = {"TRIGGER_API_KEY": "of another service", "PYTEST_BASE_URL": "https://elsewhere.example.com"}
    found = gather({"target": "staging"}, ENVIRONMENT | others, tmp_path)
    assert (found.target.base_url, found.target.api_key) == ("https://staging.example.com", SECRET)
    own = gather({"target": "staging"}, ENVIRONMENT | {"TRIGGER_CONFORMANCE_API_KEY": "mine"}, tmp_path)
    assert own.target.api_key == "mine"


def test_a_targets_key_goes_to_its_own_base_url_only(tmp_path):
    write(tmp_path, STAGING)
    elsewhere = {"target": "staging", "base_url": "https://elsewhere.example.com"}
    with pytest.raises(UsageError, match="api-key is missing"):
        gather(elsewhere, ENVIRONMENT, tmp_path)
    assert gather(elsewhere, ENVIRONMENT | {"TRIGGER_API_KEY": "other"}, tmp_path).target.api_key == "other"


def test_keys_are_fetched_from_files_and_commands(tmp_path):
    (tmp_path / "key").write_text(f"{SECRET}\n", "utf-8")
    command = f"'{sys.executable}' -c \\\"print('second-key-1'); print('and a comment')\\\""
    write(tmp_path, f'base_url = "https://x"\napi_key_file = "key"\nsecond_api_key_command = "{command}"\n')
    target = gather({}, {}, tmp_path).target
    assert (target.api_key, target.second_api_key) == (SECRET, "second-key-1")


def test_a_run_without_a_target_fetches_no_key(tmp_path):
    write(tmp_path, 'api_key_command = "false"\n')
    assert gather({}, {}, tmp_path).target is None


BAD = {
    "an inline key": ('api_key = "x"', "api_key has no place in a file, which is copied and committed: name"),
    "an inline key of a target": ('[targets.a]\napi-key = "x"', r"\[targets.a\]: api-key has no place in a file"),
    "two places for a key": ('api_key_env = "A"\napi_key_file = "b"', "api_key is there twice"),
    "an empty place": ('api_key_env = ""', "api_key_env must be a text"),
    "a variable that is not set": ('base_url = "https://x"\napi_key_env = "NONE"', "api_key_env = 'NONE'"),
    "a file that is not there": ('base_url = "https://x"\napi_key_file = "no"', "api_key_file = 'no': it cannot be r"),
    "a command that fails": ('base_url = "https://x"\napi_key_command = "false"', "ended with status 1"),
    "a command that is not there": ('base_url = "https://x"\napi_key_command = "no-such"', "it cannot be run"),
    "a command in broken quotes": ('base_url = "https://x"\napi_key_command = "a \'b"', "it cannot be run"),
    "an unknown option of a target": ("[targets.a]\ncolour = 1", r"\[targets.a\]: there is no option 'colour'"),
    "targets that are no tables": ("targets = 1", "targets are tables"),
    "a target that is no table": ("[targets]\na = 1", "targets are tables"),
    "a target that is not there": ('target = "b"\n[targets.a]', "--target b: no such target; it has a"),
    "a secret header inline": ('header = ["X-Gateway-Token: abc"]', "looks like a secret"),
    "a header's variable that is not set": ('header = ["X-Gateway-Token: ${NONE}"]', "the variable NONE is not set"),
    "a header without a colon": ('header = ["X-Gateway"]', "header: it must be 'Name: value'"),
    "a number for a list": ("only = 5", "only: it must be a text, or a list of texts"),
    "a number for headers": ("header = 5", "header: it must be a text, or a list of texts"),
    "a time among headers": ("header = [00:00:00]", "header: it must be a text, or a list of texts"),
    "a list for a target's name": ('target = ["a"]\n[targets.a]', "--target .*: no such target"),
    "a NUL in a folder's name": ('checks = "a\\u0000b"', r"checks a\\x00b: it must be a folder"),
    "a NUL in a document's name": ('openapi = "a\\u0000b"', r"openapi a\\x00b: it must be an OpenAPI document"),
    "a number of too many digits": (f"seed = 0x{'f' * 5000}", "seed: it has too many digits"),
    "a password": ('example_database = "redis://:p@h"', "a password has no place in a file"),
    "a password of odd characters": ('example_database = "redis://:p/q@h"', "a password has no place in a file"),
    "a value twice": ("max-runs = 1\nmax_runs = 2", "max_runs is there twice"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_an_unusable_file_is_one_line_that_says_why(tmp_path, text, said):
    write(tmp_path, text)
    with pytest.raises(UsageError, match=said) as raised:
        gather({}, {}, tmp_path)
    assert "\n" not in str(raised.value)


def test_an_unknown_target_without_a_file(tmp_path):
    with pytest.raises(UsageError, match=r"--target a: no such target; there is none in this folder"):
        gather({"target": "a"}, {}, tmp_path)


def test_headers_come_from_every_source_and_may_name_variables(tmp_path):
    write(tmp_path, 'base_url = "https://x"\nheader = ["X-Tenant: a, b", "X-Token: ${TOKEN}"]\n')
    base = {"TRIGGER_API_KEY": "k", "TOKEN": SECRET}
    assert gather({}, base, tmp_path).target.headers == (("X-Tenant", "a, b"), ("X-Token", SECRET))
    assert gather({"header": ("A: 1", "B: 2")}, base, tmp_path).target.headers == (("A", "1"), ("B", "2"))
    variable = {"TRIGGER_CONFORMANCE_HEADER": "A: 1\nB: 2,3"}
    assert gather({}, base | variable, tmp_path).target.headers == (("A", "1"), ("B", "2,3"))


@pytest.mark.parametrize("name", ["Authorization", "host", "Content-Length", "Transfer-Encoding", "Accept"])
def test_headers_that_checks_vary_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match=f"--header {name}: the checks themselves"):
        gather({"base_url": "https://x", "api_key": "k", "header": (f"{name}: x",)}, {}, tmp_path)


def test_config_shows_every_option_its_value_and_its_source_but_no_secret(command, tmp_path):
    text = 'header = ["X-Token: ${TOKEN}"]\n' + STAGING
    write(tmp_path, text)
    variables = ENVIRONMENT | {"TOKEN": "gateway-token-42"}
    ran = command("config", "--target=staging", "--profile=smoke", **variables)
    shown = {line.split()[0]: line for line in ran.output.splitlines()[: len(OPTIONS)]}
    assert list(shown) == [option.name for option in OPTIONS]
    assert shown["profile"].split() == ["profile", "smoke", "--profile"]
    assert shown["api-key"].split() == [
        "api-key",
        *["kept", "in", "env:", "STAGING_KEY", "conformance.toml", "[targets.staging]"],
    ]
    assert "X-Token: (a secret)" in shown["header"]
    assert shown["seed"].split() == ["seed", "1", "default"]
    assert "targets in conformance.toml: staging, vendor-x" in ran.output
    assert ran.status == 0
    told = json.loads(command("config", "--json", "--target=staging", "--api-key=" + SECRET, **variables).output)
    assert told["timeout"] == {"value": "3.0", "source": "conformance.toml [targets.staging]"}
    assert told["api-key"] == {"value": "(a secret)", "source": "--api-key"}
    for secret in (SECRET, "gateway-token-42"):
        assert secret not in ran.output + json.dumps(told)


def test_a_run_on_a_target_of_the_file(command, tmp_path):
    with reference() as server:
        asked = tmp_path / "asked"
        write(
            tmp_path,
            f'[targets.here]\nbase_url = "{server.base_url}"\nprofile = "smoke"\n'
            f"api_key_command = \"sh -c 'echo x >> {asked}; echo {server.settings.api_key}'\"\n",
        )
        ran = command("run", "--target=here")
    assert (ran.status, ran.results["target"]["name"]) == (0, "here")
    assert asked.read_text() == "x\n", "a passphrase must not be asked for twice"


def test_gateway_headers_reach_the_target_and_no_file(command):
    with reference("variants.behind_a_gateway") as server:
        options = (f"--base-url={server.base_url}", "--profile=smoke")
        refused = command("run", *options, TRIGGER_API_KEY=server.settings.api_key)
        header = "X-Gateway-Pass: conformance-gateway-pass"
        passed = command("run", *options, f"--header={header}", TRIGGER_API_KEY=server.settings.api_key)
    assert (refused.status, passed.status) == (6, 0)
    for path, content in passed.files().items():
        assert b"conformance-gateway-pass" not in content, path
    assert '-H \\"X-Gateway-Pass: $HEADER_X_GATEWAY_PASS\\"' in (passed.folder / "results.json").read_text("utf-8")
