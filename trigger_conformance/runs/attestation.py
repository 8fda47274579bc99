"""A statement that others can check: results and evidence of a run in one archive, and its judgement done again.

``attest`` packs them with their sums. ``verify`` runs the suite once more with the same options and seed; every request
is answered from the evidence, nothing is sent, and the verdicts must come out the same.

Signatures are Ed25519 over the manifest, by the ``cryptography`` package: keys are PEM files as openssl makes them, so
nobody needs a tool of ours to hold or to check one.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from trigger_conformance import __version__
from trigger_conformance.checks.operation import CHECKS, OPENAPI, operations
from trigger_conformance.options.options import stated
from trigger_conformance.options.settings import REPLAY
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import files, har
from trigger_conformance.runs.subrun import NoResultsError, run_apart
from trigger_conformance.wire.replay import Replay

ARCHIVE = "attestation.zip"
EVIDENCE = har.FILE
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
_REPORTED = (files.RESULTS, EVIDENCE)
_FORMAT = "trigger-conformance attestation 1"
_LARGEST = 1 << 28
# What reading a document raises that is anybody's, and nested or typed as nothing of ours is.
_ILL_FORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)


class RejectedError(Exception):
    """An archive does not hold what it states; the message says what differs, a line each."""


def evidence(folder: Path) -> Replay:
    """The answers in a report folder. Raises RejectedError where they cannot be read."""
    try:
        return har.replay(json.loads((folder / EVIDENCE).read_text("utf-8")))
    except (OSError, *_ILL_FORMED) as error:
        raise RejectedError(f"{EVIDENCE} cannot be read: {error!r}") from error


def attest(folder: Path, private_key: Path | None = None) -> Path:
    """Pack the run in ``folder``; returns the archive. Raises UsageError where it cannot be attested."""
    results = files.read(folder)
    if results["interrupted"] or results["halted"]:
        raise UsageError(f"attest {folder}: the run did not come to its end; attest one that did")
    if results.get("shards"):
        raise UsageError(f"attest {folder}: this was merged; attest the parts, each in its own folder")
    if results["profile"] == "soak":
        raise UsageError(f"attest {folder}: a campaign goes where its findings lead; attest a run of another profile")
    if _nothing_judged(results):
        raise UsageError(f"attest {folder}: nothing was judged in this run; attest one that asked a target")
    if results["target"]["options"]["workers"] > 1:
        raise UsageError(f"attest {folder}: requests of several workers have no order to repeat; run with --workers 1")
    try:
        content = {name: (folder / name).read_bytes() for name in _REPORTED}
    except OSError as error:
        raise UsageError(f"attest {folder}: {error.filename} cannot be read: {error.strerror}") from error
    _check_documents(folder, results)
    content |= _documents(results)
    manifest = {
        "format": _FORMAT, "suite_version": __version__, "generators": _generators(), "sha256": _sums(content),
    }  # fmt: skip
    content[MANIFEST] = (json.dumps(manifest, indent=1) + "\n").encode()
    if private_key is not None:
        content[SIGNATURE] = _signature(content[MANIFEST], private_key)
    archive = folder / ARCHIVE
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in content.items():
            packed.writestr(name, data)
    return archive


def _nothing_judged(results: Mapping[str, Any]) -> bool:
    """Whether a statement of these results would state nothing."""
    return not results["requests"] or all(each["verdict"] == "skipped" for each in results["requirements"])


def _check_documents(folder: Path, results: Mapping[str, Any]) -> None:
    """Raise UsageError where a run had checks or documents that this process does not have."""
    unknown = [each["id"] for each in results["operations"] if each["id"] not in operations()]
    if unknown:
        raise UsageError(f"attest {folder}: {', '.join(unknown)} is not known here: set {CHECKS} to the run's --checks")
    if [each["contract"] for each in results["operations"]] != _stated_contracts(results):
        raise UsageError(f"attest {folder}: the run judged by another document: set {OPENAPI} to the run's --openapi")


def _documents(results: Mapping[str, Any]) -> dict[str, bytes]:
    """The published documents by which a run judged, as this suite has them, by their names."""
    tested = [each["id"] for each in results["operations"]]
    contracts = [each.contract for each in operations().values() if each.id in tested]
    return {each.file.name: each.file.read_bytes() for each in contracts}


def _generators() -> dict[str, str]:
    """The versions of what makes a seed into requests: another version may make others."""
    return {name: metadata.version(name) for name in ("hypothesis", "schemathesis")}


def _sums(content: Mapping[str, bytes]) -> dict[str, str]:
    return {
        name: hashlib.sha256(data).hexdigest() for name, data in content.items() if name not in (MANIFEST, SIGNATURE)
    }


def _signature(data: bytes, path: Path) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"--sign {path}: it cannot be read as a private key in PEM: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"--sign {path}: it is no Ed25519 key; openssl genpkey -algorithm ed25519 makes one")
    return key.sign(data)


def verify(archive: Path, public_key: Path | None = None) -> dict[str, Any]:
    """Check sums and signature, judge the evidence again; returns the attested results.

    Raises RejectedError with what differs, and UsageError where the archive or key cannot be read.
    """
    content = _unpacked(archive)
    _check_manifest(content)
    if public_key is not None:
        _check_signature(content, public_key)
    results = _checked_results(content)
    with tempfile.TemporaryDirectory(prefix="trigger-conformance-") as folder:
        for name in _REPORTED:
            Path(folder, name).write_bytes(content[name])
        evidence(Path(folder))
        try:
            _compare(results, _judged_again(results, Path(folder)))
        except RejectedError as error:
            raise RejectedError(f"{error}{_other_generators(content)}") from error
    return results


def _other_generators(content: Mapping[str, bytes]) -> str:
    """What to try where the evidence may be right, but was made by other versions of the generators."""
    made = dict(json.loads(content[MANIFEST]).get("generators", {}))
    if made == _generators():
        return ""
    install = " ".join(f"{name}=={version}" for name, version in made.items())
    here = ", ".join(f"{name} {version}" for name, version in _generators().items())
    return f"\nthe requests were generated by other versions than these ({here}): verify again with {install} installed"


def is_signed(archive: Path) -> bool:
    """Whether an archive has a signature."""
    return SIGNATURE in _unpacked(archive)


def _unpacked(archive: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = packed.infolist()
            if sum(entry.file_size for entry in entries) > _LARGEST:
                raise RejectedError(f"the archive unpacks to more than {_LARGEST:,} bytes")
            names = [entry.filename for entry in entries]
            if set(names) - {*_REPORTED, *_known(), MANIFEST, SIGNATURE} or len(set(names)) != len(names):
                raise RejectedError(
                    f"the archive holds something else than an attestation: {', '.join(names)}; where the run had "
                    f"checks or documents of its own, set {CHECKS} or {OPENAPI} to them"
                )
            return {name: packed.read(name) for name in names}
    except OSError as error:
        if error.errno is not None:
            raise UsageError(f"{archive}: it cannot be read: {error.strerror}") from error
        raise RejectedError(f"the archive is damaged: {error}") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, ValueError) as error:
        # An encrypted entry is a RuntimeError, an unknown compression a NotImplementedError, which is one too.
        raise RejectedError(f"the archive is damaged: {error}") from error


def _check_manifest(content: Mapping[str, bytes]) -> None:
    missing = [name for name in (*_REPORTED, MANIFEST) if name not in content]
    if missing:
        raise RejectedError(f"the archive lacks {', '.join(missing)}")
    try:
        manifest = json.loads(content[MANIFEST])
        sums = dict(manifest["sha256"])
        dict(manifest.get("generators", {}))
    except _ILL_FORMED as error:
        raise RejectedError(f"{MANIFEST} cannot be read: {error!r}") from error
    if manifest.get("format") != _FORMAT:
        raise RejectedError(f"{MANIFEST}: the format is {manifest.get('format')!r}, not {_FORMAT!r}")
    if manifest.get("suite_version") != __version__:
        made = manifest.get("suite_version")
        raise RejectedError(f"the attestation was made by suite {made}; verify it with that, not with {__version__}")
    wrong = [f"{name}: its sum is not the one in {MANIFEST}" for name, sum_ in _sums(content).items()
             if sums.get(name) != sum_]  # fmt: skip
    if wrong:
        raise RejectedError("\n".join(wrong))


def _check_signature(content: Mapping[str, bytes], path: Path) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"--public-key {path}: it cannot be read as a public key in PEM: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"--public-key {path}: it is no Ed25519 key")
    if SIGNATURE not in content:
        raise RejectedError("the archive is not signed")
    try:
        key.verify(content[SIGNATURE], content[MANIFEST])
    except InvalidSignature:
        raise RejectedError(f"{SIGNATURE} is not this key's signature of {MANIFEST}") from None


def _checked_results(content: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        results: dict[str, Any] = json.loads(content[files.RESULTS])
        if (wrong := files.misfit(results)) is not None:
            raise RejectedError(f"{files.RESULTS} are no results of a run: {wrong}")
        for name, document in _documents(results).items():
            if content.get(name) != document:
                raise RejectedError(f"{name} is not the contract that this suite judges by")
        told = [each["contract"] for each in results["operations"]]
        if told != _stated_contracts(results) or results["contract"] != told[0]:
            raise RejectedError("the results state another contract")
    except _ILL_FORMED as error:
        raise RejectedError(f"{files.RESULTS} cannot be read: {error!r}") from error
    if _nothing_judged(results):
        raise RejectedError("nothing was judged in this run")
    return results


def _known() -> set[str]:
    return {each.contract.file.name for each in operations().values()}


def _stated_contracts(results: Mapping[str, Any]) -> list[dict[str, str]]:
    contracts = [operations()[each["id"]].contract for each in results["operations"]]
    return [{"title": each.title, "version": each.version, "sha256": each.sha256} for each in contracts]


def _judged_again(results: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The results of the suite's run over the evidence in ``folder``."""
    # Any keys will do, for nothing is sent; but cases are made from them.
    try:
        options = _options(results)
        second = "tr_prod_REPLAYED_evidence_key" if results["target"]["options"]["second_api_key"] else None
    except _ILL_FORMED as error:
        raise RejectedError(f"{files.RESULTS}: the run's options cannot be read: {error!r}") from error
    replayed = {REPLAY: str(folder)}
    try:
        return run_apart(options, "tr_dev_REPLAYED_evidence_key", second, folder / "again", replayed)
    except NoResultsError as error:
        raise RejectedError(f"the evidence cannot be judged again: {error}") from error


