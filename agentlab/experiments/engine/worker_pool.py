"""Where batches run: any executor of `concurrent.futures`, or a Dask client, seen as one thing to submit to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from inspect import isawaitable
from typing import Any, Final

from agentlab.errors import UsageError, WorkersLost

__all__ = ["WorkerPool", "check_executor"]

_SIZES: Final = ("_max_workers", "max_workers", "num_workers")
"""What pools call the number of their workers: the standard library's, joblib's loky, mpi4py's."""

_SHARED_PROCESS: Final = "inproc://"


class WorkerPool:
    """An executor, and how much runs in it at the same time.

    Args:
        executor: Takes the tasks.
        workers: Tasks that run at the same time.
        processes: Processes they run in.
    """

    def __init__(self, executor: Executor, workers: int, processes: int) -> None:
        self.workers = max(1, workers)
        self.processes = max(1, processes)
        self._executor = executor

    @classmethod
    async def of(cls, given: Any) -> WorkerPool:
        """The pool behind what the user gave.

        Raises:
            UsageError: It is no executor and no Dask client.
            WorkersLost: The client has no workers.
        """
        check_executor(given)
        if not isinstance(given, Executor):
            return await cls._of_client(given)
        size = next((found for name in _SIZES if (found := getattr(given, name, None))), os.cpu_count())
        workers = int(size or 1)
        return cls(given, workers, 1 if isinstance(given, ThreadPoolExecutor) else workers)

    @classmethod
    async def _of_client(cls, client: Any) -> WorkerPool:
        try:
            threads = client.ncores()
            if isawaitable(threads):
                threads = await threads
        except Exception as error:
            raise WorkersLost(f"the Dask cluster does not answer: {error}; nothing was sent") from error
        if not threads:
            raise WorkersLost(
                "the Dask cluster has no workers; start some, or wait for them: `client.wait_for_workers(1)`"
            )
        processes = {
            address.rpartition("/")[0] if address.startswith(_SHARED_PROCESS) else address
            for address in threads
        }
        # Tasks are never pure: the same batch, sent again, is to run again.
        return cls(client.get_executor(pure=False), sum(threads.values()), len(processes))

    def submit(self, task: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand a task over.

        Raises:
            WorkersLost: The executor takes none any more.
        """
        try:
            return self._executor.submit(task, *arguments)
        except Exception as error:
            raise WorkersLost(
                f"the executor takes no more work: {error}. Finished rows are stored; give the plan a new executor and run "
                "it again"
            ) from error


def check_executor(given: Any) -> None:
    """Refuse what nothing can be submitted to.

    Raises:
        UsageError: It is no executor and no Dask client.
    """
    if isinstance(given, Executor) or _is_dask_client(given):
        return
    raise UsageError(
        f"`executor` is a `concurrent.futures.Executor`, a Dask `Client` or `agentlab.Batch()`, not {given!r}; for a Dask "
        'cluster install the extra, `pip install "agentlab[dask]"`, and pass `Client(address)`'
    )


def _is_dask_client(given: Any) -> bool:
    """Whether it is one; nobody can have made one without having loaded Dask."""
    distributed = sys.modules.get("distributed")
    return distributed is not None and isinstance(given, distributed.Client)
