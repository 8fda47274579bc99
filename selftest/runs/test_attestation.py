"""Attestations: an untouched one is accepted, whatever was tampered with is not."""

import json
import re
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from selftest import warm
from selftest.conftest import LONGEST, at, environment, keys, reference
from trigger_conformance.options.target import UsageError
from trigger_conformance.report.files import RESULTS
from trigger_conformance.runs.attestation import EVIDENCE, MANIFEST, SIGNATURE, RejectedError, _sums, attest, verify

CONTRACT = "create-batch.openapi.yaml"


def attested(folder, behaviour, *options, private_key=None):
    """The archive of a run on the named server."""
    with reference(behaviour) as server:
        line = at(server, *options, f"--report-dir={folder}")
        warm.call(line, folder, environment(**keys(server)), LONGEST)
    return attest(folder, private_key)


def key_files(folder):
    """A key pair, as PEM files."""
    key = Ed25519PrivateKey.generate()
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return key_files(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def signed(tmp_path_factory, pair):
    return attested(tmp_path_factory.mktemp("signed"), "", "--profile=smoke", private_key=pair[0])


@pytest.mark.parametrize(
    ("behaviour", "options", "verdict"),
    [
        ("", ("--idempotency-wait=1",), "conformant"),
        ("variants.limited_by_requests", (), "conformant"),
        ("variants.connections_close_silently", (), "conformant"),
        ("idempotency.race_of5_milliseconds", (), "non-conformant"),
        ("acceptance.answers_echo_the_credential", ("--profile=smoke",), "non-conformant"),
        ("http.drops_answers", (), "non-conformant"),
        ("rate_limits.never_limits", ("--only=rate_limits",), "non-conformant"),
    ],
)
def test_an_untouched_archive_is_accepted(tmp_path, behaviour, options, verdict):
    assert verify(attested(tmp_path, behaviour, *options))["verdict"] == verdict


def test_a_signature_is_checked(signed, pair):
    assert verify(signed, pair[1])["verdict"] == "conformant"


def changed(signed, folder, *, anew=True, **changes):
    """A copy of an archive with contents changed; ``anew`` makes its sums right again."""
    with zipfile.ZipFile(signed) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        full = {"results": RESULTS, "evidence": EVIDENCE, "manifest": MANIFEST, "contract": CONTRACT}[name]
        content[full] = change(content[full])
    if anew:
        manifest = json.loads(content[MANIFEST])
        content[MANIFEST] = json.dumps({**manifest, "sha256": _sums(content)}).encode()
    path = folder / "changed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def replaced(old, new):
    def change(data):
        assert re.search(old, data, re.DOTALL)
        return re.sub(old, new, data, count=1, flags=re.DOTALL)

    return change


def entries(change):
    """Change the exchanges of the evidence."""

    def rewrite(data):
        document = json.loads(data)
        document["log"]["entries"] = change(document["log"]["entries"])
        return json.dumps(document).encode()

    return rewrite


def with_replay(change):
    """Change the answer that says isCached true for the first time."""

    def rewrite(found):
        entry = next(each for each in found if '"isCached": true' in each["response"]["content"].get("text", ""))
        change(entry)
        return found

    return entries(rewrite)


def set_status(entry):
    entry["response"]["status"] = 500


def set_new(entry):
    content = entry["response"]["content"]
    content["text"] = content["text"].replace('"isCached": true', '"isCached": false')


def numbered(found):
    return [{**found[0], "_requirement": 5}, *found[1:]]


def without(name):
    """Drop a property of the results."""
    return lambda data: json.dumps({each: value for each, value in json.loads(data).items() if each != name}).encode()


def optionless(data):
    document = json.loads(data)
    return json.dumps({**document, "target": {**document["target"], "options": {}}}).encode()


TAMPERED = {
    "a byte of an answer": ({"evidence": replaced(rb"isCached", b"isCachet")}, False, "evidence.har: its sum"),
    "a verdict": ({"results": replaced(rb'"passed"', b'"waived"')}, False, "results.json: its sum"),
    "a sum": ({"manifest": replaced(rb"[0-9a-f]{64}", b"0" * 64)}, False, "its sum is not the one"),
    "the contract": ({"contract": replaced(rb"minimum: 1", b"minimum: 0")}, True, "is not the contract"),
    "the contract's digest": ({"results": replaced(rb'"sha256": "45e7', b'"sha256": "45e8')}, True, "another contract"),
    "a verdict, sums anew": (
        {"results": replaced(rb'"passed"', b'"violated"')},
        True,
        "stated violated, judged again passed",
    ),
    "the run's verdict, sums anew": (
        {"results": replaced(rb'"conformant"', b'"non-conformant"')},
        True,
        "the run: stated non-conformant",
    ),
    "a status, sums anew": ({"evidence": with_replay(set_status)}, True, "judged again violated"),
    "an answer, sums anew": ({"evidence": with_replay(set_new)}, True, "judged again violated"),
    "a missing exchange, sums anew": ({"evidence": entries(lambda found: found[:-9])}, True, "judged again"),
    "the number of requests, sums anew": (
        {"results": replaced(rb'"requests": \d+', b'"requests": 7')},
        True,
        "requests: stated 7, in the evidence",
    ),
    "the suite's version": (
        {"manifest": replaced(rb'"suite_version": "', b'"suite_version": "9')},
        True,
        "made by suite 9",
    ),
    "the format": ({"manifest": replaced(rb"attestation 1", b"attestation 2")}, True, "the format is"),
    "evidence that is none": ({"evidence": lambda _: b"{}"}, True, "evidence.har cannot be read"),
    "evidence of lists in lists": ({"evidence": lambda _: b"[" * 100_000}, True, "evidence.har cannot be read"),
    "a check that is a number": ({"evidence": entries(numbered)}, True, "evidence.har cannot be read"),
    "results that are none": ({"results": lambda _: b"[]"}, True, "results.json are no results of a run: "),
    "results of lists in lists": ({"results": lambda _: b"[" * 100_000}, True, "results.json cannot be read"),
    "results without a target": ({"results": without("target")}, True, '"target" is a required property'),
    "results without options": ({"results": optionless}, True, "options cannot be read: KeyError"),
    "results without exchanges": (
        {"results": replaced(rb'"requests": \d+', b'"requests": 0')},
        True,
        "nothing was judged",
    ),
    "a manifest of lists in lists": ({"manifest": lambda _: b"[" * 100_000}, False, "manifest.json cannot be read"),
    "generators that are none": (
        {"manifest": replaced(rb'"generators": {[^}]*}', b'"generators": 5')},
        True,
        "manifest.json cannot be read",
    ),
}


@pytest.mark.parametrize(("changes", "anew", "said"), TAMPERED.values(), ids=TAMPERED)
def test_what_was_tampered_with_is_rejected(signed, tmp_path, changes, anew, said):
    with pytest.raises(RejectedError, match=re.escape(said)):
        verify(changed(signed, tmp_path, anew=anew, **changes))


@pytest.mark.parametrize("generator", ["hypothesis", "schemathesis"])
def test_evidence_of_other_generators_is_told_as_that(signed, tmp_path, generator):
    missing = entries(lambda found: found[:-9])
    other = replaced(rf'"{generator}": "'.encode(), rf'"{generator}": "9'.encode())
    with pytest.raises(RejectedError, match=rf"verify again with .*{generator}==9"):
        verify(changed(signed, tmp_path, manifest=other, evidence=missing))
    assert verify(changed(signed, tmp_path, manifest=other)), "the versions alone decide nothing"


def test_sums_made_anew_have_no_signature(signed, tmp_path, pair):
    with pytest.raises(RejectedError, match="is not this key's signature"):
        verify(changed(signed, tmp_path, evidence=replaced(rb"Accepted", b"accepted")), pair[1])


def test_another_keys_signature_is_rejected(signed, tmp_path):
    with pytest.raises(RejectedError, match="is not this key's signature"):
        verify(signed, key_files(tmp_path)[1])


def repacked(signed, path, keep, **more):
    with zipfile.ZipFile(signed) as archive, zipfile.ZipFile(path, "w") as other:
        for name in archive.namelist():
            if keep(name):
                other.writestr(name, archive.read(name))
        for name, data in more.items():
            other.writestr(name, data)
    return path


def test_an_archive_is_whole_and_holds_nothing_else(signed, tmp_path, pair):
    lacking = repacked(signed, tmp_path / "a.zip", lambda name: name != EVIDENCE)
    with pytest.raises(RejectedError, match="lacks evidence"):
        verify(lacking)
    further = repacked(signed, tmp_path / "b.zip", lambda _: True, **{"../x": b""})
    with pytest.raises(RejectedError, match="something else"):
        verify(further)
    unsigned = repacked(signed, tmp_path / "c.zip", lambda name: name != SIGNATURE)
    with pytest.raises(RejectedError, match="is not signed"):
        verify(unsigned, pair[1])
    cut = tmp_path / "d.zip"
    cut.write_bytes(signed.read_bytes()[:-200])
    with pytest.raises(RejectedError, match="damaged"):
        verify(cut)


def flawed(signed, folder, *, local, central, value, kind=zipfile.ZIP_DEFLATED):
    """A copy of an archive with one value changed in the first entry's two headers (APPNOTE.TXT 4.3.7, 4.3.12)."""
    path = folder / "flawed.zip"
    with zipfile.ZipFile(signed) as archive, zipfile.ZipFile(path, "w", kind) as other:
        for name in archive.namelist():
            other.writestr(name, archive.read(name))
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        data[data.find(signature) + offset] = value
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("local", "central", "value"), [(6, 8, 1), (8, 10, 99)], ids=["encrypted", "unknown kind"])
def test_an_entry_that_cannot_be_unpacked_is_damaged(signed, tmp_path, local, central, value):
    with pytest.raises(RejectedError, match="the archive is damaged: "):
        verify(flawed(signed, tmp_path, local=local, central=central, value=value))


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_data_that_cannot_be_unpacked_is_damaged(tmp_path, kind):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr(RESULTS, bytes(range(256)) * 64)
    data = bytearray(path.read_bytes())
    begin = data.find(RESULTS.encode()) + len(RESULTS)
    data[begin : begin + 12] = b"\xff" * 12
    path.write_bytes(data)
    with pytest.raises(RejectedError, match="the archive is damaged: "):
        verify(path)


