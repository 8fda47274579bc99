"""Answers: what success says."""

import json

from trigger_conformance.checks.expect import expect
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, Stage, must
from trigger_conformance.contract.quoting import quoted

from ..every_operation.packs import expect_ignored, is_right, with_pack
from .grounds import given_accepted, key_of
from .values import NAME, VALUE


@must("a 200 says that success is true", clause="Succeeded.success", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_success_is_true(target, traffic):
    def judge(exchange):
        said = exchange.answer.document.get("success")
        return None if said is True else Problem(f"expected success true, got {quoted(said)}", "success")

    expect(each for each in traffic if target.operation.made(each)).satisfies(judge)


OTHER_VALUE = "a value of a look-alike"
# What a body may also call its properties, and what other requests of the same kind may say.
OF_NAMES = ("Name", "NAME", "key", "variable", "name ", "name.x")
OF_VALUES = ("Value", "VALUE", "vaLue", "val", "content", "text", "default", "value.x", "value[]")
OF_OTHER_REQUESTS = {
    **dict.fromkeys(("override", "overwrite", "upsert", "Override"), False),
    **dict.fromkeys(("ifNotExists", "dryRun", "append", "skipExisting"), True),
    # What a row of a table also says.
    **dict.fromkeys(("deleted", "isDeleted", "archived"), True),
    "deletedAt": "2026-03-01T10:00:00Z",
    "enabled": False,
    # How other requests' values are to be read, or kept.
    "encoding": "base64",
    "type": "sensitive",
}


def look_alikes(name):
    """Members that no body has, by their names: each with what it might be taken at, another ``name`` among it."""
    inside = {"variables": {name: OTHER_VALUE}, "data": {NAME: name, VALUE: OTHER_VALUE}}
    values = {**dict.fromkeys(OF_NAMES, name), **dict.fromkeys(OF_VALUES, OTHER_VALUE), **OF_OTHER_REQUESTS, **inside}
    return {each: f"{json.dumps(each)}:{json.dumps(value)}" for each, value in values.items()}


@must("property names are case-sensitive: look-alikes are unknown properties, for a name that is there too",
      clause="EnvironmentVariable")  # fmt: skip
def test_look_alike_properties_are_ignored(target):
    members = look_alikes(target.key("_LOOK_ALIKE"))
    names, values = dict.fromkeys(OF_NAMES, target.key("_UNNAMED")), dict.fromkeys(OF_VALUES, OTHER_VALUE)
    lacking = {"look-alikes of the name alone": {**names, VALUE: OTHER_VALUE},
               "look-alikes of the value alone": {NAME: target.key(), **values}}  # fmt: skip
    expect(target.send_all(target.request(each, label=label) for label, each in lacking.items())).is_rejected()
    first, *_ = expect_ignored(target, members, label="look-alikes of every property")
    name = key_of(first.request)

    def again(label=""):
        return target.telling(label, key=name)

    label = "look-alikes beside a new value"
    pack = target.send(with_pack(target, label, members.values(), again))
    # Whether a name that is there may have a new value is the target's affair.
    if is_right(target, pack) or is_right(target, target.send(again("a new value"))):
        expect_ignored(target, members, label=label, plain=again, larger=pack)


@must("a value that only __proto__ has is no value of the body: it is rejected", clause="EnvironmentVariable.required")
def test_value_of_a_prototype_is_rejected(target):
    twin = target.plain_ones().answers[0]
    given_accepted(twin)
    text = f'{{"{NAME}":"{target.key()}","__proto__":{{"{VALUE}":"{OTHER_VALUE}"}}}}'
    expect(target.send(target.request(text.encode(), label="a value in __proto__"))).is_rejected()
