"""The reference server: operations mounted side by side, what they share, and whom a fault concerns."""

import asyncio
import inspect
import sys
import threading
import tomllib
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from selftest import proof
from selftest.conftest import ROOT, call, reference
from selftest.notes.server import TakeNoteServer
from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.operation import operations
from trigger_conformance.checks.requirement import Level
from trigger_conformance.options import interruption
from trigger_conformance.reference import registry
from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.behaviours import declared, fault
from trigger_conformance.reference.composition import IncompatibleBehavioursError, composed
from trigger_conformance.reference.create_batch.server import PATH, CreateBatchServer
from trigger_conformance.reference.listening import listen
from trigger_conformance.reference.registry import Registry
from trigger_conformance.reference.server import OperationServer
from trigger_conformance.reference.settings import SOUND, Settings

BOTH = Registry({"create_batch": CreateBatchServer, "take_note": TakeNoteServer})
SHARED = [each for each in BOTH.behaviours() if each.server.__module__.startswith((
    "trigger_conformance.reference.faults", "trigger_conformance.reference.variants",
    "trigger_conformance.reference.limited"))]  # fmt: skip
BATCH, NOTE = (PATH, {"runCount": 1}), ("/notes", {"text": "x"})


@dataclass
class Asking:
    """Who asks an app, in this process."""

    app: Any
    settings: Settings

    def send(self, method, path, document=None, *, key=None, **headers):
        credential = {} if key == "" else {"authorization": f"Bearer {key or self.settings.api_key}"}
        body = {} if document is None else {"json": document}
        return asyncio.run(self.answer(method, path, headers={**credential, **headers}, **body))

    async def answer(self, method, path, **more):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://reference") as client:
            return await client.request(method, path, **more)

    def create(self, asked, **more):
        return self.send("POST", *asked, **more)


def asking(behaviour="", settings=SOUND):
    app = BOTH.app(behaviour)(settings)
    return Asking(app.app(), app.settings)


# What an operation has of its own, and what it has not.


def test_operations_keep_their_stores_and_paths_apart():
    app = asking()
    batch, note = app.create((PATH, {"runCount": 1, "idempotencyKey": "1"})), app.create(NOTE)
    assert (batch.status_code, note.status_code) == (202, 201)
    assert app.send("GET", f"/notes/{note.json()['id']}").json() == note.json()
    assert app.send("GET", f"/notes/{batch.json()['id']}").status_code == 404
    assert app.create((PATH, {"runCount": 1, "idempotencyKey": "1"})).json()["isCached"] is True
    assert app.create((PATH, NOTE[1])).status_code == 422
    assert app.create(("/notes", BATCH[1])).status_code == 400


def test_environments_keep_their_stores_apart():
    app = asking()
    note = app.create(NOTE).json()
    assert app.send("GET", f"/notes/{note['id']}", key=SOUND.second_api_key).status_code == 404


def test_operations_share_credentials():
    app = asking(settings=Settings(api_key="one", second_api_key="two"))
    for asked in (BATCH, NOTE):
        answered = [app.create(asked, key=key).status_code for key in ("", "three", "one", "two")]
        assert answered[:2] == [401, 401]
        assert max(answered[2:]) < 300


def test_operations_share_limits():
    app = asking(settings=Settings(request_limit=(3, 0.001)))
    answered = [app.create(asked).status_code for asked in (BATCH, NOTE, BATCH, NOTE, BATCH)]
    assert answered == [202, 201, 202, 429, 429]
    assert app.create(NOTE, key=SOUND.second_api_key).status_code == 201


def test_an_operation_has_several_paths_with_methods_of_their_own():
    app = asking()
    allowed = {path: app.send("PATCH", path).headers["allow"] for path in (PATH, "/notes", "/notes/1")}
    assert allowed == {PATH: "POST", "/notes": "POST", "/notes/1": "GET, DELETE"}
    note = app.create(NOTE).json()
    assert [app.send(method, f"/notes/{note['id']}").status_code for method in ("GET", "DELETE", "GET")] == [
        200, 204, 404,
    ]  # fmt: skip


def test_a_prefix_is_every_operations():
    app = asking(settings=Settings(prefix="/gateway"))
    assert [app.create((f"/gateway{path}", document)).status_code for path, document in (BATCH, NOTE)] == [202, 201]


# Whom a fault concerns.


