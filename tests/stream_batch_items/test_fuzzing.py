"""Generated stories of the two phases: every answer is one that the model explains."""

from itertools import takewhile

from trigger_conformance.checks.expect import InconclusiveError, ViolationError, Wrong, place_of
from trigger_conformance.checks.generation import portions
from trigger_conformance.checks.requirement import Stage, must

from .client import line
from .grounds import ERRORS
from .model import Kind, Model
from .programs import SIZE, STEPS, shorter, stories

MEMBERS = ("itemsAccepted", "itemsDeduplicated", "sealed", "id")
# So many stories at most are told anew in order to find the shortest.
MOST_RETOLD = 12
# Seconds until a target has surely seen that a client has hung up.
HUNG_UP = 0.3


@must(
    "in any order, streams, replays, wrong lines, cut-off uploads and streams at once are answered as the model says",
    clause="streamBatchItems.responses.200",
    stage=Stage.GENERATED,
)
def test_any_story_is_answered_as_the_model_says(target):
    generated = stories(target.options.seed, target.pick(smoke=1, standard=1, thorough=60))
    for portion in portions(target, generated, STEPS + 2):
        for story in portion:
            if found := told(target, story):
                raise violation(*shortest(target, story, found))


def told(target, story):
    """Tell a story of a new batch: what the model did not foresee and the exchanges until then, or None."""
    batch = target.batch(SIZE, key=target.creates.key())
    model, sent = Model(batch.id, SIZE), [batch.made_by]
    for step in story:
        answers = play(target, batch, step)
        sent += answers
        if may_be_under_way(sent, answers):
            # Whoever takes one stream of a batch at a time may not have seen yet that the other one has hung up.
            target.wire.pause(HUNG_UP)
            answers = play(target, batch, step)
            sent += answers
        if limited := [each for each in answers if each.status == 429]:
            raise InconclusiveError("still 429 when waiting had to end", limited)
        if lost := [each for each in answers if each.answer is None and step.kind is not Kind.CUT_OFF]:
            raise InconclusiveError(f"no answer: {lost[0].outcome}", lost)
        if problem := model.judge(step, answers):
            return step, problem, sent
    return None


def may_be_under_way(sent, answers):
    """Whether a step was refused right after an upload that was cut off."""
    before = sent[-len(answers) - 1]
    cut_off = before.is_abandoned
    return cut_off and len(answers) == 1 and answers[0].status in ERRORS


def play(target, batch, step):
    """The answers to a step."""
    items = target.items(step.indexes)
    match step.kind:
        case Kind.REPLAY:
            return [target.creates.send(batch.made_by.request)]
        case Kind.CUT_OFF:
            body = b"".join(map(line, items))
            return [target.abandon(target.dying(batch, body[: body.rindex(b'"task"')], str(step)))]
        case Kind.WRONG:
            body = b"".join(map(line, items)) + b'{"index":0\n'
            return [target.send(target.stream(batch, body, str(step)))]
        case Kind.TWICE:
            return target.send_together([target.stream(batch, items, str(step))] * 2)
    return [target.send(target.stream(batch, items, str(step)))]


def shortest(target, story, found):
    """The shortest story that the model does not explain either, as far as a few more tell: it, and what was found."""
    retold = 0
    # What comes after the step that went wrong has no part in it.
    story = [*takewhile(lambda step: step is not found[0], story), found[0]]
    candidates = shorter(story)
    while retold < MOST_RETOLD and (simpler := next(candidates, None)) is not None:
        retold += 1
        if again := told(target, simpler):
            story, found, candidates = simpler, again, shorter(simpler)
    target.note(f"the shortest of {retold + 1} stories")
    return story, found


def violation(story, found):
    """A violation that tells the story: its steps, and what went wrong at its end."""
    _, problem, sent = found
    steps = "; ".join(map(str, story))
    place = place_of(sent[-1], problem) or next((each for each in MEMBERS if each in problem.split()), "")
    told = f"{problem}, in the story of a batch of {SIZE}: {steps}"
    return ViolationError(told, [sent[-1], *sent[:-1]], [Wrong(sent[-1], problem, place)])
