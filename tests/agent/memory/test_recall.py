"""What a window left out comes back where it fits the prompt, behind all that is cached."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from agentlab.agent.memory.recall import EmbeddedIndex, GrowingIndex, Recall
from agentlab.agent.memory.window import Window
from agentlab.messages import AssistantMessage, Message, UserMessage
from agentlab.retrieval.embeddings.embedding import Embedding, EmbeddingResponse
from agentlab.retrieval.embeddings.model import EmbeddingModel, InputType
from agentlab.retrieval.lexical import LexicalIndex
from agentlab.retrieval.stores.memory import InMemoryVectorStore
from agentlab.simulator import reply
from tests.agent.bench import Bench, assert_sendable

pytestmark = pytest.mark.anyio

TOPICS = ("apples", "bridges", "comets", "dolphins")


class Letters(EmbeddingModel):
    """Embeds a text by how often each letter is in it."""

    name = "test:letters"
    dimensions = 26
    max_documents = 8
    max_request_bytes = None

    def __init__(self) -> None:
        self.embedded: list[str] = []

    async def embed(self, texts: Sequence[str], input_type: InputType = "document") -> EmbeddingResponse:
        if input_type == "document":
            self.embedded += texts
        vectors = [
            np.array([text.lower().count(chr(97 + place)) + 0.01 for place in range(26)], dtype=np.float32)
            for text in texts
        ]
        return EmbeddingResponse(
            tuple(Embedding(text, vector) for text, vector in zip(texts, vectors, strict=True))
        )


def about(topic: str) -> list[Message]:
    return [UserMessage.of(f"Tell me of {topic}."), AssistantMessage.of(f"{topic.title()} are fine.")]


def history_of(*topics: str) -> list[Message]:
    return [message for topic in topics for message in about(topic)]


@pytest.mark.parametrize("kind", ["lexical", "vectors"])
async def test_what_fits_the_prompt_is_recalled_and_nothing_is_embedded_twice(kind: str) -> None:
    model = Letters()
    index: GrowingIndex = LexicalIndex() if kind == "lexical" else EmbeddedIndex(InMemoryVectorStore(), model)
    memory = Recall(index, 1, recent=Window(1))
    history = history_of(*TOPICS)
    done = await memory.remember(history, UserMessage.of("What of the bridges?"))
    assert done.dropped == 6
    (found,) = done.recalled
    assert found.rendered().count("User: Tell me of bridges.\nAssistant: Bridges are fine.") == 1
    assert await memory.remember(history, UserMessage.of("What of the bridges?")) == done
    if kind == "vectors":
        assert len(model.embedded) == 3


async def test_conversations_in_one_index_find_their_own_alone() -> None:
    index = LexicalIndex()
    one, other = history_of("apples", "bridges", "comets"), history_of("dolphins", "bridges", "comets")
    memory = Recall(index, 5, recent=Window(1))
    await memory.remember(one, UserMessage.of("apples"))
    found = (await memory.remember(other, UserMessage.of("apples and bridges"))).recalled
    assert len(found) == 1
    assert "bridges" in found[0].rendered()


async def test_recalled_exchanges_go_with_the_prompt_stay_with_it_and_move_nothing(bench: Bench) -> None:
    memory = Recall(LexicalIndex(), 1, recent=Window(2, 1))
    preamble = "Be kind. " * 500
    agent = bench.agent("openai", lambda _: reply("Fine. " * 60), memory=memory, preamble=preamble)
    history: list[Message] = []
    for topic in (*TOPICS, "apples again"):
        run = await agent.chat(f"Tell me of {topic}.", history)
    assert run.trace.memory is not None
    (found,) = run.trace.memory.done.recalled
    assert "Tell me of apples." in found.rendered()
    assert run.trace.memory.plan.most_recalled == 1
    prompt = run.messages[0]
    assert isinstance(prompt, UserMessage)
    assert "Tell me of apples." in prompt.text
    assert history[-2] is prompt
    later = await agent.prompt("Tell me of apples once more.", history=history)
    assert later.trace.memory is not None
    if later.trace.memory.plan.moves is None:
        assert (later.usage.cache_read_tokens or 0) >= 0.95 * (run.usage.input_tokens or 0)
    assert_sendable(later.all_messages)


async def test_recalled_documents_are_no_words_of_the_users() -> None:
    memory = Recall(LexicalIndex(), 2, recent=Window(1))
    history = history_of("apples", "bridges")
    prompt = UserMessage.of("apples")
    recalled = (await memory.remember([*history, *about("comets")], prompt)).recalled
    told = UserMessage.of("".join(each.rendered() for each in recalled), "More, please.")
    longer = [*history, *about("comets"), told, AssistantMessage.of("Yes."), *about("dolphins")]
    found = (await memory.remember(longer, UserMessage.of("more please"))).recalled
    assert [each.rendered().count("apples") for each in found] == [0]


async def test_a_prompt_without_words_recalls_nothing() -> None:
    memory = Recall(LexicalIndex(), 1, recent=Window(1))
    assert (await memory.remember(history_of(*TOPICS), UserMessage.of(" "))).recalled == ()
    assert memory.name == "recall behind a window of 1 turns"
