"""What a target says steers nothing: payloads for terminals, CI systems and pages, in every place and every format."""

import io
import json
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from selftest.canned import answer, canned
from selftest.conftest import ROOT
from trigger_conformance.checks.expect import ViolationError, expect
from trigger_conformance.contract.quoting import apart, bounded, harmless, quoted, reason, visible
from trigger_conformance.report import files
from trigger_conformance.report.comparison import compare
from trigger_conformance.report.progress import line
from trigger_conformance.report.terminal import summary
from trigger_conformance.wire.exchange import Answer, Exchange, Failure, FailureKind, Request

KEY = {"TRIGGER_API_KEY": "tr_dev_marker_key"}
PAYLOADS = {
    "GitHub": "\n::error file=a,line=1::injected",
    "GitHub after white space": "x\n \t ::add-mask::injected",
    "GitHub after a carriage return": "x\r::warning::injected",
    "GitHub alone": "::stop-commands::injected",
    "GitHub, old form": "##[add-path]injected",
    "GitHub, escaped already": "%0A::error::injected%0D%0A",
    "Azure": "\n##vso[task.setvariable variable=a]injected",
    "Azure within a line": "x ##vso[task.complete result=Succeeded]injected",
    "Azure, other letter case": "##VSO[task.logissue]injected",
    "TeamCity": "\n##teamcity[buildStatus status='SUCCESS']",
    "GitLab": "\nsection_start:1:injected\r\x1b[0Kx",
    "a terminal's title": "\x1b]0;injected\x07",
    "a terminal's colours": "\x1b[2J\x9b31m\x08\x08",
    "XML": "]]><failure/>&lt;<!--",
    "a script": "</script><script>alert(1)</script><img src=x onerror=alert(1)>",
    "attributes": "\" onmouseover=\"alert(1)\" x='",
    "Markdown": "[a](javascript:alert(1)) ![b](http://evil.example/b) <http://evil.example> http://evil.example www.e",
    "a mention": "@octocat `code` | ~~cell~~ | # heading",
    "a formula": '=HYPERLINK("http://evil.example")',
    "right to left": "a\u202egnp.exe\u2066\u200f",
    "line separators": "a\u2028::error::injected\u2029\x85::error::injected\x0b\x0c::error::x",
    "zero width": "a\u200b\u200d\ufeff\u3164\u034f\ufe0f\U000e0041b",
    "lone surrogates": "a\ud800\udc00\udfff",
    "NUL": "a\0b",
    "length": "x" * 70_000 + "::error::",
}  # fmt: skip
SHORT = [each for each in PAYLOADS.values() if len(each) < 1000]
COMMAND = re.compile(r"\s*::|.*##(vso|teamcity)?\[", re.IGNORECASE)
LINE_ENDS = re.compile("[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
OWN = {
    "github": re.compile(r"::(error|warning) title=[^:\n]*::"),
    "azure": re.compile(r"##vso\[task\.logissue type=\w+\]"),
}
UNSEEN = "\u3164\u034f\ufe0f"
VERDICTS = ("violated", "warned", "inconclusive", "skipped", "observed", "waived", "passed")


def troubles_in(text, name=""):
    """The lines that would steer a CI runner, and the characters that are not what they seem."""
    own = OWN.get(name)
    lines = [own.sub("", line, count=1) if own and own.match(line) else line for line in LINE_ENDS.split(text)]
    commands = [line for line in lines if COMMAND.match(line)]
    hidden = {each for each in set(text) - {"\n"} if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    return [each[:200] for each in commands] + sorted(hidden) + [each for each in UNSEEN if each in text]


def requirement(verdict, payload, number):
    exchange = {
        "number": 1, "case": payload, "sent_at": "2026-11-25T10:00:00.000+00:00", "duration_ms": 1.0,
        "request": {"method": "POST", "target": "/", "headers": [["X-Own", "1"]], "body": {"size": 2, "text": "{}"}},
        "curl": "curl -sS -i http://x", "error": None,
        "response": {
            "status": 500, "reason": payload, "headers": [["X-A", payload]], "body": {"size": 1, "text": payload},
        },
    }  # fmt: skip
    return {
        "id": f"create_batch.http.check_{number}_{verdict}", "level": "MUST", "statement": "it holds",
        "verdict": verdict,
        "clause": {"name": "createBatch", "pointer": "#/x", "text": "words"}, "requests": 1, "duration_s": 0.1,
        "message": f"{payload}\n{payload}", "notes": [payload], "evidence": [exchange, exchange],
        "waiver": {"reason": payload, "link": None, "expires": None} if verdict == "waived" else None,
    }  # fmt: skip


def document(payload, **more):
    """Results in which the payload stands wherever something that a target said may stand, and unquoted at that."""
    entries = [requirement(verdict, payload, number) for verdict in VERDICTS for number in range(4)]
    return {
        "schema_version": "1.1", "suite_version": "0", "run_id": "r", "profile": "smoke", "seed": 1, "requests": 1,
        "contract": {"title": "T", "version": "1", "sha256": "0" * 64},
        "target": {"base_url": "http://x", "options": {}},
        "started_at": "2026-11-25T10:00:00.000+00:00", "duration_s": 1.0, "runs": 1, "timeline": [], "notes": [payload],
        "verdict": "non-conformant", "exit_status": 1, "interrupted": False, "halted": None, "wrong_waivers": [],
        "requirements": entries, "removal_requests": 1,
        "left_behind": [{"operation": "create_note", "id": payload, "name": payload, "reason": payload}] * 12, **more,
    }  # fmt: skip


def rendered(results, name):
    if name == "terminal":
        stream = io.StringIO()
        summary(results, Path("reports"), stream)
        return stream.getvalue()
    if name == "comparison":
        return "\n".join(
            compare(
                document("y"), {**results, "target": {"base_url": [*results["notes"], "z"][0], "options": {}}}
            ).lines
        )
    return files.text(results, name).decode("utf-8")


FORMATS = ("terminal", "comparison", *files.RENDERERS, *files.ANNOTATIONS)


@pytest.mark.parametrize("halted", [False, True], ids=["", "halted"])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_no_format_can_be_steered(name, payload, halted):
    results = document(payload, halted=payload if halted else None, wrong_waivers=[f"w.toml:3: {payload}"])
    assert troubles_in(rendered(results, name), name) == []


def test_the_payloads_are_found_where_nothing_is_done_about_them():
    """The judge of the test above: it sees every payload but those that only a page or a table would obey."""
    seen = [name for name, payload in PAYLOADS.items() if troubles_in(f"\n{payload}\n")]
    assert set(PAYLOADS) - set(seen) == {
        "GitHub, escaped already", "XML", "a script", "attributes", "Markdown", "a mention", "a formula", "length",
    }  # fmt: skip


def forged(payload):
    """Results that nobody's run has written: the payload stands in every text that is no name."""

    def put(value, name=""):
        match value:
            case dict():
                return {key: put(each, key) for key, each in value.items()}
            case list():
                return [put(each, name) for each in value]
            case str() if name not in ("verdict", "started_at", "sent_at", "schema_version"):
                return f"a.b.{payload}" if name == "id" else payload
        return value

    return put(document(payload, halted=None, wrong_waivers=["w.toml:3: old"], suite_errors=["it broke"]))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_no_format_can_be_steered_by_a_forged_document(name, payload):
    assert troubles_in(rendered(forged(payload), name), name) == []


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_forged_document_puts_nothing_into_a_summary_or_a_badge(payload):
    text = MarkdownIt("commonmark").enable("table").render(rendered(forged(payload), "md"))
    page = Tags(text)
    assert set(page.found) <= {"h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "ul", "li"}
    assert (page.links, page.handlers) == ([], [])
    # What stands in code mentions nobody.
    assert not re.search(r"@\w", re.sub(r"<code>.*?</code>", "", text, flags=re.DOTALL))
    shapes = [[each.tag for each in ElementTree.fromstring(rendered(forged(said), "badge")).iter()]
              for said in ("x", payload)]  # fmt: skip
    assert shapes[0] == shapes[1]


class Tags(HTMLParser):
    """The elements and event handlers of a page, and the text outside code."""

    def __init__(self, page):
        super().__init__()
        self.found, self.handlers, self.links, self.said = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.said.append(data)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_page_holds_nothing_of_the_targets_making(payload):
    plain, hostile = Tags(rendered(document("x"), "html")), Tags(rendered(document(payload), "html"))
    assert (hostile.found, hostile.handlers, hostile.links) == (plain.found, plain.handlers, plain.links)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_summary_holds_no_link_image_mention_or_further_cell(payload):
    pages = [
        Tags(MarkdownIt("commonmark").enable("table").render(rendered(document(each, halted=each), "md")))
        for each in ("x", payload)
    ]
    plain, hostile = pages
    assert (hostile.found, hostile.links) == (plain.found, plain.links)
    # Pages find mentions and bare links in what is left as text.
    assert not re.search(r"@\w|https?://|www\.", "\0".join(hostile.said).replace("http://x", ""))


@pytest.mark.parametrize("name", ["junit", "badge"])
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_xml_has_the_same_elements_whatever_a_target_says(name, payload):
    shapes = [
        [each.tag for each in ElementTree.fromstring(rendered(document(said), name)).iter()] for said in ("x", payload)
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", files.ANNOTATIONS)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_an_annotation_is_one_and_short(name, payload):
    found = [rendered(document(said), name) for said in ("x", payload)]
    if name == "gitlab":
        assert len(json.loads(found[0])) == len(json.loads(found[1]))
        return
    plain, hostile = (each.splitlines() for each in found)
    assert len(hostile) == len(plain)
    assert max(len(each.encode()) for each in hostile) < 1300


EXPECTED = {
    "plain words": ("batch_1", '"batch_1"'),
    "a quote and a backslash": ('a"b\\', '"a\\"b\\\\"'),
    "a line end": ("a\n::error::", '"a\\n::error::"'),
    "a number": (12, "12"),
    "nothing": (None, "None"),
    "an array": (["\u202e"], "['\\u202e']"),
}


@pytest.mark.parametrize(("value", "said"), EXPECTED.values(), ids=EXPECTED)
def test_a_value_is_one_quoted_piece(value, said):
    assert quoted(value) == said


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("Accepted", "Accepted"),
        ("I'm a teapot", "I'm a teapot"),
        ("", ""),
        ("OK ::error::", '"OK ::error::"'),
        ("Accepted\x1b[0m", '"Accepted\\x1b[0m"'),
    ],
)
def test_a_reason_phrase_of_plain_words_needs_no_quotes(phrase, said):
    assert reason(phrase) == said


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("\u00e9", "e\u0301", (r"'\xe9'", r"'e\u0301'")),
        ("\u00e9", "\u00e8", ('"\u00e9"', '"\u00e8"')),
        ("a", 1, ('"a"', "1")),
        ("\u00e9", "\u00e9", ('"\u00e9"', '"\u00e9"')),
    ],
)
def test_texts_that_look_alike_are_told_apart(one, other, said):
    assert apart(one, other) == said


