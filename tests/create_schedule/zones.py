"""Time zones of the IANA database, of the package tzdata: the same on every machine."""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

# Its offset has half an hour, in summer another one: it tells most where one zone is all that is sent.
TELLING = "Australia/Lord_Howe"
# Zones whose rules have long been the same, so that a target with an older database has them too: what each shows.
STEADY = {
    "Europe/London": "north of the equator",
    "Asia/Kathmandu": "45 minutes",
    "America/Argentina/Buenos_Aires": "three parts",
    "America/Port-au-Prince": "hyphens",
    "America/St_Johns": "half an hour, west",
    "Australia/Sydney": "south of the equator",
    "Asia/Kolkata": "half an hour",
    "Australia/Lord_Howe": "a change of half an hour",
    "Europe/Dublin": "summer is its standard time",
    "America/Mexico_City": "no daylight saving since 2022",
    "America/New_York": "west of Greenwich",
    "Asia/Tokyo": "no daylight saving",
    "Pacific/Chatham": "45 minutes and daylight saving",
    "Australia/Adelaide": "half an hour, south of the equator",
    "Pacific/Kiritimati": "14 hours ahead",
    "America/Phoenix": "no daylight saving, west",
    "Pacific/Auckland": "south of the equator",
    "Europe/Berlin": "north of the equator",
    "America/Los_Angeles": "west of Greenwich",
    "Pacific/Pago_Pago": "11 hours behind",
    "Africa/Johannesburg": "no daylight saving, south of the equator",
    "Asia/Yangon": "half an hour, no daylight saving",
}
# Seasons that software gets wrong, an hour or two: a zone's months, and what they show.
SEASONS = {
    "America/Mexico_City": (range(5, 10), "no daylight saving since 2022"),
    "Asia/Amman": ((12, 1, 2), "no winter time since 2022"),
    "Australia/Sydney": ((1, 2, 3), "a summer over the turn of the year"),
    "Europe/Dublin": ((12, 1, 2), "a winter that is not its standard time"),
    "Africa/Cairo": (range(6, 10), "daylight saving again since 2023"),
    "Antarctica/Troll": (range(5, 10), "two hours of daylight saving"),
    "Asia/Tehran": (range(5, 9), "no daylight saving since 2022"),
    "Asia/Damascus": ((12, 1, 2), "no winter time since 2022"),
    "America/Asuncion": (range(5, 10), "no winter time since 2024"),
}
# With daylight saving, by what is special about them: of both hemispheres, of half an hour, at midnight.
CHANGING = ("America/New_York", "Australia/Lord_Howe", "Atlantic/Azores", "Australia/Sydney", "Europe/London",
            "Pacific/Chatham", "America/St_Johns", "Pacific/Auckland", "Australia/Adelaide")  # fmt: skip
# No zone, each by one slip.
NO_ZONES = {
    "another planet": "Mars/Phobos",
    "a trailing slash": "Europe/London/",
    "a space for an underscore": "America/New York",
    "a city alone": "London",
    "two slashes": "Europe//London",
    "what Windows calls a zone": "Eastern Standard Time",
    "a file of the database": "zone.tab",
    "a region alone": "Europe",
    "what Go calls the server's own": "Local",
    "a rule of POSIX": "Abc5",
    "300 characters": "Europe/".ljust(300, "x"),
    "a name that objects have": "constructor",
    "a folder of the database": "posix/Europe/London",
    "the beginning of a zone": "Europe/Londo",
    "a typo": "Europe/Lodnon",
    "a leading slash": "/Europe/London",
    "a way back": "Europe/../Europe/London",
    "a NUL": "Europe/London\0",
    "a word": "conformance",
    "a backslash": "Europe\\London",
    "a way out": "../Europe/London",
    "two zones": "Europe/London,Europe/Berlin",
    "a colon in front, as TZ has it": ":Europe/London",
    "a rule of POSIX with its summer": "Abc5Def,M3.2.0,M11.1.0",
    "a hyphen for an underscore": "America/New-York",
    "percent-encoded": "Europe%2FLondon",
    "a rule of POSIX in brackets": "<+05>-5",
    "the machine's own": "localtime",
}
# How software may write a zone otherwise.
OTHER_SPELLINGS = {
    "lower case": "europe/london",
    "Etc": "Etc/GMT+5",
    "a trailing space": "Europe/London ",
    "the empty string": "",
    "an offset": "+02:00",
    "upper case": "EUROPE/LONDON",
    "a named offset": "UTC+2",
    "an abbreviation": "PST",
    "a link": "US/Eastern",
    "an older name": "Asia/Calcutta",
    "a trailing line break": "Europe/London\n",
}


@cache
def zone(name):
    """The zone of that name, or None."""
    place = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
    if name not in names():
        return None
    with place.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def names():
    """The names of the database, links included."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())
