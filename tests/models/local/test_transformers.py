"""Real `transformers` on a real, tiny model of random weights."""

from __future__ import annotations

import importlib.util
import os
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from agentlab.agent import Agent
from agentlab.errors import MissingExtra, UsageError
from agentlab.messages import Request, TextDelta, ToolDefinition, TurnFinished, UserMessage
from agentlab.models.local import LocalModel
from agentlab.models.local.transformers_engine import TransformersEngine, transformers_model
from tests.models.local.tiny import tiny_model, tiny_tokenizer

MISSING = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.gauntlet,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(
        os.environ.get("AGENTLAB_GAUNTLET") != "1",
        reason="importing torch takes 12 seconds; runs in `make gauntlet`",
    ),
]


@pytest.fixture(scope="module")
def parts() -> tuple[Any, Any]:
    return tiny_model(), tiny_tokenizer()


@pytest.fixture
def model(parts: tuple[Any, Any]) -> LocalModel:
    return transformers_model(*parts, name="tiny")


def asked(text: str = "hi", **options: Any) -> Request:
    return Request(
        model="tiny", messages=(UserMessage.of(text),), **{"max_tokens": 12, "temperature": 0.0, **options}
    )


async def turn_of(model: LocalModel, request: Request) -> TurnFinished:
    found = [event async for event in model.stream(request).events]
    assert isinstance(found[-1], TurnFinished)
    return found[-1]


async def test_it_writes_what_the_library_alone_writes(model: LocalModel, parts: tuple[Any, Any]) -> None:
    loaded, words = parts
    turn = await turn_of(model, asked())
    text = words.apply_chat_template(
        [{"role": "user", "content": "hi"}], add_generation_prompt=True, tokenize=False
    )
    ids = words(text, add_special_tokens=False, return_tensors="pt")
    made = loaded.generate(**ids, max_new_tokens=12, do_sample=False)[0][ids["input_ids"].shape[1] :]
    assert turn.message.text == words.decode(made)
    assert turn.usage.input_tokens == ids["input_ids"].shape[1]
    assert (turn.usage.output_tokens, turn.finish_reason) == (12, "length")


async def test_a_conversation_is_computed_from_where_it_differs_and_says_the_same(
    parts: tuple[Any, Any],
) -> None:
    kept = transformers_model(*parts)
    history: list[Any] = []
    sent = 0
    for number in range(4):
        agent = Agent(kept, preamble="You are terse.", max_tokens=10, temperature=0)
        before = list(history)
        run = await agent.chat(f"question {number}", history)
        fresh = transformers_model(*parts)
        alone = await agent.with_(model=fresh).prompt(f"question {number}", history=before)
        assert alone.text == run.text
        assert alone.usage.cache_read_tokens == 0
        assert (run.usage.cache_read_tokens or 0) >= sent - 1
        sent = run.usage.input_tokens or 0


async def test_another_beginning_reuses_only_what_is_common(
    model: LocalModel, parts: tuple[Any, Any]
) -> None:
    first = await turn_of(model, asked("same start, one end"))
    other = await turn_of(model, asked("same start, other end"))
    assert 0 < (other.usage.cache_read_tokens or 0) < (first.usage.input_tokens or 0)
    assert (
        other.message == (await turn_of(transformers_model(*parts), asked("same start, other end"))).message
    )


async def test_leaving_early_stops_it_and_the_next_call_is_whole(
    model: LocalModel, parts: tuple[Any, Any]
) -> None:
    async with aclosing(model.stream(asked(max_tokens=1000)).events) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    again = await turn_of(model, asked())
    assert again.message == (await turn_of(transformers_model(*parts), asked())).message


async def test_the_end_of_turn_ends_it_and_is_not_said(parts: tuple[Any, Any]) -> None:
    words = parts[1]
    told = words.apply_chat_template(
        [{"role": "user", "content": "hi"}], add_generation_prompt=True, tokenize=False
    )
    ids = words(told, add_special_tokens=False, return_tensors="pt")
    loaded = tiny_model()
    made = loaded.generate(**ids, max_new_tokens=12, do_sample=False)[0][ids["input_ids"].shape[1] :].tolist()
    end = next(number for number, token in enumerate(made) if number and token not in made[:number])
    loaded.generation_config.eos_token_id = made[end]
    turn = await turn_of(transformers_model(loaded, words), asked(max_tokens=50))
    assert (turn.finish_reason, turn.usage.output_tokens) == ("stop", end + 1)
    assert turn.message.text == words.decode(made[:end])


async def test_tools_stand_in_the_prompt(model: LocalModel) -> None:
    with_tools = await turn_of(model, asked(tools=(ToolDefinition("look"),)))
    without = await turn_of(model, asked())
    assert (with_tools.usage.input_tokens or 0) - (without.usage.input_tokens or 0) == len(
        "tools\nlook \n"
    ) + 2


async def test_a_conversation_that_the_template_refuses_is_told(parts: tuple[Any, Any]) -> None:
    engine = TransformersEngine(*parts)
    with pytest.raises(UsageError, match="the chat template does not take this conversation: no such role"):
        engine.prompt([{"role": "forbidden", "content": ""}], [])


async def test_a_folder_is_read(parts: tuple[Any, Any], tmp_path: Path) -> None:
    for part in parts:
        part.save_pretrained(tmp_path / "tiny")
    model = transformers_model(tmp_path / "tiny", device="cpu")
    assert model.name == "local:tiny"
    assert (await turn_of(model, asked())).usage.output_tokens == 12


def test_what_is_missing_is_told(parts: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="give the `tokenizer`"):
        transformers_model(parts[0])
    bare = tiny_tokenizer()
    bare.chat_template = None
    with pytest.raises(UsageError, match="no `chat_template`"):
        transformers_model(parts[0], bare)
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"agentlab\[transformers\]"):
        transformers_model("folder")
