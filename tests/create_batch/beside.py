"""What stands beside a property under test: optional and unknown properties, and a key that is fresh, known, or none.

The nine combinations are an orthogonal array: each third of it holds every level of every factor, the whole of it every
pair. Cases take them in turn, so that a kind of three cases meets every property, and no request is added.
"""

from .operation import key_of

UNKNOWN = '"conformanceExtra":[1]'
RESUME = ("", "true", "false")
KEYS = ("a fresh key", "a known key", "no key")
PLACES = ("", "after", "before")
COMBINATIONS = ((0, 0, 0), (1, 1, 2), (2, 2, 1), (0, 1, 1), (1, 2, 0), (2, 0, 2), (0, 2, 2), (1, 0, 1), (2, 1, 0))


def known_key(target):
    """A key that names a batch."""
    made = target.keyed() or [target.create(key=target.key(), label="a batch to know")]
    return key_of(made[0].request)


def each_beside(target, name, literals):
    """Requests whose property ``name`` has one of the ``literals`` (None: it is left out), each beside others."""
    known = known_key(target)
    for number, (label, literal) in enumerate(literals.items()):
        combination = COMBINATIONS[number % len(COMBINATIONS)]
        key = (target.key(), known, None)[combination[1]]
        body = _body(name, literal, key, combination)
        yield target.request(body.encode(), label=f"{name} {label}{_told(name, combination)}")


def _body(name, literal, key, combination):
    resume, _, unknown = combination
    members = {
        "runCount": "1",
        "idempotencyKey": f'"{key}"' if key is not None else None,
        "resumeParentOnCompletion": RESUME[resume] or None,
    }
    members.pop(name, None)
    parts = [f'"{each}":{value}' for each, value in ({name: literal} | members).items() if value is not None]
    if PLACES[unknown] == "before":
        parts = [UNKNOWN, *reversed(parts)]
    elif PLACES[unknown] == "after":
        parts.append(UNKNOWN)
    return "{" + ",".join(parts) + "}"


def _told(name, combination):
    """What a reader is told of the combination: where it differs from the plain one."""
    resume, key, unknown = combination
    told = []
    if resume and name != "resumeParentOnCompletion":
        told.append(f"resumeParentOnCompletion {RESUME[resume]}")
    if key and name != "idempotencyKey":
        told.append(KEYS[key])
    if unknown:
        told.append("an unknown property")
    return f", beside {' and '.join(told)}" if told else ""


def sound_twin(target):
    """A valid request with all that stands beside the others."""
    return target.order(key=target.key(), resumeParentOnCompletion=True, conformanceExtra=[1], label="the sound twin")
