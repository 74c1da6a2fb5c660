"""An embedding model whose requests keep inside a budget."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from agentlab.caching.prices import rates
from agentlab.errors import ModelError, UsageError
from agentlab.experiments.metering.budget import Budget
from agentlab.experiments.metering.stop_signal import StopSignal
from agentlab.retrieval.embeddings.embedding import EmbeddingResponse
from agentlab.retrieval.embeddings.model import EmbeddingModel, InputType
from agentlab.retrieval.embeddings.remote import RemoteEmbeddingModel
from agentlab.retrieval.vendors import embedding_row

__all__ = ["MeteredEmbedding"]


class MeteredEmbedding(EmbeddingModel):
    """An embedding model between a scorer and a sweep's money.

    A request is held back at one token a byte, more than any vocabulary makes of a text, and booked at what it cost. A
    model of this process costs nothing.

    Args:
        inner: The model that embeds.
        budget: What its requests may cost, together with all others that share it; None for no limit.
        stop: When set, no further request starts.
        allow_unpriced: Whether a budget lets a model without a price through.

    Raises:
        UsageError: There is a budget, and no price for the model.
    """

    def __init__(
        self, inner: EmbeddingModel, budget: Budget | None, *, stop: StopSignal, allow_unpriced: bool = False
    ) -> None:
        self.inner = inner
        self._budget = budget
        self._stop = stop
        self._token_usd = 0.0
        if budget is not None and isinstance(inner, RemoteEmbeddingModel):
            vendor, _, model_id = inner.name.partition(":")
            price = rates(embedding_row(vendor).priced_as or vendor, model_id)
            if not (price.known or allow_unpriced):
                raise UsageError(
                    f"a budget cannot hold `{inner.name}`: the price table has no price for it. Leave the budget out, or "
                    "pass `allow_unpriced=True` to let its calls count as nothing"
                )
            self._token_usd = price.uncached if price.known else 0.0

    @property
    def name(self) -> str:
        """The inner model's name."""
        return self.inner.name

    @property
    def dimensions(self) -> int | None:
        """Width of its vectors."""
        return self.inner.dimensions

    @property
    def max_documents(self) -> int:
        """Most texts in one request."""
        return self.inner.max_documents

    @property
    def max_request_bytes(self) -> int | None:
        """Most bytes of text in one request."""
        return self.inner.max_request_bytes

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keeps connections open between requests."""
        return self.inner.session()

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:
        """Embed texts in one request, once there is money for it.

        Raises:
            BudgetSpent: There is none; nothing was sent.
            SweepStopped: No further request is wanted.
        """
        self._stop.check()
        if self._budget is None:
            return await self.inner.embed(texts, input_type)
        most = self._token_usd * sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
        reservation = await self._budget.reserve(most, stop=self._stop)
        cost = most
        try:
            response = await self.inner.embed(texts, input_type)
            cost = most if response.cost_usd is None else response.cost_usd
        except ModelError as error:
            cost = 0.0 if error.status is not None else most
            raise
        except UsageError:
            cost = 0.0
            raise
        finally:
            reservation.settle(cost)
        return response
