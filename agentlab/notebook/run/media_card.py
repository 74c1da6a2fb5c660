"""A picture or a sound that a model made, as a reader sees and hears it."""

from __future__ import annotations

from typing import Final

from agentlab.notebook.safety.pictures import Picture
from agentlab.notebook.safety.sounds import Sound

__all__ = ["MediaCard"]


class MediaCard:
    """A picture or a sound of an answer, complete from the beginning.

    Attributes:
        key: Its name in the turn.
        shown: The picture, or the sound.
        size: Characters of text in it.
        tokens: How many tokens its text is; those of the picture or sound are not estimated.
        revision: It never changes.
    """

    size: Final = 0
    tokens: Final = 0
    revision: Final = 0

    def __init__(self, key: int, shown: Picture | Sound) -> None:
        self.key = key
        self.shown = shown
