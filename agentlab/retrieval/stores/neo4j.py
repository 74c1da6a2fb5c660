"""Neo4j 5.18 or newer: a node for a document, a node for each of its vectors; exact search in Cypher.

No Neo4j can be had from a package registry, so this store was not run against the real one: it was tested with the real
`neo4j` driver over Bolt, against a server that knows the few statements below and answers as the documentation says.

Sources: https://neo4j.com/docs/cypher-manual/current/functions/vector/ and
https://neo4j.com/docs/cypher-manual/current/indexes/semantic-indexes/vector-indexes/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from agentlab.errors import StoreUnusable, UsageError
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import SCORE_SLACK, EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore, missing_extra
from agentlab.retrieval.stores.preparing import InsertionOrder, PreparedDocument, Vector, read_document
from agentlab.retrieval.stores.typed_fields import (
    AllOf,
    AnyOf,
    Compares,
    Has,
    Lacks,
    TypedCondition,
    typed_condition,
    typed_fields,
)

__all__ = ["Neo4jVectorStore"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,49}")
_BATCH: Final = 500  # documents that one statement creates
_SIGNS: Final = {"==": "=", "!=": "<>", ">": ">", "<": "<", ">=": ">=", "<=": "<="}

_UNIQUE: Final = "CREATE CONSTRAINT {name}_id IF NOT EXISTS FOR (d:{name}) REQUIRE d.id IS UNIQUE"
_WIDTH: Final = "MATCH (d:{name}) RETURN d.dimensions AS dimensions LIMIT 1"
_COUNT: Final = "MATCH (d:{name}) RETURN count(d) AS documents"
_STORED: Final = "MATCH (d:{name}) WHERE d.id IN $ids RETURN count(d) AS documents"
_DELETE: Final = """
MATCH (d:{name}) WHERE d.id IN $ids OPTIONAL MATCH (d)-[:HAS_VECTOR]->(v:{name}_vector) DETACH DELETE d, v
"""
_CREATE: Final = """
UNWIND $documents AS each CREATE (d:{name}) SET d = each.properties
WITH d, each UNWIND range(0, size(each.vectors) - 1) AS place
CREATE (d)-[:HAS_VECTOR]->(:{name}_vector {{place: place, embedding: each.vectors[place]}})
"""
_READ: Final = """
MATCH (d:{name}) WHERE d.id IN $ids OPTIONAL MATCH (d)-[:HAS_VECTOR]->(v:{name}_vector)
WITH d, v ORDER BY v.place
RETURN d.id AS id, d.document AS document, d.metadata AS metadata, collect(v.embedding) AS vectors
"""
# Neo4j's similarity is (1 + cosine) / 2.
_NEAREST: Final = """
MATCH (d:{name}) WHERE {condition} MATCH (d)-[:HAS_VECTOR]->(v:{name}_vector)
WITH d, 2 * max(vector.similarity.cosine(v.embedding, $query)) - 1 AS score WHERE score >= $least
RETURN score, d.id AS id, d.document AS document, d.metadata AS metadata ORDER BY score DESC, d.number LIMIT $n
"""


class Neo4jVectorStore(BlockingStore):
    """Documents as nodes with the label `name`, their vectors as nodes with the label `name_vector`.

    Search compares every vector of the documents that pass the filter. Neo4j's vector index is not used: it filters after
    the nearest were taken, so that too few would come back. With millions of vectors give the label an index of its own
    and ask it in Cypher.

    Args:
        address: The server's URI, such as `neo4j+s://...`, `bolt://localhost:7687`.
        name: The label: letters, digits and underscores.
        auth: User and password; None where the server asks for none.
        database: Name of the database; None for the user's home database.
        dimensions: Width of the vectors; None where the first document, or what is stored, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        address: str,
        name: str = "Document",
        *,
        auth: tuple[str, str] | None = None,
        database: str | None = None,
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name for a label here: letters, digits, underscores, 50 at most"
            )
        self.name = name
        self.database = database
        self._address = address
        self._auth = auth
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._driver: Any = None

    def _open(self) -> None:
        try:
            import neo4j  # noqa: PLC0415 - an optional package
            from neo4j.exceptions import DriverError, Neo4jError  # noqa: PLC0415 - an optional package
        except ImportError:
            raise missing_extra("Neo4jVectorStore", "neo4j", "neo4j") from None
        self._driver = neo4j.GraphDatabase.driver(self._address, auth=self._auth)
        try:
            self._driver.verify_connectivity()  # at once; a query would be tried for half a minute
            self._run_alone(_UNIQUE)
            kept = self._run_alone(_WIDTH)
        except (DriverError, Neo4jError) as error:
            self._driver.close()
            raise StoreUnusable(f"Neo4j cannot be reached, or cannot be read: {error}") from error
        width = int(kept[0]["dimensions"]) if kept else None
        if width and self._wanted_dimensions not in {None, width}:
            self._driver.close()
            raise UsageError(f"the nodes {self.name} have {width} dimensions, not {self._wanted_dimensions}")
        self._dimensions = width or self._wanted_dimensions

    def _shut(self) -> None:
        self._driver.close()

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        rows = [self._node(document) for document in documents]

        def work(transaction: Any) -> None:
            ids = [document.id for document in documents]
            transaction.run(self._statement(_DELETE), ids=ids).consume()
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                transaction.run(self._statement(_CREATE), documents=part).consume()

        self._in_transaction(work)

    def _node(self, document: PreparedDocument) -> dict[str, Any]:
        properties = {
            "id": document.id,
            "number": self._order.take(),
            "dimensions": self._dimensions,
            "document": document.document_json,
            "metadata": document.metadata_json,
            **typed_fields(document.metadata),
        }
        return {"properties": properties, "vectors": document.vectors.tolist()}

    def _erase(self, ids: Sequence[str]) -> int:
        def work(transaction: Any) -> int:
            stored = transaction.run(self._statement(_STORED), ids=list(ids)).single()["documents"]
            transaction.run(self._statement(_DELETE), ids=list(ids)).consume()
            return int(stored)

        return int(self._in_transaction(work))

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        for row in self._run_alone(_READ, ids=list(ids)):
            matrix = np.array(row["vectors"], dtype=np.float32).reshape(-1, self._dimensions or 0)
            yield read_document(row["id"], row["document"], row["metadata"], matrix)

    def _size(self) -> int:
        return int(self._run_alone(_COUNT)[0]["documents"])

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        values: dict[str, Any] = {}
        condition = "TRUE" if filter is None else _cypher(typed_condition(filter), values)
        least = -2.0 if threshold is None else threshold - SCORE_SLACK
        statement = self._statement(_NEAREST, condition)
        found = self._run_statement(statement, query=query.tolist(), least=least, n=n, **values)
        return [
            Hit(
                min(1.0, max(-1.0, row["score"])),
                row["id"],
                json.loads(row["document"]),
                json.loads(row["metadata"]),
            )
            for row in found
        ]

    def _statement(self, template: str, condition: str = "") -> str:
        return " ".join(template.format(name=self.name, condition=condition).split())

    def _run_alone(self, template: str, **values: Any) -> list[Any]:
        return self._run_statement(self._statement(template), **values)

    def _run_statement(self, statement: str, **values: Any) -> list[Any]:
        answer = self._driver.execute_query(statement, parameters_=values, database_=self.database)
        return list(answer.records)

    def _in_transaction(self, work: Any) -> Any:
        """All of it or nothing; the driver tries again where the server asks for it."""
        with self._driver.session(database=self.database) as session:
            return session.execute_write(work)


def _cypher(condition: TypedCondition, values: dict[str, Any]) -> str:
    """A condition in Cypher; its values are put into `values`. A missing property compares as null, which is no match."""
    match condition:
        case AllOf(conditions=each):
            return "(" + " AND ".join(_cypher(one, values) for one in each) + ")"
        case AnyOf(conditions=each):
            return "(" + " OR ".join(_cypher(one, values) for one in each) + ")"
        case Has(field=field):
            return f"d.{field} IS NOT NULL"
        case Lacks(field=field):
            return f"d.{field} IS NULL"
        case Compares(field=field, sign=sign, value=value):
            name = f"value_{len(values)}"
            values[name] = value
            return f"d.{field} {_SIGNS[sign]} ${name}"