def _options(results: Mapping[str, Any]) -> list[str]:
    """The options with which the attested run was made; budgets are ample, for the evidence ends by itself."""
    options = results["target"]["options"]
    told = [
        f"--base-url={results['target']['base_url']}",
        f"--profile={results['profile']}",
        f"--seed={results['seed']}",
        *(f"--{each.name}={options[each.dest]}" for each in stated() if options.get(each.dest) is not None),
        "--press-rate-limit" if options["press_rate_limit"] else "--no-press-rate-limit",
        f"--press-requests={options['press_requests']}",
        "--shared-key" if options["shared_key"] else "--no-shared-key",
        *(["--strict"] if options["strict"] else []),
        *(f"--only={entry}" for entry in options["only"]),
        *([f"--level={options['level'].lower()}"] if options["level"] else []),
        *([f"--shard={options['shard']}"] if options.get("shard") else []),
        "--max-requests=1000000",
        "--max-runs=1000000000000",
        "--max-seconds=3600",
    ]
    if options["idempotency_wait_s"] is not None:
        told.append(f"--idempotency-wait={options['idempotency_wait_s']}")
    return told


def _compare(attested: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Raise RejectedError where the judgement of the evidence is not the stated one."""
    before, after = ({each["id"]: each["verdict"] for each in results["requirements"]} for results in (attested, found))
    wrong = [
        f"{identity}: stated {before.get(identity, 'nothing')}, judged again {after.get(identity, 'nothing')}"
        for identity in dict.fromkeys([*before, *after])
        if not _same(before.get(identity), after.get(identity))
    ]
    waived = "waived" in before.values()
    if attested["verdict"] != found["verdict"] and not (waived and found["verdict"] == "non-conformant"):
        wrong.append(f"the run: stated {attested['verdict']}, judged again {found['verdict']}")
    wrong += [
        f"{name}: stated {attested[name]}, in the evidence {found[name]}"
        for name in ("requests", "runs", "operations", "statuses", "left_behind")
        if attested[name] != found[name]
    ]
    if wrong:
        raise RejectedError("\n".join(wrong))


def _same(stated: str | None, found: str | None) -> bool:
    return stated == found or (stated == "waived" and found in ("violated", "warned"))