def test_what_is_harmless_stays_as_it_is():
    for text in ("a::b", "x ## y", "[1]", "C::D::E", "# [a]", "Ünïcödé 漢字 ✓", "a: :b"):
        assert harmless(visible(text)) == text
    assert bounded("one\ntwo") == "one\ntwo"


def test_a_message_has_an_end():
    long = bounded("\n".join(["y" * 10_000] * 500))
    assert len(long) < 31_000
    assert long.endswith("440 more lines")


def _request(label):
    return Request(target="/", label=label, operation="create_batch")


def exchange(payload, number=1, label="a case", status=202):
    told = Answer(status, payload, (), b"{}", 0.0)
    return Exchange(_request(label), told, None, 0.0, 1.0, 0.0, check="create_batch.http.x", number=number)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_messages_and_progress_lines_are_one_line_each(payload):
    for each in (exchange(payload), exchange("OK", label=payload)):
        with pytest.raises(ViolationError) as raised:
            expect(each).is_rejected()
        assert "\n" not in raised.value.message
        assert troubles_in(line(each)) == []
    failure = Failure(FailureKind.BROKEN, payload)
    assert "\n" not in str(failure)
    assert troubles_in(harmless(str(failure))) == []


def respond(_request, number, _connection):
    """Sound at first; then each answer says another payload wherever an answer can say something."""
    if number == 1:
        return answer("202 Accepted", b'{"id":"batch_1","runCount":1,"isCached":false}')
    payload = SHORT[number % len(SHORT)]
    status = (202, 400, 500, 429, 401)[number % 5]
    fields = ("id", "idempotencyKey", "message", "runCount", "isCached")
    body = json.dumps(dict.fromkeys(fields, payload) | {payload: payload} | ({"isCached": False} if number % 2 else {}))
    said = "".join(each for each in payload if each.isascii() and each not in "\r\n\0")[:200]
    headers = (f"X-Said: {said}", f"X-RateLimit-Limit: {said}", f"x-trigger-jwt: {said}", "Retry-After: 0")
    return answer(f"{status} {said}", body.encode("utf-8"), *headers, media_type=f"application/json; x={said}")


@pytest.mark.parametrize("way", ["command line", "pytest"])
def test_a_hostile_target_steers_no_run(command, way):
    with canned(respond) as base_url:
        options = (f"--base-url={base_url}", "--profile=smoke", "--strict", "--max-seconds=25")
        if way == "pytest":
            ran = command(str(ROOT / "tests"), *options, "-vv", "-rA", module="pytest", **KEY)
        else:
            ran = command("run", *options, "--verbose", **KEY)
    assert ran.status == 1, ran.output[-2000:] + ran.errors[-2000:]
    assert troubles_in(ran.output) + troubles_in(ran.errors) == []
    assert any("injected" in each["message"] for each in ran.results["requirements"])
    for name, _ in files.RENDERERS.values():
        assert troubles_in((ran.folder / name).read_text("utf-8")) == [], name
    for name in FORMATS:
        assert troubles_in(rendered(ran.results, name), name) == [], name
