"""Payloads: any JSON, none, and large ones."""

import json

from trigger_conformance.checks.expect import InconclusiveError, expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import must
from trigger_conformance.wire.exchange import Beyond, Framing

from .client import line
from .grounds import (
    COMPLETED,
    ERRORS,
    TWICE,
    expect_whole_by_now,
    given_accepted,
    given_again,
    given_chunks_read,
    given_part,
    given_sealed,
    given_whole,
    tells,
)

PAYLOAD = "BatchItem.payload"
LARGE = 1 << 20
IN_CHUNKS = "payloads of 128 KiB and 300 kB, in chunks"
# What is kept elsewhere, or read in another way, long before it is too much.
LARGE_ITEMS = {
    "a payload of 1 MiB": (1, LARGE, 1),
    IN_CHUNKS: (1, 1 << 17, 300_000, 1),
    "a payload of 600 kB": (1, 600_000, 1),
}
# A multiple of every block that a body is read in.
BLOCKS = 1 << 16
# The bytes of which each goes on with a character of UTF-8.
CONTINUING = {bytes([each]) for each in range(0x80, 0xC0)}
ADDRESS = "an address"
# JSON texts of payloads, by what is special about them; what a reader of lines may take for a line's end is among them.
PAYLOADS = {
    "none": None,
    "null": "null",
    "false": "false",
    "0": "0",
    "an empty string": '""',
    "an array": "[1,[2]]",
    "an empty object": "{}",
    "an empty array": "[]",
    "a date that is none": '"2024-13-45T00:00:00Z"',
    "percent signs, entities and a hash": '"100% sure, a%22b, a&quot;b, a&#34;b, a #b"',
    "a string of JSON": json.dumps('{"index":0}'),
    "an escaped line feed": r'"a\nb\r\nc"',
    "a line separator": '"a\u2028b\u2029c\x85d"',
    "every plane": '"é한😀"',
    "an exponent": "-1.5e-3",
    "20 digits": "9" * 20,
    "64 levels": "[" * 62 + "]" * 62,
    ADDRESS: '"https://example.com//?a=b#c"',
    "empty names, and such with dots": '{"":{"":1},"a.b":1,"$c":1}',
    "an item": '{"index":1,"task":"x"}',
    # Wherever a block of bytes ends, it ends in a character.
    "20,000 characters of several bytes": json.dumps("한" * 20_000, ensure_ascii=False),
    "5,000 characters of several bytes": json.dumps("字" * 5_000, ensure_ascii=False),
    "an escaped letter": r'"\u00e9\ud83d\ude00"',
    "names that mean something": '{"__proto__":{"a":1},"constructor":null,"toJSON":1,"then":1,"length":-1}',
}
# An object of everything that stores, columns and languages have trouble with inside payloads, by what it is.
INSIDE = {
    "floats in an object": '{"a":1.5,"b":[0.1]}',
    "1e200 and 1e-200": '{"a":1e200,"b":-1e-200}',
    "empty texts in an object": '{"a":"","b":[""]}',
    "names that differ in letter case": '{"a":1,"A":2,"userId":1,"userid":2}',
    "names of every plane": '{"😀":1,"é":1,"한":1}',
    "names of types": '{"@type":"a.B","$type":"A.B, C","@class":"a","__type":"a","_id":1}',
    "a name of 300 characters": f'{{"{"x" * 300}":1}}',
    "1,500 names": "{" + ",".join(f'"n{each}":{each}' for each in range(1500)) + "}",
    "texts that begin as JSON": '["[draft] hello","{name}, hello","[","{\\"","null","NaN"]',
    "a text that begins as an array": '"[draft] hello"',
    "a text that begins as an object": '"{name}, hello"',
    "1,001 values": f"[{','.join(map(str, range(1001)))}]",
    "characters that are none": '{"a":"\uffff\ufffe\ufdd0","\ufffd":"\ue000"}',
    "1e-305": '{"a":1e-305,"b":-2.5e-308}',
    "arrays in arrays of several types": '[[1,"a",null],[true,{}],[[]]]',
    "texts like numbers and dates": '["007","1e5","2024-02-30","+1","-0","=1+1"]',
    "names that are numbers": '{"0":1,"-1":1,"1.5":1," ":1,"true":1}',
    "numbers at borders": f"[{2**31},{2**53 + 1},{-(2**63)},{2**64},-0,-0.0,0e0]",
}
# Two of them have one key: an item is known by its index.
OPTIONS = (
    '{"options":{}}',
    '{"options":{"idempotencyKey":"KEY"}}',
    '{"options":{"idempotencyKey":"KEY"}}',
    '{"payloadType":"application/json","conformanceExtra":[1],"a.b":null}',
    # Names of an item in its options, and such as a batch has: they are nobody's here.
    '{"options":{"index":0,"task":"conformance","payload":1}}',
    '{"options":{"0":"a","1":"b"}}',
    '{"INDEX":0,"Index":0,"indeX":0,"TASK":1,"Task":"conformance","OPTIONS":[],"Options":1,"PAYLOAD":1,"id":"OTHER","type":1}',
    '{"batchId":"OTHER","batch":{"id":"OTHER"},"id":"OTHER","sealed":true,"runCount":1,"expectedCount":1,'
    '"enqueuedCount":99,"status":"PROCESSING","isLast":true}',
)


