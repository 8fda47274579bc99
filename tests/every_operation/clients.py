"""What other HTTP clients send for a POST of JSON: a table of heads, one a client, and the habits in which they differ.

The heads of fetch, requests, both of Java's clients and curl were recorded; the others are as their sources have them.
Left out is what only a connection's two ends can agree on (Java's offer to go on in HTTP/2), and codings of answers
that the suite cannot take off.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from trigger_conformance.wire.exchange import Delivery, Request

HOST, CREDENTIAL, LENGTH = "{host}", "{credential}", "{length}"
HEADS = {
    "fetch (undici)": """
host: {host}
connection: keep-alive
authorization: {credential}
content-type: application/json
accept: */*
accept-language: *
sec-fetch-mode: cors
user-agent: node
accept-encoding: gzip, deflate
content-length: {length}""",
    "axios": """
Accept: application/json, text/plain, */*
Content-Type: application/json
Authorization: {credential}
User-Agent: axios/1.7.9
Content-Length: {length}
Accept-Encoding: gzip, deflate
Host: {host}
Connection: keep-alive""",
    "Python requests": """
Host: {host}
User-Agent: python-requests/2.34.2
Accept-Encoding: gzip, deflate
Accept: */*
Connection: keep-alive
Authorization: {credential}
Content-Length: {length}
Content-Type: application/json""",
    "Go net/http": """
Host: {host}
User-Agent: Go-http-client/1.1
Content-Length: {length}
Authorization: {credential}
Content-Type: application/json
Accept-Encoding: gzip""",
    "Java HttpClient": """
Content-Length: {length}
Host: {host}
User-Agent: Java-http-client/17.0.15
Authorization: {credential}
Content-Type: application/json""",
    "Java HttpURLConnection": """
Authorization: {credential}
Content-Type: application/json
User-Agent: Java/17.0.15
Host: {host}
Accept: text/html, image/gif, image/jpeg, */*; q=0.2
Connection: keep-alive
Content-Length: {length}""",
    ".NET HttpClient": """
Host: {host}
Authorization: {credential}
traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00
Content-Type: application/json; charset=utf-8
Content-Length: {length}""",
    ".NET Framework": """
Authorization: {credential}
Content-Type: application/json; charset=utf-8
Host: {host}
Content-Length: {length}
Expect: 100-continue
Connection: Keep-Alive""",
    "curl": """
Host: {host}
User-Agent: curl/8.7.1
Accept: */*
Authorization: {credential}
Content-Type: application/json
Content-Length: {length}""",
    "Ruby Net::HTTP": """
Content-Type: application/json
Authorization: {credential}
Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3
Accept: */*
User-Agent: Ruby
Connection: close
Host: {host}
Content-Length: {length}""",
    "PHP Guzzle": """
Host: {host}
User-Agent: GuzzleHttp/7
Authorization: {credential}
Content-Type: application/json
Content-Length: {length}""",
    # No client's, but each part of it is some client's: a firmware's names, an old service's media type, a slow line.
    "an embedded client": """
HOST: {host}
AUTHORIZATION: {credential}
content-Type: Application/JSON;Charset="UTF-8"
ACCEPT: application/json;q=0.9, */*;q=0.1
x-Firmware-Build: 7
traceparent: cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be-like
CONTENT-LENGTH: {length}""",
    "Rust reqwest": """
content-type: application/json
authorization: {credential}
accept: */*
host: {host}
content-length: {length}""",
    "OkHttp": """
Authorization: {credential}
Content-Type: application/json; charset=utf-8
Content-Length: {length}
Host: {host}
Connection: Keep-Alive
Accept-Encoding: gzip
User-Agent: okhttp/4.12.0""",
    "Postman": """
