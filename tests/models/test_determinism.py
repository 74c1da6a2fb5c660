"""Equal requests are equal bytes: in fresh wires, in another process, under another hash seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Final

import pytest
from msgspec import structs

from agentlab.models.registry import WIRES, wire_for
from agentlab.models.vendors import vendor
from agentlab.models.wire import EncodedRequest
from tests.models.whole_request import SPOKEN, request_for

TIMES: Final = 8


def encoded(wire: str) -> EncodedRequest:
    """The request, by a wire that has never seen it."""
    return wire_for(wire).encode(request_for(wire), vendor(SPOKEN[wire][0]))


def digests() -> dict[str, str]:
    """A digest of the bytes of each wire."""
    return {wire: hashlib.sha256(repr(encoded(wire)).encode()).hexdigest() for wire in SPOKEN}


def test_every_wire_is_covered() -> None:
    assert SPOKEN.keys() == WIRES.keys()
    assert all(vendor(name).wire == wire for wire, (name, _) in SPOKEN.items())


@pytest.mark.parametrize("wire", list(WIRES))
def test_a_request_is_the_same_bytes_from_every_fresh_wire(wire: str) -> None:
    first, *others = [encoded(wire) for _ in range(TIMES)]
    assert all(other == first for other in others)
    assert first.pieces
    said = first.body.decode()
    assert all(word in said for word in ("alpha", "Another.", "Größe?", "42", "seed"))


@pytest.mark.parametrize("wire", list(WIRES))
def test_one_wire_says_the_same_again_of_messages_it_has_seen(wire: str) -> None:
    speaker, row, asked = wire_for(wire), vendor(SPOKEN[wire][0]), request_for(wire)
    first, again = speaker.encode(asked, row), speaker.encode(asked, row)
    assert first == again == encoded(wire)


@pytest.mark.parametrize("wire", list(WIRES))
def test_another_order_of_tools_is_other_bytes(wire: str) -> None:
    asked = request_for(wire)
    turned = structs.replace(asked, tools=asked.tools[::-1])
    row = vendor(SPOKEN[wire][0])
    assert wire_for(wire).encode(turned, row).body != wire_for(wire).encode(asked, row).body


@pytest.mark.parametrize("seed", ["0", "1"])
def test_another_process_under_another_hash_seed_says_the_same(seed: str) -> None:
    program = "from tests.models.test_determinism import digests; print(digests())"
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert answer.stdout.strip() == str(digests())
