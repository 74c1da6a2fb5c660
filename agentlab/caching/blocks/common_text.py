"""How far two texts are equal, at the speed of comparing memory."""

from __future__ import annotations

from typing import Final

__all__ = ["common_start"]

_STRIDE: Final = 65_536


def common_start(left: str, right: str, here: int = 0, there: int = 0) -> int:
    """How many characters two texts share from two places on.

    By strides, and by halves of a stride where they part.

    Args:
        left: One text.
        right: The other.
        here: Where to begin in `left`.
        there: Where to begin in `right`.
    """
    start = here
    step = _STRIDE
    while step:
        piece = left[here : here + step]
        if piece and right.startswith(piece, there):
            here, there = here + len(piece), there + len(piece)
        else:
            step //= 2
    return here - start
