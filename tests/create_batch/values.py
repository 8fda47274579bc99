"""What stands for runCount and is no integer in range, by kinds: a label and a JSON literal each (None: left out).

Every kind has three cases or more, so that it meets every property that may stand beside it.
"""


def too_small():
    return {
        "0": "0",
        "-0": "-0",
        "-1": "-1",
        "-5": "-5",
        "-2^32 + 1": str(-(2**32) + 1),
        "-2^64 + 1": str(-(2**64) + 1),
        "the most negative 32-bit integer": str(-(2**31)),
        "the most negative 64-bit integer": str(-(2**63)),
    }


def too_large(maximum):
    return {
        "maximum + 1": str(maximum + 1),
        "2^16 + maximum": str(2**16 + maximum),
        "2^31": str(2**31),
        "2^32 + 1": str(2**32 + 1),
        "2^53 + 1": str(2**53 + 1),
        "2^63": str(2**63),
        "2^64": str(2**64),
        "2^64 + 1": str(2**64 + 1),
        "10^100": str(10**100),
    }


MISSING = {"missing": None, "left out": None, "not there": None}
OTHER_VALUES = {"true": "true", "null": "null", "false": "false"}
FRACTIONS = {"1.5": "1.5", "0.999999999": "0.999999999", "1e-7": "1e-7", "1.00000000001": "1.00000000001"}
OTHER_TYPES = {"a string": '"1"', "an array": "[1]", "an object": '{"value":1}'}
NO_NUMBERS = {"NaN": "NaN", "1e1000000000": "1e1000000000", "10^5000": "1" + "0" * 5000, "Infinity": "Infinity"}

# Strings that some language reads as a number, or a lenient mapper as its default. What is read by most stands first.
NUMBERS_IN_STRINGS = {
    "0x1": '"0x1"',
    "1e0": '"1e0"',
    "a space and 1": '" 1"',
    "+1": '"+1"',
    "1_0": '"1_0"',
    "an Arabic 1": '"١"',
    "an empty string": '""',
    "1n": '"1n"',
    "1L": '"1L"',
    "1 and words": '"1 run"',
    "1.0": '"1.0"',
    "0b1": '"0b1"',
    "1,000": '"1,000"',
    "true": '"true"',
    "1 and NUL": r'"1\u0000"',
    "one": '"one"',
    "0o1": '"0o1"',
    "1 and a line break": r'"1\n"',
    "a fullwidth 1": '"１"',
    "01": '"01"',
    "1.": '"1."',
    ".1e1": '".1e1"',
    "1 000": '"1 000"',
    "1.000": '"1.000"',
    "1'000": '"1\'000"',
    "1 and a no-break space": '"1\u00a0"',
    "1_000": '"1_000"',
    "1u": '"1u"',
    "1.0f": '"1.0f"',
    "1;": '"1;"',
    "a space": '" "',
    "0X1": '"0X1"',
    "#1": '"#1"',
    "$1": '"$1"',
    "(1)": '"(1)"',
    "1%": '"1%"',
    "1/1": '"1/1"',
    "1:0": '"1:0"',
    "1 quoted": r'"\"1\""',
    "1 in single quotes": "\"'1'\"",
    "an array": '"[1]"',
    "false": '"false"',
    "null": '"null"',
    "yes": '"yes"',
    "undefined": '"undefined"',
    "NaN": '"NaN"',
    "Infinity": '"Infinity"',
    "1e400": '"1e400"',
    "a Devanagari 1": '"१"',
    "a superscript 1": '"¹"',
    "a circled 1": '"①"',
    "a Roman 1": '"Ⅰ"',
    "a Chinese 1": '"一"',
    "a mathematical 1": '"𝟏"',
    "1 and a zero-width space": '"1\u200b"',
    "a minus sign of its own": '"\u22121"',
    "an expression": '"0+1"',
    "a template": '"{{1}}"',
}
# Arrays and objects that some language, or some driver's JSON, turns into a number.
CONTAINERS_OF_NUMBERS = {
    "an array of an array": "[[1]]",
    "an object with valueOf": '{"valueOf":1}',
    "an extended integer": '{"$numberInt":"1"}',
    "an array of a string": '["1"]',
    "an object with a zeroth value": '{"0":1}',
    "an object with runCount": '{"runCount":1}',
    "an extended long": '{"$numberLong":"1"}',
    "an object with Value": '{"Value":1}',
    "an object with intValue": '{"intValue":1}',
    "an object with $value": '{"$value":1}',
    "an operation": '{"$inc":1}',
    "a comparison": '{"$gt":0}',
    "a typed pair": '["java.lang.Integer",1]',
    "an array of two": "[1,2]",
    "an empty array": "[]",
    "an empty object": "{}",
}
