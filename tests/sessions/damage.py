"""Ways in which a file can be spoilt, each by chance, each the same for the same chance."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["DAMAGES", "PAGE"]

PAGE: Final = 4096

Damage = Callable[[bytes, random.Random], bytes]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """A few bytes are others."""
    spoilt = bytearray(data)
    for _ in range(chance.randint(1, 30)):
        spoilt[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(spoilt)


def flipped_head(data: bytes, chance: random.Random) -> bytes:
    """A byte of the header or of the page that says what tables there are."""
    spoilt = bytearray(data)
    spoilt[chance.randrange(min(len(data), chance.choice([100, PAGE])))] = chance.randrange(256)
    return bytes(spoilt)


def flipped_page_head(data: bytes, chance: random.Random) -> bytes:
    """Bytes at the start of a page, where it says what it is and where its cells are."""
    spoilt = bytearray(data)
    start = chance.randrange(max(1, len(data) // PAGE)) * PAGE
    for _ in range(chance.randint(1, 6)):
        spoilt[min(start + chance.randrange(64), len(data) - 1)] = chance.randrange(256)
    return bytes(spoilt)


def other_words(data: bytes, chance: random.Random) -> bytes:
    """A letter in a text is another letter: still JSON, still a database."""
    letters = [found.start() for found in re.finditer(rb"[a-z](?=[a-z ]{6})", data)]
    spoilt = bytearray(data)
    for place in chance.sample(letters, min(len(letters), 3)):
        spoilt[place] = ord("a") + (spoilt[place] - ord("a") + chance.randint(1, 25)) % 26
    return bytes(spoilt)


def truncated(data: bytes, chance: random.Random) -> bytes:
    """The end is missing, at a page or anywhere."""
    end = chance.randrange(len(data))
    return data[: end - end % PAGE if chance.random() < 0.5 else end]


def grown(data: bytes, chance: random.Random) -> bytes:
    """Something stands after the end."""
    return data + chance.choice([chance.randbytes(chance.randint(1, 9000)), data[: PAGE * 2], bytes(PAGE)])


def shifted(data: bytes, chance: random.Random) -> bytes:
    """A byte too many, or too few, in the middle."""
    place = chance.randrange(len(data))
    return data[:place] + data[place + 1 :] if chance.random() < 0.5 else data[:place] + b"\0" + data[place:]


def swapped(data: bytes, chance: random.Random) -> bytes:
    """Two pages changed places."""
    pages = _pages(data)
    one, other = chance.randrange(len(pages)), chance.randrange(len(pages))
    pages[one], pages[other] = pages[other], pages[one]
    return b"".join(pages)


def doubled(data: bytes, chance: random.Random) -> bytes:
    """A page stands in the place of another."""
    pages = _pages(data)
    pages[chance.randrange(len(pages))] = chance.choice(pages)
    return b"".join(pages)


def blanked(data: bytes, chance: random.Random) -> bytes:
    """A page is empty, or noise."""
    pages = _pages(data)
    place = chance.randrange(len(pages))
    pages[place] = bytes(len(pages[place])) if chance.random() < 0.5 else chance.randbytes(len(pages[place]))
    return b"".join(pages)


def replaced(data: bytes, chance: random.Random) -> bytes:
    """It is something else altogether."""
    return chance.choice(
        [b"", b"\0", data[:16], data[:100], b"SQLite format 3\0" + bytes(84), chance.randbytes(5000)]
    )


DAMAGES: Final[Mapping[str, Damage]] = {
    damage.__name__: damage
    for damage in (
        flipped,
        flipped_head,
        flipped_page_head,
        other_words,
        truncated,
        grown,
        shifted,
        swapped,
        doubled,
        blanked,
        replaced,
    )
}


def _pages(data: bytes) -> list[bytes]:
    return [data[start : start + PAGE] for start in range(0, len(data), PAGE)]
