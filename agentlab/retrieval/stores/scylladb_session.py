"""How statements reach ScyllaDB: prepared once, at the consistency of a quorum, through the driver.

Source: https://python-driver.docs.scylladb.com
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agentlab.errors import StoreUnusable
from agentlab.retrieval.stores.blocking import missing_extra

__all__ = ["ScyllaSession"]


class ScyllaSession:
    """A session of the driver.

    Args:
        nodes: Addresses of nodes.
        port: Their port.
        auth: User and password.
        session: A session of the user's in place of these; it stays open.

    Raises:
        MissingExtra: The driver is not installed.
        StoreUnusable: No node can be reached.
    """

    def __init__(
        self, nodes: Sequence[str], port: int, auth: tuple[str, str] | None, session: Any = None
    ) -> None:
        try:
            from cassandra import ConsistencyLevel, DriverException  # noqa: PLC0415 - an optional package
            from cassandra.cluster import NoHostAvailable  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("ScyllaVectorStore", "scylla-driver", "scylladb") from None
        self.errors: tuple[type[Exception], ...] = (DriverException, NoHostAvailable)
        self._consistency = ConsistencyLevel.LOCAL_QUORUM  # so that what was written is read
        self._prepared: dict[str, Any] = {}
        self._cluster: Any = None
        self._session: Any = session
        if session is None:
            self._cluster = _cluster(nodes, port, auth)
            try:
                self._session = self._cluster.connect()
            except self.errors as error:
                self.close()
                raise StoreUnusable(f"ScyllaDB cannot be reached: {error}") from error

    def close(self) -> None:
        """Close what was opened here."""
        if self._cluster is not None:
            self._cluster.shutdown()

    def run(self, text: str) -> None:
        """Run a statement that has no values and gives no rows."""
        self._session.execute(text)

    def ask(self, text: str, *values: Any) -> list[Any]:
        """The rows of a statement."""
        return list(self._session.execute(self.statement(text), values))

    def statement(self, text: str) -> Any:
        """A statement, prepared."""
        if text not in self._prepared:
            prepared = self._session.prepare(text)
            prepared.consistency_level = self._consistency
            self._prepared[text] = prepared
        return self._prepared[text]

    def batch(self) -> Any:
        """An empty batch; statements on one partition are done as one."""
        from cassandra.query import BatchStatement, BatchType  # noqa: PLC0415 - an optional package

        return BatchStatement(BatchType.UNLOGGED, consistency_level=self._consistency)

    def run_all(self, statements: Sequence[tuple[Any, Any]]) -> list[Any]:
        """The results of statements with their values, many of which run at the same time."""
        from cassandra.concurrent import execute_concurrent  # noqa: PLC0415 - an optional package

        return [result for _, result in execute_concurrent(self._session, statements)] if statements else []


def _cluster(nodes: Sequence[str], port: int, auth: tuple[str, str] | None) -> Any:
    from cassandra import cluster, policies  # noqa: PLC0415 - an optional package
    from cassandra.auth import PlainTextAuthProvider  # noqa: PLC0415 - an optional package

    nearest = policies.TokenAwarePolicy(policies.DCAwareRoundRobinPolicy())  # vector search asks for its like
    return cluster.Cluster(
        list(nodes),
        port=port,
        auth_provider=PlainTextAuthProvider(*auth) if auth else None,
        execution_profiles={
            cluster.EXEC_PROFILE_DEFAULT: cluster.ExecutionProfile(load_balancing_policy=nearest)
        },
    )