@pytest.mark.parametrize(
    "change", [{"requests": 0}, {"requirements": []}, {"requirements": "skipped"}], ids=["unasked", "none", "skipped"]
)
def test_results_that_judge_nothing_are_not_attested(signed, tmp_path, change):
    with zipfile.ZipFile(signed) as archive:
        archive.extractall(tmp_path)
    document = json.loads((tmp_path / RESULTS).read_text("utf-8"))
    if change.get("requirements"):
        change = {"requirements": [{**each, "verdict": "skipped"} for each in document["requirements"]]}
    (tmp_path / RESULTS).write_text(json.dumps({**document, **change}), "utf-8")
    with pytest.raises(UsageError, match="nothing was judged"):
        attest(tmp_path)


def test_what_cannot_be_attested_is_told(tmp_path, command):
    assert command("attest", str(tmp_path)).status == 4
    halted = command("run", "--base-url=http://127.0.0.1:9", TRIGGER_API_KEY="k")
    refused = command("attest", str(halted.folder))
    assert refused.status == 4
    assert "did not come to its end" in refused.errors
    with pytest.raises(UsageError, match="private key in PEM"):
        attested(tmp_path, "", "--only=run_count", private_key=tmp_path / "results.json")


def test_the_command_line_tells_what_was_verified(signed, tmp_path, command, pair):
    good = command("verify", str(signed), f"--public-key={pair[1]}")
    assert good.status == 0
    assert "was conformant on" in good.output
    assert "signed by that key" in good.output
    assert re.search(r"\d+ verdicts \(\d+ passed, \d+ skipped[^)]*\) follow from \d+ exchanges", good.output)
    bad = command("verify", str(changed(signed, tmp_path, anew=False, results=replaced(rb"passed", b"waived"))))
    assert bad.status == 1
    assert "rejected" in bad.output
