"""Words, made-up words, phrases and paths: the stuff that arguments are made of."""

from __future__ import annotations

from random import Random

WORDS = (
    "alpha apple arrow autumn badge bamboo basket beacon berry bishop blank border branch bridge bright bronze bucket "
    "button cabin cache camera candle canvas carbon castle cedar channel cherry circle client cloud cobalt coffee "
    "column comet copper coral corner cotton crystal current daisy dawn debug delta desert dragon driver early eagle "
    "echo ember empty engine error falcon fast feather filter final flame forest fresh garden gentle ghost ginger "
    "golden grain granite green harbor hazel heavy hidden hollow honey icon index iron island ivory jacket "
    "jade jungle kernel kettle lantern large laser lemon level light linen local logic lotus lunar magnet maple "
    "marble matrix meadow melon memory metal middle mirror model module morning motor narrow nickel night noble "
    "number oasis ocean olive onion orange orbit oyster paper parser pearl pepper pilot planet plate pocket polar "
    "prism purple queue quick quiet rabbit radar raven record remote ribbon river rocket round ruby sample scarlet "
    "server shadow signal silent silver simple socket solar spiral spring square static stone storm stream summer "
    "sunny table temple thread thunder tiger timber token tower tulip tunnel turtle urban valley velvet violet "
    "virtual wagon walnut water weekly whale willow window winter wooden worker yellow zebra zenith"
).split()
FOLDERS = ("src", "lib", "docs", "tests", "app", "core", "data", "tools", "config", "build", "web", "api")
ENDINGS = ("py", "txt", "md", "json", "yaml", "toml", "csv", "log", "html", "rs")
NAMES = (
    "Ann",
    "Ben",
    "Cleo",
    "Dan",
    "Eva",
    "Finn",
    "Gina",
    "Hugo",
    "Ida",
    "Jon",
    "Kim",
    "Leo",
    "Mia",
    "Noa",
    "Otto",
    "Pia",
)
THINGS = ("apples", "books", "coins", "stamps", "shells", "cards", "pens", "stones", "keys", "cups", "plums", "bolts")

_ONSETS = "b c d f g h j k l m n p r s t v w z br cr dr fl gr pl st tr".split()
_VOWELS = "a e i o u".split()
_CODAS = ("", "", "", "n", "r", "l", "m", "x", "k", "sh")


def made_word(rng: Random) -> str:
    """Two or three syllables that mean nothing: they can only be copied."""
    return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.randint(2, 3)))


def word(rng: Random, made: float = 0.25) -> str:
    """A known word, or with probability `made` a made-up one."""
    return made_word(rng) if rng.random() < made else rng.choice(WORDS)


def phrase(rng: Random, low: int, high: int) -> str:
    """`low` to `high` words with single spaces."""
    return " ".join(word(rng) for _ in range(rng.randint(low, high)))


def file_name(rng: Random) -> str:
    return f"{word(rng)}.{rng.choice(ENDINGS)}"


def folder(rng: Random) -> str:
    return rng.choice(FOLDERS) if rng.random() < 0.3 else f"{rng.choice(FOLDERS)}/{word(rng)}"


def path(rng: Random) -> str:
    """A file name, mostly with a folder or two before it."""
    return file_name(rng) if rng.random() < 0.35 else f"{folder(rng)}/{file_name(rng)}"


def identifier(rng: Random) -> str:
    """A function name of one or two words."""
    return "_".join(word(rng) for _ in range(rng.randint(1, 2)))