def lines_of(target, texts):
    """Items with these payloads, a line each."""
    for index, payload in enumerate(texts):
        more = "" if payload is None else f',"payload":{payload}'
        yield f'{{"index":{index},"task":{json.dumps(target.task)}{more}}}\n'.encode()


def across_a_block(target, texts):
    """Lines of all ``texts``; the address among them is so long that a block ends within a character."""
    address = texts.get(ADDRESS)
    if address is None:
        return b"".join(lines_of(target, texts.values()))
    bodies = [
        b"".join(lines_of(target, {**texts, ADDRESS: f'{address[:-1]}{"c" * more}"'}.values())) for more in range(3)
    ]
    return next((body for body in bodies if body[BLOCKS : BLOCKS + 1] in CONTINUING), bodies[0])


@must("any JSON value is a payload, and so is none", clause=PAYLOAD, cases="a payload")
def test_any_json_is_a_payload(target):
    known = PAYLOADS | INSIDE
    size = target.creates.within(len(known))
    texts = dict(list(known.items())[:size])
    all_in_one = target.send(target.stream(target.batch(size), across_a_block(target, texts), "payloads of every kind"))
    answers, wanted = [all_in_one], {all_in_one.number: size}
    if tells(itemsAccepted=size, sealed=True)(all_in_one) is not None and all_in_one.status != 429:
        alone = [target.valid(), *(target.stream(target.key(), next(lines_of(target, [text])), label)
                                   for label, text in texts.items())]  # fmt: skip
        plain, *answers = target.send_all(alone)
        if plain.status != 200:
            raise InconclusiveError(f"an item without a payload is answered {plain.outcome}", [plain])
        wanted |= {each.number: 1 for each in answers}
        answers.append(all_in_one)
    for each in answers:
        given_sealed(each, wanted[each.number])


@must("options of an item and properties that nobody knows are accepted", clause="BatchItem.options")
def test_options_and_more_are_accepted(target):
    key = target.creates.key()
    batch, other = target.batches(len(OPTIONS) + 1, len(OPTIONS) + 1)
    # A batch that the target knows to be under way, as a line may name it.
    given_part(target.send(target.stream(other, target.items([len(OPTIONS)]), "one item of another batch")), 1)
    texts = [text.replace("KEY", key).replace("OTHER", other.id) for text in OPTIONS]
    items = [target.item(index, payload=index, **json.loads(more)) for index, more in enumerate(texts)]
    given_part(target.send(target.stream(batch, items, "options and unknown properties")), len(items))
    rest = target.send(target.stream(batch, target.items([len(items)]), "the last item, without any"))
    given(given_accepted(rest), rests_on=COMPLETED).satisfies(tells(itemsAccepted=1, sealed=True))


@must("a payload of 1 MiB is accepted or refused, and the batch can still be sealed", clause=PAYLOAD)
def test_large_payload_leaves_a_batch_that_can_be_sealed(target):
    for label, sizes in list(LARGE_ITEMS.items())[: target.pick(smoke=1, standard=2, thorough=3)]:
        batch = target.batch(len(sizes))
        in_chunks = label == IN_CHUNKS
        # Wide characters, so that some lie across the end of a block.
        items = [
            target.item(index, payload="한" * (size // 3) if in_chunks and size > 1 else f"{index}" * size)
            for index, size in enumerate(sizes)
        ]
        # The first one comes twice, so that a line's number is no item's index.
        lines = [items[0], *items]
        if in_chunks:
            # The line after the large one begins where a block does.
            items[1]["payload"] += "x" * (-sum(len(line(each)) for each in lines[:3]) % BLOCKS)
        how = {"framing": Framing.CHUNKED} if in_chunks else {}
        answer = target.send(target.stream(batch, b"".join(map(line, lines)), label, beyond=Beyond.SIZE, **how))
        right = tells(itemsAccepted=len(sizes), itemsDeduplicated=1)
        if in_chunks and answer.status != 413 and right(answer):
            given_chunks_read(target)
        expect(answer).has_status(200, *ERRORS, 413)
        if answer.status != 200:
            expect_whole_by_now(target.send(target.whole(batch, f"small payloads after {label}")), len(sizes))
            continue
        if tells(itemsDeduplicated=1)(answer):
            given_first_once(target, len(sizes))
        given_whole(given_again(answer, len(sizes), 1))


def given_first_once(target, size):
    """Of small items the first one, which comes twice, is deduplicated."""
    small = target.stream(target.batch(size), target.items([0, *range(size)]), "small payloads, the first one twice")
    given(target.send(small), rests_on=TWICE).satisfies(tells(itemsAccepted=size, itemsDeduplicated=1))
