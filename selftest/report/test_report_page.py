"""report.html in a real browser: Debian's chromium and chromium-driver, where they are installed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from selftest.conftest import at, environment, keys, reference
from selftest.proof import Row, document
from selftest.proof import page as proof_page

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="needs a browser: apt-get install chromium chromium-driver"
)
QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage")  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in QUIET:
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    # On a machine whose cores are busy axe takes its time.
    driver.set_script_timeout(120)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of a run that has every verdict but inconclusive ones."""
    folder = tmp_path_factory.mktemp("page")
    with reference("authentication.refuses_without_a_challenge") as server:
        variables = environment(**keys(server))
        waive = [
            sys.executable,
            "-m",
            "trigger_conformance.cli",
            "waive",
            "create_batch.http.charset_parameter_is_accepted",
        ]
        subprocess.run([*waive, "--reason", "x"], cwd=folder, env=variables, capture_output=True, check=True)
        run = [
            sys.executable,
            "-m",
            "trigger_conformance.cli",
            *at(server, "--only=create_batch", f"--report-dir={folder}"),
        ]
        subprocess.run(run, cwd=folder, env=variables, capture_output=True, check=False)
    return folder / "report.html"


@pytest.fixture(scope="module")
def proof(tmp_path_factory):
    """A small proof's page."""
    path = tmp_path_factory.mktemp("proof") / "proof.html"
    caught = ["create_batch.http.other_methods_never_succeed"]
    rows = [
        Row("http.get_creates", "GET creates.", (caught[0],), 1, "non-conformant", caught, [], 5.0, 800),
        Row("variants.ids_count", "Ids count.", (), 0, "conformant", [], [], 5.0, 800),
        Row("variants.one", "One.", (), 1, "non-conformant", caught, [], 5.0, 800),
    ]
    path.write_text(proof_page(document(rows, 12.0, complete=False), "create_batch"), "utf-8")
    return path


def show(browser, path: Path, width, scheme="light"):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})  # fmt: skip
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(path.as_uri())


def shown(browser):
    return browser.execute_script(
        "return [...document.querySelectorAll('.requirement')].filter(each => !each.hidden).map(each => each.dataset)"
    )


def choose(browser, name, value):
    browser.execute_script(
        "const field = document.getElementById(arguments[0]); field.value = arguments[1];"
        "field.dispatchEvent(new Event('input', {bubbles: true}))",
        f"by-{name}",
        value,
    )


@pytest.mark.parametrize("page", ["report", "proof"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, page, scheme, request):
    import axe_core_python

    show(browser, request.getfixturevalue(page), 1200, scheme)
    browser.execute_script("document.querySelectorAll('details').forEach((each, number) => each.open = number < 8)")
    browser.execute_script(Path(axe_core_python.__file__).with_name("axe.min.js").read_text("utf-8"))
    found = browser.execute_async_script("const done = arguments[0]; axe.run().then(done)")
    assert [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]] == []
    assert len(found["passes"]) > 10


@pytest.mark.parametrize("page", ["report", "proof"])
@pytest.mark.parametrize("width", [360, 1200])
def test_nothing_scrolls_sideways_and_the_console_stays_silent(browser, page, width, request):
    show(browser, request.getfixturevalue(page), width)
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []


def test_filters_and_search_narrow_the_list(browser, report):
    show(browser, report, 1200)
    everything = len(shown(browser))
    results = json.loads((report.parent / "results.json").read_text("utf-8"))
    assert everything == len(results["requirements"])
    choose(browser, "verdict", "warned")
    assert {each["verdict"] for each in shown(browser)} == {"warned"}
    choose(browser, "verdict", "")
    choose(browser, "level", "SHOULD")
    choose(browser, "area", "http")
    assert {(each["level"], each["area"]) for each in shown(browser)} == {("SHOULD", "http")}
    choose(browser, "level", "")
    choose(browser, "area", "")
    choose(browser, "words", "WWW-Authenticate")
    assert 0 < len(shown(browser)) < everything
    status = browser.execute_script("return document.getElementById('shown').textContent")
    assert status == f"{len(shown(browser))} requirements"


def test_a_link_to_a_requirement_opens_it(browser, report):
    show(browser, report, 1200)
    browser.get(f"{report.as_uri()}#create_batch.http.charset_parameter_is_accepted")
    is_open = "return document.getElementById('create_batch.http.charset_parameter_is_accepted').open"
    assert browser.execute_script(is_open) is True


def test_the_curl_line_can_be_copied(browser, report):
    show(browser, report, 1200)
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    told = browser.execute_async_script(
        "const done = arguments[0]; const button = document.querySelector('[data-copy]'); button.click();"
        "setTimeout(() => done([button.textContent, button.dataset.copy]), 200)"
    )
    assert told[0] in ("Copied", "Selected")
    assert "curl -sS -i http://127.0.0.1" in told[1]