@pytest.mark.parametrize("behaviour", SHARED, ids=lambda each: each.id)
def test_what_is_shared_changes_every_operation_that_it_concerns(behaviour):
    """From every shared fault and variant; one class that is composed with each operation's server."""
    app = BOTH.app(behaviour.id)
    assert issubclass(app, behaviour.app)
    for operation, server in app.operations.items():
        sound = BOTH.operations[operation]
        assert issubclass(server, sound)
        if behaviour.id in sound.spared or issubclass(behaviour.server, ReferenceApp):
            assert server is sound
        else:
            assert issubclass(server, behaviour.server)
            assert server.__mro__.index(behaviour.server) < server.__mro__.index(sound), "the sound one hides it"


def plain(app, asked):
    return app.create(asked)


def without_key(app, asked):
    return app.create(asked, key="")


# A shared fault or variant, what is sent, and what shows it.
SHOWN = {
    "authentication.needs_no_credential": (without_key, lambda got: got.is_success),
    "authentication.refuses_with403": (without_key, lambda got: got.status_code == 403),
    "acceptance.errors_are_text": (without_key, lambda got: got.headers["content-type"] == "text/plain"),
    "acceptance.answers_echo_the_encoded_credential": (plain, lambda got: "cursor" in got.json()),
    "acceptance.answers_echo_the_credential": (plain, lambda got: "x-environment" in got.headers),
    "acceptance.echoes_as_json_escapes": (
        plain, lambda got: got.json().get("by") == SOUND.api_key and SOUND.api_key not in got.text,
    ),
    "http.put_creates": (lambda app, asked: app.send("PUT", *asked), lambda got: got.is_success),
    "http.no_allow_header": (lambda app, asked: app.send("PATCH", *asked), lambda got: "allow" not in got.headers),
    "http.wants_no_parameters": (
        lambda app, asked: app.create(asked, **{"content-type": "application/json; charset=utf-8"}),
        lambda got: got.status_code == 415,
    ),
    "properties.parses_twice": (
        lambda app, asked: app.create((asked[0], '{"runCount":1,"text":"x"}')), lambda got: got.is_success,
    ),
    "rate_limits.accepts_in_silence": (plain, lambda got: "x-ratelimit-limit" not in got.headers),
    "variants.answers_are_compressed": (plain, lambda got: got.headers.get("content-encoding") == "gzip"),
    "variants.clock_is_behind": (plain, lambda got: "date" in got.headers),
    "limited.silent_window": (plain, lambda got: "x-ratelimit-limit" not in got.headers),
    "limited.sliding_log_of_requests": (plain, lambda got: got.headers["x-ratelimit-limit"] == "150"),
}  # fmt: skip


@pytest.mark.parametrize("asked", [BATCH, NOTE], ids=["create_batch", "take_note"])
@pytest.mark.parametrize(("behaviour", "send", "shows"), [(name, *each) for name, each in SHOWN.items()], ids=SHOWN)
def test_a_shared_fault_shows_in_each_operation_and_not_in_sound_ones(behaviour, send, shows, asked):
    assert shows(send(asking(behaviour), asked))
    assert not shows(send(asking(), asked))


def test_a_fault_of_one_operation_is_that_ones_alone():
    ours, theirs = BOTH.app("idempotency.lowers_keys"), BOTH.app("loses_notes")
    assert ours.operations["take_note"] is TakeNoteServer
    assert ours.operations["create_batch"] is not CreateBatchServer
    assert theirs.operations["create_batch"] is CreateBatchServer
    app = asking("loses_notes")
    assert app.send("GET", f"/notes/{app.create(NOTE).json()['id']}").status_code == 404


def test_a_shared_fault_that_is_none_of_an_operation_spares_it():
    app = asking("acceptance.answers_created+acceptance.errors_have_no_message")
    assert [app.create(asked).status_code for asked in (BATCH, NOTE)] == [201, 201]
    assert BOTH.app("acceptance.answers_created").operations["take_note"] is TakeNoteServer
    assert "acceptance.answers_created" not in {each.id for each in BOTH.faults("take_note")}


# Ids, and requirements.


def test_an_id_gets_its_operation_in_front_only_where_two_clash():
    ids = {each.id for each in BOTH.faults()}
    assert {"idempotency.ignores_keys", "take_note.idempotency.ignores_keys", "idempotency.loses_notes"} <= ids
    alone = {each.id for each in Registry({"take_note": TakeNoteServer}).faults()}
    assert "idempotency.ignores_keys" in alone
    assert not {each for each in alone if each.startswith("take_note.")}


