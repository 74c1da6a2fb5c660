"""Sentence vectors from a folder of files: tokens, BERT, mean over tokens, unit length."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from agentlab.errors import MissingExtra, UsageError
from agentlab.retrieval.embeddings.embedding import Vectors
from agentlab.retrieval.embeddings.local import LocalEmbeddingModel
from agentlab.retrieval.embeddings.minilm.bert import Bert, BertConfig
from agentlab.retrieval.embeddings.model import InputType

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

__all__ = ["OFFICIAL_SHA256", "MiniLM"]

OFFICIAL_SHA256: Final[Mapping[str, str]] = MappingProxyType(
    {
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    }
)
"""The files of sentence-transformers/all-MiniLM-L6-v2, revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41."""

_FILES: Final = ("config.json", "tokenizer.json", "model.safetensors")
_TOKENS_AT_ONCE: Final = 1024  # what lies between two layers then fits into a cache


class MiniLM(LocalEmbeddingModel):
    """all-MiniLM-L6-v2, or another BERT of the kind, without torch: 384 dimensions, English, 256 tokens of a text.

    Longer texts are cut at 256 tokens, as the model was trained: split documents first (`RecursiveSplitter(1000)`).
    Nothing is fetched: give it a folder with `config.json`, `tokenizer.json` and `model.safetensors`.

    Args:
        bert: The encoder.
        tokenizer: Its tokenizer, a `tokenizers.Tokenizer`; cut and padding are set here.
        name: Its name.
        max_tokens: Where texts are cut.
    """

    def __init__(
        self, bert: Bert, tokenizer: Tokenizer, *, name: str = "minilm", max_tokens: int = 256
    ) -> None:
        most = bert.config.max_position_embeddings
        if not 2 < max_tokens <= most:
            raise UsageError(f"`max_tokens` is 3 or more and at most {most} for this model, not {max_tokens}")
        tokenizer.enable_truncation(max_length=max_tokens)
        tokenizer.no_padding()
        self._bert = bert
        self._tokenizer = tokenizer
        self._tokens = 0
        super().__init__(
            name,
            self._vectors,
            dimensions=bert.config.hidden_size,
            count_tokens=lambda _: self._tokens,
        )

    @classmethod
    def from_folder(
        cls,
        path: str | Path,
        *,
        sha256: Mapping[str, str] | None = OFFICIAL_SHA256,
        max_tokens: int = 256,
    ) -> MiniLM:
        """Read the model's files, and check that they are what they should be.

        Needs `pip install agentlab[minilm]`.

        Args:
            path: The folder.
            sha256: What each file's SHA-256 must be, by its name, in hexadecimal; files not named are not checked, and
                none is where None. Weights from an unknown hand can give any vectors.
            max_tokens: Where texts are cut.

        Raises:
            UsageError: A file is missing, or is not the one it should be, or not a model of the kind.
            MissingExtra: `tokenizers`, `safetensors` or `scipy` is not installed.
        """
        try:
            import safetensors.numpy  # noqa: PLC0415 - optional
            import scipy.special  # noqa: F401, PLC0415 - optional; the forward pass takes it
            from tokenizers import Tokenizer  # noqa: PLC0415 - optional
        except ImportError:
            raise MissingExtra("`MiniLM` needs three libraries: pip install 'agentlab[minilm]'") from None
        folder = Path(path)
        files = {name: _read(folder / name, (sha256 or {}).get(name)) for name in _FILES}
        try:
            config = msgspec.json.decode(files["config.json"], type=BertConfig)
            tokenizer = Tokenizer.from_str(files["tokenizer.json"].decode())
            weights = safetensors.numpy.load(files["model.safetensors"])
        except Exception as error:  # noqa: BLE001 - tokenizers raises no narrower one
            raise UsageError(
                f"the files in {folder} are no model that can be read: {type(error).__name__}: {error}"
            ) from None
        return cls(Bert(config, weights), tokenizer, name=f"minilm:{folder.name}", max_tokens=max_tokens)

    def _vectors(self, texts: list[str], input_type: InputType) -> Vectors:  # noqa: ARG002 - it knows no difference
        """Vectors of unit length, in the order of the texts."""
        encodings = self._tokenizer.encode_batch_fast(texts)
        self._tokens = sum(len(encoding) for encoding in encodings)
        vectors = np.empty((len(texts), self._bert.config.hidden_size), dtype=np.float32)
        for places in _batches([len(encoding) for encoding in encodings]):
            vectors[places] = self._pooled([encodings[place] for place in places])
        return vectors

    def _pooled(self, encodings: Sequence[Encoding]) -> Vectors:
        lengths = np.array([len(encoding) for encoding in encodings])
        mask = np.arange(lengths.max())[None, :] < lengths[:, None]
        tokens = np.zeros(mask.shape, dtype=np.int64)
        tokens[mask] = np.concatenate([np.asarray(encoding.ids) for encoding in encodings])
        state = self._bert(tokens, mask)
        means = (state * mask[:, :, None]).sum(axis=1) / lengths[:, None].astype(np.float32)
        unit: Any = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.float32(1e-12))
        return np.asarray(unit, dtype=np.float32)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of texts of like length, which need little padding together, the short ones first."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > _TOKENS_AT_ONCE:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _read(file: Path, expected: str | None) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"`{file}` cannot be read: {error.strerror}; the folder of a model holds it"
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if expected is not None and found != expected.lower():
        raise UsageError(
            f"`{file}` has the SHA-256 {found}, and {expected} was expected; if you trust the file, give "
            f'`sha256={{"{file.name}": "{found}"}}`'
        )
    return data
