"""A process that sends a batch and is killed, and the one that comes after it; run by `test_killed.py`.

Usage: killed.py BASE_URL TOKEN VENDOR MODEL LEDGER HOW; it prints a line when a batch is made, and one for each outcome.
`before the note` kills itself when the batch is made and its id not noted yet, `after the note` waits to be killed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from agentlab.experiments.batch import Batch, BatchCall, BatchOutcome, BatchStatus, JsonFileLedger
from agentlab.messages import Request, TurnFinished, UserMessage
from agentlab.models.registry import model


class KillsItself(JsonFileLedger):
    """Dies when it would note the id of a batch."""

    def put(self, name: str, text: str) -> None:
        if '"batch_id"' in text:
            os.kill(os.getpid(), signal.SIGKILL)
        super().put(name, text)


def told(status: BatchStatus) -> None:
    """Say that the batch is there, and wait for the end where this process is to be killed."""
    print(f"made {status.batch_id}", flush=True)
    if sys.argv[6] == "after the note":
        sys.stdin.read()


async def kept(custom_id: str, outcome: BatchOutcome) -> None:
    """Say what came of a call."""
    said = outcome.message.text if isinstance(outcome, TurnFinished) else str(outcome)
    print(f"{custom_id}: {said}", flush=True)


async def main() -> None:
    """Bring twenty calls to their outcomes."""
    base_url, token, vendor, model_id, path, how = sys.argv[1:]
    asked = model(f"{vendor}:{model_id}", base_url=base_url, api_key=token)
    calls = [
        BatchCall(
            f"cell-{number}",
            asked,
            Request(model=model_id, messages=(UserMessage.of(f"What is {number} + 1?"),), max_tokens=100),
        )
        for number in range(20)
    ]
    ledger = KillsItself(path) if how == "before the note" else JsonFileLedger(path)
    await Batch(store=ledger, max_wait_s=0).run(calls, on_result=kept, on_progress=told)


if __name__ == "__main__":
    asyncio.run(main())
