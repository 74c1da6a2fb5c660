"""The providers' half-price batch interfaces (OpenAI, Anthropic), resumable across restarts of the kernel.

    batch = Batch(poll_s=60, store="batches.json")
    outcomes = await batch.run([BatchCall(key, model, request), ...], on_result=keep)

* `BatchCall(custom_id, model, request)`: a model call and its caller's name for it, which must determine it.
* `Batch.run(calls, on_result=, on_progress=, ledger=)`: brings each call to a `TurnFinished` (decoded by the model's own
  wire, its cost at the batch price) or a `ModelError`. Calls are packed into as few batches as the vendors' limits allow.
* `Batch.cancel(models)`: stops what is running. An interrupt does not: it leaves the batches and says how to resume.
* `BatchLedger`: two methods, `get(name)` and `put(name, text)`, through which it is noted which batches were made. A store
  of results can be one; `JsonFileLedger` is one by itself.
* `Gathering(batch, ledger=)`: for an engine that runs agents. `gathering.model(agent.model, key)` is a model whose call
  waits for its batch; `await gathering.finish([cell, ...])` runs all cells and sends the calls together.
* `check_single_turn(agent)`: refuses agents that may need a second model call.
* `batch_price_multiplier(vendor)`: what a call costs in a batch, as a share of its price alone.

A batch is noted before it is made and again when its id is known, and found again in between, so it is never made twice.
"""

from agentlab.experiments.batch.api import BatchStatus
from agentlab.experiments.batch.batch import Batch
from agentlab.experiments.batch.call import BatchCall, BatchOutcome
from agentlab.experiments.batch.gathering import Gathering
from agentlab.experiments.batch.ledger import BatchLedger, JsonFileLedger
from agentlab.experiments.batch.single_turn import check_single_turn
from agentlab.experiments.batch.vendors import batch_price_multiplier, batch_vendor

__all__ = [
    "Batch",
    "BatchCall",
    "BatchLedger",
    "BatchOutcome",
    "BatchStatus",
    "Gathering",
    "JsonFileLedger",
    "batch_price_multiplier",
    "batch_vendor",
    "check_single_turn",
]
