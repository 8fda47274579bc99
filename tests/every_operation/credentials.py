"""What a look-up may take for a credential: tables of tokens, one a way in which software finds more than it should.

What finds most stands first in each table, for a standard run sends no more than that.
"""

import base64
import hashlib
import re
from urllib.parse import quote

# RFC 9110 section 11.2: what a Bearer credential is made of. What is not may be answered 400 (RFC 6750 section 3.1).
TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# As many letters as prefixes of keys have; more of a key would be too much to print.
_SHOWN = 8
_SECRET = 16
_BEGINNING = re.compile(r"(?:[A-Za-z]{1,8}_){0,2}")
# Where other APIs look for a key.
QUERIES = ("api_key", "apiKey", "apikey", "key", "secretKey", "secret_key", "token", "access_token", "auth_token",
           "auth", "authorization", "Authorization", "bearer", "jwt", "api_token")  # fmt: skip
COOKIES = ("token", "api_key", "apiKey", "access_token", "session", "auth", "jwt", "Authorization")
PROPERTIES = ("apiKey", "api_key", "secretKey", "access_token", "accessToken", "token", "auth", "authorization")
HEADERS = ("X-Api-Key", "Api-Key", "ApiKey", "X-Auth-Token", "X-Access-Token", "X-Token", "X-Secret-Key", "Token",
           "X-Trigger-Api-Key", "Trigger-Api-Key", "X-Trigger-Secret-Key", "Authentication", "X-Forwarded-Access-Token",
           "X-Goog-Api-Key", "X-Functions-Key", "X-Session-Token", "X-Service-Token", "X-Auth-Key")  # fmt: skip
