"""Ways to a target: proxies and certificates as the environment names them, and HTTP/2."""

import json
from datetime import date

import proxy
import pytest

from selftest.conftest import at, keys, reference
from trigger_conformance.checks.catalogue import Selection
from trigger_conformance.options.target import Target
from trigger_conformance.runs.station import Shared, Station
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.proxy import Proxy, UnusableProxyError, proxy_for

SMOKE = "--profile=smoke"
AMPLE = Budget(requests=1, runs=1, seconds=1)
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
UNUSABLE = {
    "SOCKS": ("socks5://proxy:1080", "HTTP_PROXY: only http:// and https:// proxies can be used, not socks5://"),
    "a bad port": ("http://proxy:99999", "HTTP_PROXY: Port out of range"),
    "no host": ("http://", "HTTP_PROXY: only"),
}


@pytest.fixture
def named(monkeypatch):
    """Sets these variables and no others of their kind."""

    def name(**variables):
        for variable in VARIABLES:
            monkeypatch.delenv(variable, raising=False)
            monkeypatch.delenv(variable.lower(), raising=False)
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)

    return name


def shared(target, folder):
    """What a process of a run on ``target`` needs."""
    return Shared(target=target, budget=AMPLE, ledger=folder / "ledger.sqlite", report_dir=folder, strict=False,
                  selection=Selection((), None, target.profile), waivers=(), today=date(2026, 1, 1))  # fmt: skip


@pytest.mark.parametrize(
    ("variables", "url", "expected"),
    [
        ({}, "http://target", None),
        ({"HTTP_PROXY": "http://proxy:3128"}, "http://target", Proxy("http://proxy:3128", "proxy", 3128)),
        ({"HTTP_PROXY": "http://proxy:3128"}, "https://target", None),
        ({"HTTPS_PROXY": "proxy:3128"}, "https://target", Proxy("http://proxy:3128", "proxy", 3128)),
        ({"ALL_PROXY": "https://proxy"}, "https://target", Proxy("https://proxy:443", "proxy", 443)),
        ({"HTTP_PROXY": "http://[::1]:8"}, "http://target", Proxy("http://[::1]:8", "::1", 8)),
        ({"http_proxy": "http://u:p%40@proxy"}, "http://t", Proxy("http://proxy:80", "proxy", 80, "Basic dTpwQA==")),
        ({"HTTP_PROXY": "http://proxy:1", "NO_PROXY": "target"}, "http://target", None),
        ({"HTTP_PROXY": "http://proxy:1", "NO_PROXY": "example.com"}, "http://a.example.com:80", None),
        ({"HTTP_PROXY": "http://proxy:1", "NO_PROXY": "*"}, "http://target", None),
    ],
)
def test_the_proxy_is_the_one_that_the_environment_names(named, variables, url, expected):
    named(**variables)
    assert proxy_for(url) == expected