def test_two_of_one_operation_may_not_have_one_id():
    class IgnoresKeys(CreateBatchServer):
        """Stands in another file of the same area."""

    IgnoresKeys.__module__ = "trigger_conformance.reference.create_batch.faults.idempotency.elsewhere"
    fault("idempotency.replay_returns_the_existing_batch")(IgnoresKeys)
    try:
        with pytest.raises(ValueError, match=r"are both called idempotency\.ignores_keys"):
            Registry(BOTH.operations).behaviours()
    finally:
        del declared[IgnoresKeys]


def test_what_spares_every_operation_is_none():
    class Untouched(TakeNoteServer):
        spared = frozenset(each.id for each in SHARED)

    assert not set(Untouched.spared) & {each.id for each in Registry({"take_note": Untouched}).behaviours()}


def test_requirements_are_named_of_every_operation_concerned():
    every = {each.id: each.caught_by for each in BOTH.faults()}
    own = {each.id: each.caught_by for each in BOTH.faults("take_note")}
    missing = "authentication.missing_credential_is_refused"
    assert every["authentication.takes_missing_headers"] == (f"create_batch.{missing}", f"take_note.{missing}")
    assert own["authentication.takes_missing_headers"] == (f"take_note.{missing}",)
    assert every["idempotency.lowers_keys"] == ("create_batch.idempotency.letter_case_makes_keys_different",)
    assert "idempotency.lowers_keys" not in own
    assert own["idempotency.loses_notes"] == ("take_note.idempotency.a_note_is_taken_once",)


def test_what_is_asked_of_one_operation_is_what_concerns_it():
    asked = [{each.id for each in registry.usual().behaviours(operation)} for operation in registry.known()]
    assert set().union(*asked) == {each.id for each in registry.usual().behaviours()}
    batch, note = ({each.id for each in BOTH.behaviours(operation)} for operation in ("create_batch", "take_note"))
    assert batch | note == {each.id for each in BOTH.behaviours()}
    assert batch & note == {each.id for each in SHARED} - TakeNoteServer.spared - CreateBatchServer.spared


def test_the_proof_takes_an_operations_name():
    every = [*registry.faults("create_batch"), *registry.variants("create_batch")]
    assert proof.chosen(["create_batch"], third=False) == every
    assert proof.operation_of(["create_batch"]) == "create_batch"
    assert proof.operation_of(["idempotency"]) is None
    assert {each.id.partition(".")[0] for each in proof.chosen(["idempotency"], third=False)} == {"idempotency"}
    assert proof.binding("create_batch") == [each for each in proof.binding() if each.id.startswith("create_batch.")]


@pytest.mark.parametrize(
    ("caught", "complaint"),
    [
        (["one.a.x", "two.a.x"], None),
        (["one.a.x", "two.a.y"], "missed in two"),
        (["one.a.z"], "caught by one.a.z only"),
        ([], "missed"),
    ],
)
def test_a_fault_must_be_caught_in_every_operation(caught, complaint):
    row = proof.Row("a.fault", "A fault.", ("one.a.x", "one.a.y", "two.a.x"), 1, "non-conformant", caught, [], 1.0, 9)
    assert row.complaint == complaint


# Classes.


def test_the_sound_app_reads_no_faults():
    """It starts with every run that brings its own server."""
    code = "import sys; from trigger_conformance.reference import registry; registry.behaviour_class(''); "
    code += "print(*sys.modules)"
    modules = call(sys.executable, "-c", code, folder=ROOT).output.split()
    assert "trigger_conformance.reference.create_batch.server" in modules
    assert not [each for each in modules if {"faults", "variants", "limited"} & set(each.split("."))]


@pytest.mark.parametrize("behaviour", BOTH.behaviours(), ids=lambda each: each.id)
def test_a_behaviour_changes_something_that_the_sound_server_has(behaviour):
    """A method whose name is misspelt overrides nothing, and its fault is none."""
    if behaviour.id == "take_note.idempotency.ignores_keys":
        return
    sounds = (OperationServer, CreateBatchServer, TakeNoteServer, ReferenceApp)
    changed = set()
    for each in (*behaviour.server.__mro__, *behaviour.app.__mro__):
        if not any(each in sound.__mro__ for sound in sounds):
            changed |= {name for name in vars(each) if any(hasattr(sound, name) for sound in sounds)}
    assert {name for name in changed if not name.startswith("__")}, inspect.getsource(behaviour.server)


