"""Embedding models of other libraries, each an extra: sentence-transformers, fastembed, model2vec.

Given a model's name instead of a model, the libraries fetch it from a hub; a model, or the path of a folder, stays on
this machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agentlab.errors import MissingExtra
from agentlab.retrieval.embeddings.local import LocalEmbeddingModel
from agentlab.retrieval.embeddings.model import InputType

__all__ = ["fastembed_model", "model2vec_model", "sentence_transformers_model"]


def sentence_transformers_model(
    model: Any, *, device: str | None = None, max_documents: int = 256
) -> LocalEmbeddingModel:
    """A model of `sentence-transformers`; queries and documents get the prompts it has for them.

    Args:
        model: A `SentenceTransformer`, or the name or folder of one.
        device: Where it runs, such as `"cuda"`; the library chooses where None.
        max_documents: Most texts in one call.

    Raises:
        MissingExtra: The library is not installed.
    """
    if isinstance(model, str | Path):
        try:
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise _missing("sentence-transformers") from None
        loaded, name = SentenceTransformer(str(model), device=device), str(model)
    else:
        loaded, name = model, type(model).__name__

    def encode(texts: list[str], input_type: InputType) -> Any:
        call = loaded.encode_query if input_type == "query" else loaded.encode_document
        return call(texts, convert_to_numpy=True, show_progress_bar=False)

    return LocalEmbeddingModel(
        f"sentence-transformers:{name}",
        encode,
        dimensions=int(loaded.get_embedding_dimension()),
        max_documents=max_documents,
    )


def fastembed_model(
    model: Any, *, path: str | Path | None = None, max_documents: int = 256
) -> LocalEmbeddingModel:
    """A model of `fastembed`, on the ONNX runtime.

    Args:
        model: A `TextEmbedding`, or the name of one, such as `"BAAI/bge-small-en-v1.5"`.
        path: The folder of the model's files, so that nothing is fetched.
        max_documents: Most texts in one call.

    Raises:
        MissingExtra: The library is not installed.
    """
    if isinstance(model, str):
        try:
            from fastembed import TextEmbedding  # noqa: PLC0415 - optional, and slow to import
        except ImportError:
            raise _missing("fastembed") from None
        options = {} if path is None else {"specific_model_path": str(path)}
        loaded, name = TextEmbedding(model, **options), model
    else:
        loaded, name = model, str(getattr(model, "model_name", type(model).__name__))

    def encode(texts: list[str], input_type: InputType) -> Any:
        return list(loaded.query_embed(texts) if input_type == "query" else loaded.passage_embed(texts))

    return LocalEmbeddingModel(
        f"fastembed:{name}", encode, dimensions=int(loaded.embedding_size), max_documents=max_documents
    )


def model2vec_model(model: Any, *, max_documents: int = 4096) -> LocalEmbeddingModel:
    """A static model of `model2vec`: a sum of word vectors, hundreds of times faster than a transformer, and worse.

    Args:
        model: A `StaticModel`, or the name or folder of one.
        max_documents: Most texts in one call.

    Raises:
        MissingExtra: The library is not installed.
    """
    if isinstance(model, str | Path):
        try:
            from model2vec import StaticModel  # noqa: PLC0415 - optional
        except ImportError:
            raise _missing("model2vec") from None
        loaded, name = StaticModel.from_pretrained(str(model)), str(model)
    else:
        loaded, name = model, type(model).__name__

    def encode(texts: list[str], input_type: InputType) -> Any:  # noqa: ARG001 - it knows no difference
        return loaded.encode(texts, use_multiprocessing=False)

    return LocalEmbeddingModel(
        f"model2vec:{name}", encode, dimensions=int(loaded.dim), max_documents=max_documents
    )


def _missing(extra: str) -> MissingExtra:
    return MissingExtra(f"the library `{extra}` is not installed: pip install 'agentlab[{extra}]'")