Content-Type: application/json
Authorization: {credential}
User-Agent: PostmanRuntime/7.43.0
Accept: */*
Cache-Control: no-cache
Postman-Token: 5a1f0c6e-9f0d-4a3b-8a86-1d7c2c7b0b55
Host: {host}
Accept-Encoding: gzip, deflate
Connection: keep-alive
Content-Length: {length}""",
}
DELIVERIES = {
    "Python requests": Delivery.HEAD_FIRST,
    "Java HttpClient": Delivery.HEAD_FIRST,
    "Java HttpURLConnection": Delivery.HEAD_FIRST,
    ".NET Framework": Delivery.EXPECTING,
    "an embedded client": Delivery.BY_BYTES,
}
STANDARD = 12
# W3C Baggage section 3.3.2: of 8,192 bytes in all, what a chain of services has gathered.
BAGGAGE = ",".join(f"conformance{number}={number:040}" for number in range(30))
HEADS[".NET HttpClient"] += f"\nbaggage: {BAGGAGE}"
# What between them have every habit that clients of the table have.
FEW = ("fetch (undici)", "Java HttpURLConnection", ".NET Framework", "an embedded client")
# What between them have a habit of every kind.
TELLING = (".NET Framework", "an embedded client")


def as_sent_by(client: str, request: Request, gateway: tuple[tuple[str, str], ...] = ()) -> Request:
    """``request`` as ``client`` would send it; the headers ``gateway`` go with every request of a run."""
    values = {HOST: value(request, "host"), CREDENTIAL: value(request, "authorization"),
              LENGTH: str(len(request.body)).encode()}  # fmt: skip
    lines = [line.partition(": ") for line in HEADS[client].strip().splitlines()]
    headers = [
        (name, values.get(told) or (media_type_of(told, request) if name.lower() == "content-type" else told.encode()))
        for name, _, told in lines
    ]
    headers += [(name, told.encode("latin-1")) for name, told in gateway]
    return replace(request, headers=tuple(headers), delivery=DELIVERIES.get(client, Delivery.WHOLE))


def media_type_of(told: str, request: Request) -> bytes:
    """The media type that a client gives JSON, given to what ``request`` sends."""
    _, mark, parameters = told.partition(";")
    if told.startswith("Application/"):
        return odd_media_type(request)
    return value(request, "content-type") + f"{mark}{parameters}".encode()


def odd_media_type(request: Request) -> bytes:
    """The media type of ``request`` as nobody documents it."""
    return b"Application/" + value(request, "content-type").partition(b"/")[2].upper() + b';Charset="UTF-8"'


def value(request: Request, name: str) -> bytes:
    """The first value of the header ``name``, or nothing."""
    return next((told for each, told in request.headers if each.lower() == name), b"")


@dataclass(frozen=True)
class Habit:
    """One way in which clients differ: whether a request ``has`` it, and a plain request that it is ``given`` to."""

    has: Callable[[Request], bool]
    given: Callable[[Request], Request]


def with_header(name: str, told: str | None) -> Habit:
    """The header ``name`` says ``told``, or is not there."""
    wanted = [] if told is None else [(name.lower(), told.encode())]

    def of(request: Request) -> list[tuple[str, bytes]]:
        return [(each.lower(), told) for each, told in request.headers if each.lower() == name.lower()]

    def give(request: Request) -> Request:
        others = [header for header in request.headers if header[0].lower() != name.lower()]
        return replace(request, headers=(*others, *((name, told) for _, told in wanted)))

    return Habit(lambda request: of(request) == wanted, give)


def twice(name: str, told: str) -> Habit:
    """The header ``name`` comes twice, and says ``told`` each time."""
    one = (name, told.encode())
    return Habit(
        lambda request: request.headers.count(one) == len((one, one)),
        lambda request: replace(request, headers=(*request.headers, one, one)),
    )


def delivered(delivery: Delivery) -> Habit:
    """The request leaves in these pieces."""
    return Habit(lambda request: request.delivery is delivery, lambda request: replace(request, delivery=delivery))


def named(spell: Callable[[str], str]) -> Habit:
    """Authorization and Content-Type are spelt so."""

    def give(request: Request) -> Request:
        return replace(request, headers=tuple((spell(name), told) for name, told in request.headers))

    spelt = {spell(name) for name in ("Authorization", "Content-Type")}
    return Habit(lambda request: spelt <= {name for name, _ in request.headers}, give)


def odd_case(name: str) -> str:
    """``name`` as nobody documents it."""
    return "content-Type" if name == "Content-Type" else name.upper()


IN_ODD_CASE = Habit(
    lambda request: value(request, "content-type").startswith(b"Application/"),
    lambda request: with_header("Content-Type", odd_media_type(request).decode()).given(request),
)
EXPECTING = Habit(
    lambda request: request.delivery is Delivery.EXPECTING,
    lambda request: delivered(Delivery.EXPECTING).given(with_header("Expect", "100-continue").given(request)),
)
# What each requirement is about, and in which ways; a way that no client of the table has is sent by itself.
HABITS = {
    "names": {"names in lower case": named(str.lower), "names in odd letter case": named(odd_case)},
    "media type": {
        "Application/JSON": IN_ODD_CASE,
    },
    "accept": {
        "Accept: */*": with_header("Accept", "*/*"),
        "no Accept": with_header("Accept", None),
        "Accept with a weight": with_header("Accept", "application/json;q=0.9, */*;q=0.1"),
        "Accept with other types first": with_header("Accept", "text/html, image/gif, image/jpeg, */*; q=0.2"),
        "Accept with other types behind": with_header("Accept", "application/json, text/plain, */*"),
        "Accept: application/*": with_header("Accept", "application/*"),
        "Accept of a browser": with_header("Accept", "text/html,application/xml;q=0.9,*/*;q=0.8"),
    },
    "expectation": {"Expect: 100-continue": EXPECTING},
    "pieces": {
        "the head, then the body": delivered(Delivery.HEAD_FIRST),
        "the body byte by byte": delivered(Delivery.BY_BYTES),
    },
    "unknown headers": {
        "a header of fetch's": with_header("sec-fetch-mode", "cors"),
        "a header of one's own": with_header("x-Firmware-Build", "7"),
        # Other sites of one domain have theirs.
        "cookies of others": with_header("Cookie", "conformance=100%; session=a; token=b; auth=c"),
        # A page of any origin may be a client.
        "an origin": with_header("Origin", "https://app.example.com"),
        # Need not be met (RFC 7240 2).
        "a preference": with_header("Prefer", "return=minimal"),
        # RFC 7239 4 and 6.2: the port may be told, and who it was need not be known.
        "the way by proxies": with_header("X-Forwarded-For", "203.0.113.9:4711, unknown, 10.0.0.1"),
        "the proxies' names": with_header("Via", "1.1 a, 1.1 b"),
        # A gateway's own, which takes it off or does not.
        "another API's key": with_header("X-Api-Key", "conformance"),
        "no-store": with_header("Cache-Control", "no-store"),
        # RFC 9110 5.5: a value may be empty.
        "a header without a value": with_header("X-Conformance-Empty", ""),
        # RFC 9110 5.3: what a header's definition says of several is not known of an unknown one.
        "a header twice": twice("X-Conformance-Twice", "a"),
        # Which no other method than GET has (RFC 9110 14.2).
        "a range": with_header("Range", "bytes=0-9"),
        "a long baggage": with_header("baggage", BAGGAGE),
        "a traceparent": with_header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
        "a traceparent of a later version": with_header(
            "traceparent",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be-like",
        ),
    },
}