def test_both_of_two_faults_come_to_work_whichever_is_shared():
    for pair in ("authentication.needs_no_credential+idempotency.lowers_keys",
                 "idempotency.lowers_keys+authentication.needs_no_credential"):  # fmt: skip
        app = asking(pair)
        answers = [app.create((PATH, {"runCount": 1, "idempotencyKey": key}), key="") for key in "aA"]
        assert [each.json()["isCached"] for each in answers] == [False, True]


class Anything:
    def said(self):
        return "anything"


class Operation(Anything):
    def said(self):
        return "operation"

    def made(self):
        return "operation"


class Shared(Anything):
    def said(self):
        return "shared"


class Own(Operation):
    def made(self):
        return "own"


class SaysMore(Operation):
    def said(self):
        return f"{super().said()} and more"


class SaysOther(Operation):
    def said(self):
        return "other"


@pytest.mark.parametrize("behaviours", [[Shared, Own], [Own, Shared]])
def test_a_shared_fault_comes_before_the_operations_own_server(behaviours):
    both = composed(Operation, behaviours)()
    assert (both.said(), both.made()) == ("shared", "own")


# The operation's server stands between its own faults and shared ones: it replaces what it defines itself.
@pytest.mark.parametrize("own", [SaysMore, SaysOther])
@pytest.mark.parametrize("turned", [False, True])
def test_faults_of_which_the_operations_own_server_would_hide_one_are_refused(own, turned):
    with pytest.raises(IncompatibleBehavioursError, match="each replace said: give one of them"):
        composed(Operation, [Shared, own] if turned else [own, Shared])


def test_what_is_of_another_kind_changes_nothing():
    assert composed(Operation, [ReferenceApp, Operation, Anything]) is Operation


def test_two_faults_that_replace_one_method_are_refused_whichever_is_shared():
    with pytest.raises(IncompatibleBehavioursError, match="each replace decode: give one of them"):
        BOTH.app("idempotency.replaces_bytes_in_keys+properties.allows_overlong_forms")


def test_a_server_of_another_folder_is_mounted_in_a_process_too():
    more = {"take_note": "selftest.notes.server:TakeNoteServer"}
    with reference("loses_notes+refuses_with403", more) as server:
        held = httpx.Client(base_url=server.base_url, headers={"authorization": f"Bearer {server.settings.api_key}"})
        with held as client:
            note = client.post("/notes", json=NOTE[1])
            assert note.status_code == 201
            assert client.get(f"/notes/{note.json()['id']}").status_code == 404
            assert client.post(PATH, json=BATCH[1]).status_code == 202
            assert client.post(PATH, json=BATCH[1], headers={"authorization": "Bearer x"}).status_code == 403


def test_what_any_operation_has_may_know_none_of_them():
    """The contract that says so names each operation's folder."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    named = next(each["forbidden_modules"] for each in contracts if each["id"] == "any-operation")
    folders = (ROOT / "trigger_conformance/reference").glob("*/server.py")
    assert sorted(named) == sorted(f"trigger_conformance.reference.{each.parent.name}" for each in folders)


# What other faults show along: requests that are generated, what every other request has, two at once. The limit is
# pressed by one operation, and that lower case is accepted a variant shows.
SHOWN_ALONG = {
    *(f"{each}.fuzzing.generated_{kind}_requests_are_{told}" for each in registry.known()
      for kind, told in {"valid": "accepted", "invalid": "rejected"}.items()),
    "create_batch.idempotency.slightly_different_keys_are_different",
    "create_environment_variable.names.lower_case_letters_are_accepted",
    "create_schedule.answers.every_subset_of_optional_properties_is_accepted",
    "create_schedule.cron.generated_invalid_patterns_are_rejected",
    "create_schedule.deduplication.failing_requests_change_nothing_of_a_key_in_use",
    "stream_batch_items.bodies.rejected_body_creates_nothing",
    "stream_batch_items.fuzzing.any_story_is_answered_as_the_model_says",
}  # fmt: skip


def test_every_requirement_has_a_fault_that_names_it():
    named = {requirement for each in registry.usual().behaviours() for requirement in each.caught_by}
    silent = {each.id for each in catalogue() if each.level is not Level.INFO and each.id not in named}
    not_pressed = tuple(f"{name}.rate_limits." for name, each in operations().items() if not each.presses)
    assert {each for each in silent if not each.startswith(not_pressed)} == SHOWN_ALONG


def test_a_server_that_was_interrupted_before_it_began_ends(monkeypatch):
    monkeypatch.setattr(interruption, "requested", lambda: True)
    server = threading.Thread(target=ReferenceApp().run, args=[listen()], daemon=True)
    server.start()
    server.join(30)
    assert not server.is_alive()