@pytest.mark.parametrize(("value", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_proxy_is_named(named, value, said):
    named(HTTP_PROXY=value)
    with pytest.raises(UnusableProxyError) as raised:
        proxy_for("http://target")
    assert str(raised.value).startswith(said)


def test_the_proxys_password_is_taken_out_of_what_echoes_it(named, tmp_path):
    named(HTTP_PROXY="http://guest:proxy-password@proxy.example:3128")
    proxy_of_target = proxy_for("http://target.example")
    target = Target(base_url="http://target.example", api_key="tr_dev_some_key", proxy=proxy_of_target)
    station = Station(shared(target, tmp_path), create=True)
    said = f"via {proxy_of_target.authorization}, guest:proxy-password, proxy-password"
    assert station.redactor.text(said) == "via Basic [redacted], [redacted], [redacted]"
    assert station.redactor.leaks([("the body", said)]) == ()
    station.close()


@pytest.fixture(scope="module")
def way():
    """The port of a proxy that asks for credentials."""
    with proxy.Proxy(["--hostname=127.0.0.1", "--port=0", "--num-acceptors=1", "--num-workers=1",
                      "--basic-auth=guest:proxy-password", "--log-level=CRITICAL"]) as running:  # fmt: skip
        yield running.flags.port


@pytest.mark.parametrize("behaviour", ["", "variants.behind_tls"])
def test_a_run_goes_by_the_proxy_and_keeps_its_password(command, way, behaviour):
    variable = "HTTPS_PROXY" if behaviour else "HTTP_PROXY"
    with reference(behaviour) as server:
        options = authority(server) if behaviour else []
        told = {variable: f"http://guest:proxy-password@127.0.0.1:{way}", **keys(server)}
        ran = command(*at(server, SMOKE, *options), **told)
    assert ran.status == 0, ran.output
    note = f"requests go by the proxy http://127.0.0.1:{way}: its answers are taken for the target's"
    assert note in ran.results["notes"]
    assert all(b"proxy-password" not in content for content in ran.files().values())


@pytest.mark.parametrize("behaviour", ["", "variants.behind_tls"])
def test_a_proxy_that_refuses_is_told_from_the_target(command, way, behaviour):
    with reference(behaviour) as server:
        options = authority(server) if behaviour else []
        told = {"HTTP_PROXY": f"http://127.0.0.1:{way}", "HTTPS_PROXY": f"http://127.0.0.1:{way}", **keys(server)}
        ran = command(*at(server, SMOKE, *options), **told)
    assert ran.status == 6
    assert "proxy" in ran.results["halted"]
    assert "407" in ran.results["halted"]


def test_a_proxy_that_is_not_there_is_named(command):
    with reference() as server:
        ran = command(*at(server, SMOKE), HTTP_PROXY="http://127.0.0.1:9", **keys(server))
    assert ran.status == 6
    assert "the proxy http://127.0.0.1:9" in ran.results["halted"]


def test_the_built_in_server_needs_no_proxy(command):
    assert command("run", SMOKE, HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9").status == 0


def test_a_plan_needs_no_proxy(command):
    told = {"HTTP_PROXY": "http://127.0.0.1:9", "TRIGGER_API_KEY": "key-0123456789"}
    plan = command("plan", "--base-url=http://staging.example.com", SMOKE, **told)
    assert (plan.status, "nothing has been sent to it" in plan.output) == (0, True)


def authority(server):
    return [f"--ca-bundle={certificates(server)}"]


def certificates(server):
    """The authority of a TLS variant, in the folder that it made for the run."""
    return next(each for each in server.run_options if each.startswith("--ca-bundle=")).partition("=")[2]


def test_certificates_come_from_the_variable_that_httpx_reads(command):
    with reference("variants.behind_tls") as server:
        ran = command(*at(server, SMOKE), SSL_CERT_FILE=certificates(server), **keys(server))
        wrong = command(*at(server, SMOKE), SSL_CERT_FILE="/no/such/file", **keys(server))
        bundle = command(*at(server, SMOKE), f"--ca-bundle={__file__}", **keys(server))
    assert ran.status == 0
    assert (wrong.status, "SSL_CERT_FILE" in wrong.errors) == (4, True)
    assert (bundle.status, "not a PEM file of certificates" in bundle.errors) == (4, True)


def test_http2_carries_what_it_can(command):
    with reference("variants.over_http2") as server:
        ran = command(*at(server, *server.run_options), **keys(server))
    assert ran.status == 0
    entries = json.loads((ran.folder / "evidence.har").read_text("utf-8"))["log"]["entries"]
    spoken = [entry["response"]["httpVersion"] for entry in entries]
    assert spoken.count("HTTP/2") > 0.75 * len(spoken)
    assert spoken.count("HTTP/1.1") > 20, "what frames a message by hand, and what is sent together, stays on HTTP/1.1"


def test_http2_that_is_not_offered_is_told(command):
    with reference("variants.behind_tls") as server:
        ran = command(*at(server, SMOKE, "--http2", *authority(server)), **keys(server))
    assert ran.status == 0
    assert "--http2: the target does not offer HTTP/2; it speaks HTTP/1.1" in ran.results["notes"]


def test_http2_needs_tls(command):
    ran = command("run", "--base-url=http://127.0.0.1:9", "--http2", TRIGGER_API_KEY="k")
    assert (ran.status, "--http2: HTTP/2 is negotiated over TLS" in ran.errors) == (4, True)
