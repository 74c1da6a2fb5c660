"""What is asked where only the prefix before it matters."""

from __future__ import annotations

from typing import Final

__all__ = ["PRIME_PROMPT"]

PRIME_PROMPT: Final = "Answer with the one word: ready"
