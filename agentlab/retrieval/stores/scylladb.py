"""ScyllaDB with vector search: a table over CQL, one row a vector, searched approximately.

Vector search runs in ScyllaDB Cloud alone, so this store was not run against the real engine: it was tested with the real
`scylla-driver` over the CQL binary protocol, against a server that answers as the documentation says.

Sources: https://cloud.docs.scylladb.com/stable/vector-search/work-with-vector-search.html,
https://cloud.docs.scylladb.com/stable/vector-search/vector-search-filtering.html and
https://docs.scylladb.com/manual/stable/cql/functions.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from agentlab.errors import StoreUnusable, UnsupportedCapability, UsageError
from agentlab.retrieval.filters import Filter
from agentlab.retrieval.index import EmbeddedDocument, EmbedsQueries, Hit
from agentlab.retrieval.stores.blocking import BlockingStore
from agentlab.retrieval.stores.preparing import InsertionOrder, PreparedDocument, Vector
from agentlab.retrieval.stores.ranked_rows import Row, best_hits, documents_of
from agentlab.retrieval.stores.scylladb_filters import (
    Box,
    boxes,
    key_column,
    key_of_column,
    ordered_text,
    relations,
)
from agentlab.retrieval.stores.scylladb_session import ScyllaSession

__all__ = ["ScyllaVectorStore"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VECTOR: Final = re.compile(r"vector<float, ?(\d+)>")
_KEPT: Final = {"id", "place", "number", "document", "metadata", "vector"}
_MOST_FOUND: Final = 1000
_MOST_KEY: Final = 65_535  # bytes
_COLUMNS: Final = (
    "SELECT column_name, kind, type FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?"
)
_ROW: Final = "id, place, number, document, metadata"


class ScyllaVectorStore(BlockingStore):
    """Documents in a table of ScyllaDB, a partition a document.

    Search is approximate, and gives 1000 vectors at most: a larger `n` is refused, and documents of many vectors may leave
    fewer than `n`. What was written is stored at once and found about a second later, half a minute at the latest; a new
    index may refuse to search until it is built. Filters are over the keys that the table was made with, of any kind; each
    alternative of an "or", an `is_in` or a "not" takes a query of its own, 32 at most. A filter over keys that are not the
    first ones crashed servers without the fix scylladb/scylladb#30425, of June 2026. A document is replaced as a whole,
    several are not; one with all its vectors is a batch, which servers refuse above 1 MiB. `count` reads the whole table.

    Args:
        keyspace: Name of the keyspace, which is there already, with tablets.
        table: Name of the table; made where it is missing, with its index. Lower case letters, digits and underscores.
        contact_points: Addresses of nodes.
        port: Their port.
        auth: User and password; None where the server asks for none.
        session: A session of yours, `cassandra.cluster.Cluster(...).connect()`, in place of the three before; stays open.
        filter_keys: Keys of metadata that can be filtered; those of a table that is there already count in their place.
        dimensions: Width of the vectors; None where the first document, or the table, decides.
        embedding_model: Embeds queries given as text.
    """

    def __init__(
        self,
        keyspace: str,
        table: str = "documents",
        *,
        contact_points: Sequence[str] = ("127.0.0.1",),
        port: int = 9042,
        auth: tuple[str, str] | None = None,
        session: Any = None,
        filter_keys: Collection[str] = (),
        dimensions: int | None = None,
        embedding_model: EmbedsQueries | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, embedding_model=embedding_model)
        for name in (keyspace, table):
            if not _NAME.fullmatch(name):
                raise UsageError(
                    f"{name!r} is no name here: lower case letters, digits, underscores, 40 at most"
                )
        self.keyspace = keyspace
        self.table = table
        self._nodes = (tuple(contact_points), port, auth, session)
        self._filter_keys = tuple(dict.fromkeys(filter_keys))
        self._wanted_dimensions = dimensions
        self._order = InsertionOrder()
        self._session: Any = None
        self._made = False

    def _open(self) -> None:
        self._session = ScyllaSession(*self._nodes)
        try:
            kept = self._opened_width()
            if kept is None and self._wanted_dimensions:
                self._create(self._wanted_dimensions)
        except self._session.errors as error:
            self._session.close()
            raise StoreUnusable(f"ScyllaDB refuses the keyspace {self.keyspace!r}: {error}") from error
        except UsageError:
            self._session.close()
            raise
        self._dimensions = kept or self._wanted_dimensions

    def _shut(self) -> None:
        self._session.close()

    def _opened_width(self) -> int | None:
        found = {row.column_name: row for row in self._session.ask(_COLUMNS, self.keyspace, self.table)}
        if not found:
            return None
        keys = [name for name in found if name.startswith("f_") and found[name].kind == "clustering"]
        vector = _VECTOR.fullmatch(found["vector"].type) if "vector" in found else None
        if vector is None or found.keys() != _KEPT | set(keys):
            raise UsageError(f"the table {self.table!r} was not made by ScyllaVectorStore; name another one")
        width = int(vector[1])
        if self._wanted_dimensions not in {None, width}:
            raise UsageError(f"{self.table!r} has {width} dimensions, not {self._wanted_dimensions}")
        self._filter_keys = tuple(key_of_column(name) for name in sorted(keys))
        self._made = True
        return width

    def _create(self, dimensions: int) -> None:
        keys = "".join(f'"{key_column(key)}" text, ' for key in self._filter_keys)
        names = "".join(f'"{key_column(key)}", ' for key in self._filter_keys)
        self._session.run(
            f"CREATE TABLE IF NOT EXISTS {self._place} (id text, {keys}place int, number bigint, document text, "
            f"metadata text, vector vector<float, {dimensions}>, PRIMARY KEY ((id), {names}place))"
        )
        self._session.run(
            f"CREATE CUSTOM INDEX IF NOT EXISTS {self.table}_vector ON {self._place} (vector) "
            "USING 'vector_index' WITH OPTIONS = {'similarity_function': 'COSINE'}"
        )
        self._made = True

    @property
    def _place(self) -> str:
        return f"{self.keyspace}.{self.table}"

    @property
    def _key_columns(self) -> list[str]:
        return ["id", *(f'"{key_column(key)}"' for key in self._filter_keys), "place"]

    def _write(self, documents: Sequence[PreparedDocument]) -> None:
        rows = {document.id: self._rows(document) for document in documents}
        if not self._made:
            self._create(self._dimensions or 0)
        columns = [*self._key_columns, "number", "document", "metadata", "vector"]
        markers = ", ".join("?" * len(columns))
        insert = self._session.statement(
            f"INSERT INTO {self._place} ({', '.join(columns)}) VALUES ({markers})"  # noqa: S608 - names were checked
        )
        delete = self._statement_of_delete()
        stored = self._keys(list(rows))
        batches = []
        for name, values in rows.items():
            batch = self._session.batch()
            # What is written anew is not deleted too: of the same moment, deleting would win.
            for key in stored[name] - {tuple(each[: len(self._key_columns)]) for each in values}:
                batch.add(delete, key)
            for each in values:
                batch.add(insert, each)
            batches.append((batch, None))
        self._session.run_all(batches)

    def _rows(self, document: PreparedDocument) -> list[list[Any]]:
        filtered = [ordered_text(document.metadata.get(key)) for key in self._filter_keys]
        size = len("".join([document.id, *filtered]).encode())
        if size > _MOST_KEY:
            raise UsageError(
                f"document {document.id!r}: its id and what filters see are {size} bytes; ScyllaDB takes {_MOST_KEY}"
            )
        kept = [self._order.take(), document.document_json, document.metadata_json]
        vectors: list[Any] = document.vectors.tolist() or [None]  # without a vector it is in no index
        return [[document.id, *filtered, place, *kept, vector] for place, vector in enumerate(vectors)]

    def _keys(self, ids: Sequence[str]) -> dict[str, set[tuple[Any, ...]]]:
        """The primary keys of all rows of some documents."""
        asked = self._session.statement(
            f"SELECT {', '.join(self._key_columns)} FROM {self._place} WHERE id = ?"  # noqa: S608 - names were checked
        )
        found: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
        for result in self._session.run_all([(asked, (name,)) for name in ids]):
            for row in result:
                found[row[0]].add(tuple(row))
        return found

    def _erase(self, ids: Sequence[str]) -> int:
        stored, delete, batches = self._keys(ids), self._statement_of_delete(), []
        for keys in stored.values():
            batch = self._session.batch()
            for key in keys:  # one by one: the index does not follow when a range is deleted
                batch.add(delete, key)
            batches.append((batch, None))
        self._session.run_all(batches)
        return len(stored)

    def _read(self, ids: Sequence[str]) -> Iterable[EmbeddedDocument]:
        asked = self._session.statement(f"SELECT {_ROW}, vector FROM {self._place} WHERE id = ?")  # noqa: S608 - names were checked
        results = self._session.run_all([(asked, (name,)) for name in ids])
        rows = [_row(each, 0.0, each.vector) for result in results for each in result]
        return documents_of(rows, self._dimensions or 0)

    def _size(self) -> int:
        counted = f"SELECT COUNT(*) AS documents FROM {self._place} WHERE place = ? ALLOW FILTERING"  # noqa: S608 - names were checked
        (found,) = self._session.ask(counted, 0)
        return int(found.documents)

    def _nearest(self, query: Vector, n: int, threshold: float | None, filter: Filter | None) -> list[Hit]:
        if n > _MOST_FOUND:
            raise UnsupportedCapability(f"ScyllaDB gives {_MOST_FOUND} results at most, not {n}")
        chosen: list[Box] = [{}] if filter is None else boxes(filter)
        if unknown := {key for box in chosen for key in box} - set(self._filter_keys):
            raise UnsupportedCapability(
                f"the table {self.table!r} cannot be filtered by {', '.join(map(repr, sorted(unknown)))}; "
                "make one with ScyllaVectorStore(filter_keys=...)"
            )
        vector = query.tolist()

        def fetch(count: int) -> list[Row]:
            rows = [row for box in chosen for row in self._found(box, vector, count)]
            best = {(row.id, row.place): row for row in rows}
            return sorted(best.values(), key=lambda row: -row.score)[:count]

        return best_hits(fetch, n, threshold, most=_MOST_FOUND)

    def _found(self, box: Box, vector: list[float], count: int) -> list[Row]:
        conditions, values = relations(box)
        where, allowed = (
            (f" WHERE {' AND '.join(conditions)}", " ALLOW FILTERING") if conditions else ("", "")
        )
        statement = (
            f"SELECT {_ROW}, similarity_cosine(vector, ?) AS similarity FROM {self._place}{where} "  # noqa: S608 - names were checked
            f"ORDER BY vector ANN OF ? LIMIT ?{allowed}"
        )
        # The function gives (1 + cosine) / 2.
        found = self._session.ask(statement, vector, *values, vector, count)
        return [_row(each, 2 * each.similarity - 1) for each in found]

    def _statement_of_delete(self) -> Any:
        relations = " AND ".join(f"{column} = ?" for column in self._key_columns)
        return self._session.statement(f"DELETE FROM {self._place} WHERE {relations}")  # noqa: S608 - names were checked


def _row(found: Any, score: float, vector: Any = None) -> Row:
    return Row(score, found.number, found.place, found.id, found.document, found.metadata, vector)
