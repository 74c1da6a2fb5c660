"""Models of Hugging Face's `transformers` in this process.

The keys and values of the last call are kept, so that a prompt that begins as the last one did, as every turn of a
conversation does, is computed from where it differs.

Source: https://huggingface.co/docs/transformers/kv_cache
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from agentlab.errors import MissingExtra, UsageError
from agentlab.http import Clock
from agentlab.models.local.detokenizer import Detokenizer
from agentlab.models.local.local_model import LocalModel, Sampling, Token

__all__ = ["TransformersEngine", "transformers_model"]

_THINK: Final = "<think>"
_TAIL: Final = 16
_WINDOW: Final = 4096
_PLAIN_LAYER: Final = "DynamicLayer"


def transformers_model(
    model: Any,
    tokenizer: Any = None,
    *,
    name: str | None = None,
    device: str | None = None,
    clock: Clock | None = None,
) -> LocalModel:
    """A causal language model of `transformers`, for `Agent(...)`.

        agent = Agent(transformers_model("/models/SmolLM3-3B"), tools=[add])

    Args:
        model: A folder with model and tokenizer, the name of one on the hub (the library fetches it), or a loaded model.
        tokenizer: Its tokenizer, with a chat template; read with the model where that is a folder or a name.
        name: What it is called; the folder's name where None.
        device: Where it runs, such as `"cuda"`; where it is where None.
        clock: Time; for tests.

    Raises:
        MissingExtra: `transformers` or `torch` is not installed.
        UsageError: A loaded model was given without a tokenizer, or the tokenizer has no chat template.
    """
    try:
        import torch  # noqa: F401, PLC0415 - optional, and slow to import
        import transformers  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        raise MissingExtra(
            "local models need `transformers` and `torch`: pip install 'agentlab[transformers]'"
        ) from None
    loaded, words, called = model, tokenizer, name
    if isinstance(model, str | Path):
        loaded = transformers.AutoModelForCausalLM.from_pretrained(str(model))
        words = tokenizer or transformers.AutoTokenizer.from_pretrained(str(model))
        called = name or Path(model).name
    if words is None:
        raise UsageError("give the `tokenizer` of a loaded model, or the folder of both")
    if not getattr(words, "chat_template", None):
        raise UsageError("the tokenizer has no `chat_template`, so there is no form for a conversation")
    if device is not None:
        loaded = loaded.to(device)
    return LocalModel(called or type(loaded).__name__, TransformersEngine(loaded.eval(), words), clock=clock)


class TransformersEngine:
    """Runs a model of `transformers`.

    Args:
        model: The model.
        tokenizer: Its tokenizer, with a chat template.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.window = int(getattr(model.config.get_text_config(), "max_position_embeddings", 0) or _WINDOW)
        self._model = model
        self._tokenizer = tokenizer
        self._cache: Any = None
        self._cached: list[int] = []
        self._ends = frozenset(_ids(model.generation_config.eos_token_id) + _ids(tokenizer.eos_token_id))

    def prompt(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> Sequence[int]:
        """The tokens of a conversation, by the tokenizer's chat template."""
        try:
            text = self._tokenizer.apply_chat_template(
                messages, tools=tools or None, add_generation_prompt=True, tokenize=False
            )
        except Exception as error:  # noqa: BLE001 - a template raises whatever its author chose
            raise UsageError(f"the chat template does not take this conversation: {error}") from None
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def opens_thought(self, prompt: Sequence[int]) -> bool:
        """Whether the template has written the mark that opens a thought."""
        return str(self._tokenizer.decode(list(prompt[-_TAIL:]))).rstrip().endswith(_THINK)

    def reused(self, prompt: Sequence[int]) -> int:
        """The length of the common start with the last call, less one token: the last is always computed."""
        if self._cache is None or any(type(layer).__name__ != _PLAIN_LAYER for layer in self._cache.layers):
            return 0
        common = 0
        for ours, theirs in zip(self._cached, prompt[: len(prompt) - 1], strict=False):
            if ours != theirs:
                break
            common += 1
        return min(common, int(self._cache.get_seq_length()))

    def generate(self, prompt: Sequence[int], sampling: Sampling, stop: threading.Event) -> Iterator[Token]:
        """The answer, token by token, computed in a thread of its own as the library pushes tokens."""
        made: queue.SimpleQueue[int | BaseException | None] = queue.SimpleQueue()
        worker = threading.Thread(
            target=self._run,
            args=(list(prompt), sampling, stop, made),
            name="agentlab-transformers",
            daemon=True,
        )
        worker.start()
        text = Detokenizer(lambda ids: str(self._tokenizer.decode(list(ids), skip_special_tokens=False)))
        try:
            while (found := made.get()) is not None:
                if isinstance(found, BaseException):
                    raise found
                if found in self._ends:
                    yield Token(text.finish(), ends=True)
                    return
                yield Token(text.add(found))
            yield Token(text.finish(), count=0)
        finally:
            stop.set()
            worker.join()

    def _run(
        self,
        prompt: list[int],
        sampling: Sampling,
        stop: threading.Event,
        made: queue.SimpleQueue[int | BaseException | None],
    ) -> None:
        import torch  # noqa: PLC0415 - optional, and loaded by now
        from transformers import StoppingCriteriaList  # noqa: PLC0415 - optional, and loaded by now

        try:
            cache = self._kept(prompt)
            streamer = _Streamer(made, len(prompt))
            ids = torch.tensor([prompt], device=self._model.device)
            with torch.inference_mode():
                self._model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    past_key_values=cache,
                    streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([_asked_to(stop)]),
                    max_new_tokens=sampling.max_tokens,
                    **_choosing(sampling.temperature),
                )
            self._cached = (prompt + streamer.tokens)[: int(cache.get_seq_length())]
            self._cache = cache
        except BaseException as error:  # noqa: BLE001 - it is raised where the tokens are read
            self._cache, self._cached = None, []
            made.put(error)
        else:
            made.put(None)

    def _kept(self, prompt: list[int]) -> Any:
        """The cache to begin with, cut to what the prompt has in common with the last one."""
        from transformers import DynamicCache  # noqa: PLC0415 - optional, and loaded by now

        kept, cache = self.reused(prompt), self._cache
        self._cache, self._cached = None, []
        if not kept:
            return DynamicCache(config=self._model.config)
        for layer in cache.layers:
            layer.keys = layer.keys[:, :, :kept]
            layer.values = layer.values[:, :, :kept]
        return cache


class _Streamer:
    """Takes what the library pushes: first the prompt, then each token."""

    def __init__(self, made: queue.SimpleQueue[int | BaseException | None], prompt: int) -> None:
        self.tokens: list[int] = []
        self._made = made
        self._prompt = prompt
        self._begun = False

    def put(self, value: Any) -> None:
        """Tokens, as a tensor."""
        if not self._begun:
            self._begun = True
            return
        for token in value.flatten().tolist():
            self.tokens.append(token)
            self._made.put(token)

    def end(self) -> None:
        """Nothing more comes."""


def _asked_to(stop: threading.Event) -> Any:
    """A criterion that ends generation before the next token."""
    import torch  # noqa: PLC0415 - optional, and loaded by now

    def criterion(input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG001 - the library's
        return torch.full((input_ids.shape[0],), stop.is_set(), device=input_ids.device, dtype=torch.bool)

    return criterion


def _choosing(temperature: float | None) -> dict[str, Any]:
    if temperature is None:
        return {}
    return {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}


def _ids(given: int | list[int] | None) -> list[int]:
    if given is None:
        return []
    return [given] if isinstance(given, int) else list(given)
