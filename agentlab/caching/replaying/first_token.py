"""How long a model takes to its first token, as far as its prompt decides it.

    ttft = t0 + uncached / prefill rate + read * seconds a read token + written * seconds a written token

The defaults are fitted to the two points OpenAI published for its own cache ("Prompt Caching 201", OpenAI Cookbook,
2026): 7 % faster at 1,024 tokens and 67 % faster at 150,000, with half a second for an empty prompt. They give the
shape, not a promise: fit your own with `FirstToken.fitted`, or pass your numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from agentlab.caching.calls import RecordedCall
from agentlab.errors import UsageError
from agentlab.short_repr import ShortRepr

__all__ = ["FirstToken"]


class FirstToken(ShortRepr, Struct, frozen=True):
    """A model of the time to the first token.

    Attributes:
        t0_s: Seconds for an empty prompt: network, queue, the first token itself.
        uncached_s: Seconds for each prompt token that is computed.
        read_s: Seconds for each prompt token read from the cache.
        written_s: Further seconds for each token written: what "Don't Break the Cache" (arXiv 2601.06007) saw where
            caching a whole context made the first token later. 0 where the provider writes in the background.
    """

    t0_s: float = 0.5
    uncached_s: float = 53.2e-6
    read_s: float = 15.3e-6
    written_s: float = 0.0

    def seconds(self, *, uncached: float, read: float, written: float) -> float:
        """The time to the first token of a prompt of so many tokens; written ones are computed too."""
        computed = (uncached + written) * self.uncached_s
        return self.t0_s + computed + read * self.read_s + written * self.written_s

    @classmethod
    def fitted(cls, calls: Sequence[RecordedCall]) -> Self:
        """The model nearest to what was recorded, by least squares; a parameter that would be negative is 0.

        Args:
            calls: Calls with `ttft_s` and usage; 4 at least, of different lengths and hits.

        Raises:
            UsageError: Fewer than 4 calls tell both.
        """
        import numpy as np  # noqa: PLC0415 - heavy; only fitting needs it

        rows, seconds = [], []
        for call in calls:
            usage = call.usage
            if call.ttft_s is None or usage is None or usage.input_tokens is None:
                continue
            read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
            rows.append([1.0, usage.input_tokens - read, read, written])
            seconds.append(call.ttft_s)
        if len(rows) < 4:
            raise UsageError(f"4 calls with `ttft_s` and usage are needed to fit a model, not {len(rows)}")
        used, solution = [0, 1, 2, 3], np.zeros(4)
        while used:
            found = np.linalg.lstsq(np.array(rows)[:, used], np.array(seconds), rcond=None)[0]
            if (found >= 0).all():
                solution[used] = found
                break
            used.pop(int(found.argmin()))
        return cls(*map(float, solution))