HEADERS_WITH_A_SCHEME = (
    "Proxy-Authorization",
    "X-Authorization",
    "X-Forwarded-Authorization",
    "X-Original-Authorization",
)
# What proxies and frameworks say of a request that they have let in, or that comes from themselves.
OF_A_NETWORK = (
    ("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1"), ("X-Client-IP", "127.0.0.1"),
    ("X-Originating-IP", "127.0.0.1"), ("True-Client-IP", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"),
    ("X-Forwarded-User", "admin"), ("X-Remote-User", "admin"), ("Remote-User", "admin"),
    ("X-Authenticated-User", "admin"), ("X-Consumer-Username", "admin"), ("X-User-Id", "1"), ("X-Admin", "true"),
    ("X-Internal", "true"), ("X-Internal-Request", "true"), ("X-Health-Check", "true"), ("X-Debug", "true"),
    ("X-Skip-Auth", "true"), ("X-Middleware-Subrequest", "middleware:middleware:middleware:middleware:middleware"),
    ("X-Amzn-Oidc-Identity", "admin"), ("X-Forwarded-Host", "localhost"), ("X-Auth-Request-User", "admin"),
    ("X-Forwarded-Email", "admin@localhost"), ("X-Goog-Authenticated-User-Email", "accounts.google.com:admin"),
    ("X-MS-Client-Principal-Name", "admin"), ("X-SSL-Client-Verify", "SUCCESS"), ("X-Envoy-Internal", "true"),
)  # fmt: skip
# Who asks whether a server is well: orchestrators and load balancers.
HEALTH_CHECKER = "kube-probe/1.31 ELB-HealthChecker/2.0 GoogleHC/1.0"
# Cyrillic and Greek letters that look like Latin ones.
_LOOK_ALIKES = str.maketrans("aceopxyTABEKMHOPCX", "асеорхуТАВЕКМНОРСХ")
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

# Names that every object has, and words for what is not there or is true: from JavaScript, Python, PHP and SQL.
NAMES = {
    label: label
    for label in re.findall(
        r"\S+",
        "constructor undefined null true 0 __proto__ toString hasOwnProperty valueOf prototype length "
        "__class__ __dict__ None nil NULL NaN false 1 -1 [] {} default",
    )
} | {"[object Object]": "[object Object]"}


def beginning(key):
    """So much of the key's beginning as is printed of keys everywhere."""
    return key[: min(_SHOWN - 1, len(key) // 3)]


def with_middle(key, mark):
    """The key with ``mark`` in place of a character of its middle."""
    middle = next((at for at in range(len(key) // 2, len(key)) if key[at] != mark), len(key) // 2)
    return f"{key[:middle]}{mark}{key[middle + 1 :]}"


def patterns(key):
    """Wildcards of SQL, of key-value stores and of file systems; regular expressions; quotes, and what follows one."""
    begins = beginning(key)
    return {
        "the key's beginning and %": f"{begins}%",
        "the key's beginning and *": f"{begins}*",
        "the key's beginning and .*": f"{begins}.*",
        "a quote and a tautology": "' OR '1'='1",
        "an underscore for a character": with_middle(key, "_"),
        "a point for a character": with_middle(key, "."),
        "%": "%",
        "*": "*",
        ".*": ".*",
        "^ and the key's beginning": f"^{begins}",
        "an underscore for each character": "_" * len(key),
        "a question mark for each character": "?" * len(key),
        "a double quote and a tautology": '" OR "1"="1',
        "a tautology and a comment": "' OR 1=1 -- ",
        "a quote": "'",
        "a union": "' UNION SELECT '1",
        "a query operator": '{"$ne":null}',
        "a query operator in brackets": "[$ne]=",
        "a path": "../../../../etc/passwd",
        "a group": f"({begins}|x).*",
    }


def spellings(key):
    """The right key, with something about it or written otherwise."""
    encoded = key.encode()
    # Keys are often looked up by what comes after their beginning, which is for people.
    begins = _BEGINNING.match(key)[0]
    secret = key.removeprefix(begins)
    parts = {"without its beginning": secret, "with another beginning": f"tr_stg_{secret}"}
    return {
        # Whichever end the word is cut off from.
        "the key, a word and the key": f"{key} x {key}",
        "percent-encoded": "".join(f"%{byte:02X}" for byte in encoded),
        "the key, a word and the key, between commas": f"{key},x,{key}",
        "in quotes": f'"{key}"',
        "the key, a colon and a word": f"{key}:x",
        "the key, a point and a word": f"{key}.x",
        "the key, a semicolon and a parameter": f"{key};v=1",
        "a tab between": f"{key[:_SHOWN]}\t{key[_SHOWN:]}",
        "Bearer twice": f"Bearer {key}",
        "another credential between two": f"{key}, Bearer x, Bearer {key}",
        "its beginning in upper case": f"{begins.upper()}{secret}",
        **(parts if len(secret) >= _SECRET else {}),
        "full width": key.translate(_FULL_WIDTH),
        "its SHA-256": hashlib.sha256(encoded).hexdigest(),
        "in base64": base64.b64encode(encoded).decode(),
        "a letter that is not ASCII, and the key": f"é{key}",
        "the key, a word and the key, as a list": f"{key}, x, {key}",
        "in single quotes": f"'{key}'",
        "look-alike letters": key.translate(_LOOK_ALIKES),
        "upper case": key.upper(),
        "lower case": key.lower(),
        "its MD5": hashlib.md5(encoded, usedforsecurity=False).hexdigest(),
        "its SHA-1": hashlib.sha1(encoded, usedforsecurity=False).hexdigest(),
        "its SHA-256 in base64": base64.b64encode(hashlib.sha256(encoded).digest()).decode(),
        "in hexadecimal": encoded.hex(),
        "percent-encoded, then NUL": f"{quote(key)}%00x",
        "with a zero-width space": f"{key}\u200b",
        "NUL and what follows": f"{key}\0x",
        "as a parameter": f'token="{key}"',
        "reversed": key[::-1],
    }


HASHES = {"its SHA-256", "its MD5", "its SHA-1", "its SHA-256 in base64"}


def another_key(target):
    """A key that differs from the right one in its last character: it looks like one, and is nobody's."""
    value, shell = last_changed(target.options.api_key)
    return target.derived(f"Bearer {value}", shell)


def last_changed(key):
    """The key with another last character, and how a shell writes it as a credential."""
    last = other(key[-1])
    return f"{key[:-1]}{last}", f'"Bearer ${{TRIGGER_API_KEY%?}}{last}"'


def other(character):
    """A character that is another one."""
    return "x" if character != "x" else "y"
