"""The official SDKs as clients of the simulator, each behind the same few calls, so that one test holds for all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import anthropic
import ollama
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as genai_types

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = "get_weather"
SAYS = "Tells the weather."


@dataclass
class Heard:
    """What an SDK made of an answer; `turn` is what it would send back as the model's turn."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str | None, str, dict[str, Any]]] = field(default_factory=list)
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    finish: str | None = None
    turn: list[Any] = field(default_factory=list)


class Client(Protocol):
    def user(self, text: str) -> Any: ...
    def results(self, heard: Heard, texts: list[str]) -> list[Any]: ...
    def ask(self, history: list[Any], *, stream: bool, tools: bool = False, think: bool = False) -> Heard: ...
    def close(self) -> None: ...


class OpenAIChatClient:
    errors = openai.APIStatusError
    finishes = MappingProxyType({"stop": "stop", "tool_calls": "tool_calls", "length": "length"})

    def __init__(self, sim, key=None):
        self.sdk = openai.OpenAI(base_url=sim.base_url("deepseek"), api_key=key or sim.token, max_retries=0)

    def close(self):
        self.sdk.close()

    def user(self, text):
        return {"role": "user", "content": text}

    def results(self, heard, texts):
        return [
            {"role": "tool", "tool_call_id": call_id, "content": text}
            for (call_id, _, _), text in zip(heard.calls, texts, strict=True)
        ]

    def ask(self, history, *, stream, tools=False, think=False):
        function = {"name": TOOL, "description": SAYS, "parameters": SCHEMA}
        asked = {"tools": [{"type": "function", "function": function}]} if tools else {}
        if not stream:
            answer = self.sdk.chat.completions.create(model="deepseek-reasoner", messages=history, **asked)
        else:
            # The SDK's own final answer is an exception where the length ran out; its snapshot is not.
            with self.sdk.chat.completions.stream(
                model="deepseek-reasoner",
                messages=history,
                stream_options={"include_usage": True},
                **asked,
            ) as events:
                for _ in events:
                    pass
                answer = events.current_completion_snapshot
        return self.heard(answer)

    def heard(self, answer):
        choice, usage = answer.choices[0], answer.usage
        calls = choice.message.tool_calls or []
        return Heard(
            text=choice.message.content or "",
            reasoning=getattr(choice.message, "reasoning_content", None) or "",
            calls=[(call.id, call.function.name, json.loads(call.function.arguments)) for call in calls],
            input_tokens=usage.prompt_tokens,
            cached_tokens=usage.prompt_tokens_details.cached_tokens,
            output_tokens=usage.completion_tokens,
            reasoning_tokens=usage.completion_tokens_details.reasoning_tokens,
            finish=choice.finish_reason,
            turn=[
                {
                    "role": "assistant",
                    "content": choice.message.content,
                    **(
                        {
                            "tool_calls": [
                                call.model_dump(
                                    include={"id", "type", "function"},
                                    exclude={"function": {"parsed_arguments"}},
                                )
                                for call in calls
                            ]
                        }
                        if calls
                        else {}
                    ),
                }
            ],
        )


class OpenAIResponsesClient:
    errors = openai.APIStatusError
    finishes = MappingProxyType({"stop": "completed", "tool_calls": "completed", "length": "incomplete"})

    def __init__(self, sim, key=None):
        self.sdk = openai.OpenAI(base_url=sim.base_url("openai"), api_key=key or sim.token, max_retries=0)

    def close(self):
        self.sdk.close()

    def user(self, text):
        return {"role": "user", "content": text}

    def results(self, heard, texts):
        return [
            {"type": "function_call_output", "call_id": call_id, "output": text}
            for (call_id, _, _), text in zip(heard.calls, texts, strict=True)
        ]

    def ask(self, history, *, stream, tools=False, think=False):
        asked = {"model": "gpt-5.6", "input": history, "include": ["reasoning.encrypted_content"]}
        if tools:
            asked["tools"] = [
                {"type": "function", "name": TOOL, "description": SAYS, "parameters": SCHEMA, "strict": False}
            ]
        if think:
            asked["reasoning"] = {"effort": "low", "summary": "detailed"}
        if not stream:
            return self.heard(self.sdk.responses.create(**asked))
        with self.sdk.responses.stream(**asked) as events:
            *_, last = events
        return self.heard(last.response)

    def heard(self, answer):
        usage = answer.usage
        calls = [item for item in answer.output if item.type == "function_call"]
        thoughts = [item for item in answer.output if item.type == "reasoning"]
        return Heard(
            text=answer.output_text,
            reasoning="".join(part.text for item in thoughts for part in item.summary),
            calls=[(call.call_id, call.name, json.loads(call.arguments)) for call in calls],
            input_tokens=usage.input_tokens,
            cached_tokens=usage.input_tokens_details.cached_tokens,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.output_tokens_details.reasoning_tokens,
            finish=answer.status,
            turn=[item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output],
        )


class AnthropicClient:
    errors = anthropic.APIStatusError
    finishes = MappingProxyType({"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"})

    def __init__(self, sim, key=None):
        self.sdk = anthropic.Anthropic(
            base_url=sim.base_url("anthropic"), api_key=key or sim.token, max_retries=0
        )

    def close(self):
        self.sdk.close()

    def user(self, text):
        marker = {"type": "ephemeral"}
        return {"role": "user", "content": [{"type": "text", "text": text, "cache_control": marker}]}

    def results(self, heard, texts):
        blocks = [
            {"type": "tool_result", "tool_use_id": call_id, "content": text}
            for (call_id, _, _), text in zip(heard.calls, texts, strict=True)
        ]
        return [{"role": "user", "content": blocks}]

    def ask(self, history, *, stream, tools=False, think=False):
        asked = {"model": "claude-sonnet-5", "messages": history, "max_tokens": 4096}
        if tools:
            asked["tools"] = [{"name": TOOL, "description": SAYS, "input_schema": SCHEMA}]
        if think:
            asked["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        if not stream:
            return self.heard(self.sdk.messages.create(**asked))
        with self.sdk.messages.stream(**asked) as events:
            for _ in events:
                pass
            return self.heard(events.get_final_message())

    def heard(self, answer):
        usage, content = answer.usage, answer.content
        calls = [block for block in content if block.type == "tool_use"]
        read, written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        return Heard(
            text="".join(block.text for block in content if block.type == "text"),
            reasoning="".join(block.thinking for block in content if block.type == "thinking"),
            calls=[(call.id, call.name, call.input) for call in calls],
            input_tokens=usage.input_tokens + read + written,
            cached_tokens=read,
            output_tokens=usage.output_tokens,
            reasoning_tokens=usage.output_tokens_details.thinking_tokens,
            finish=answer.stop_reason,
            turn=[{"role": "assistant", "content": [_sendable(block) for block in content]}],
        )


def _sendable(block):
    return block.model_dump(exclude_none=True, exclude={"parsed_output", "caller"})


class GeminiClient:
    errors = genai_errors.APIError
    finishes = MappingProxyType({"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS"})

    def __init__(self, sim, key=None):
        options = genai_types.HttpOptions(
            base_url=sim.base_url("gemini", ""), retry_options=genai_types.HttpRetryOptions(attempts=1)
        )
        self.sdk = genai.Client(api_key=key or sim.token, http_options=options)

    def close(self):
        self.sdk.close()

    def user(self, text):
        return genai_types.UserContent(text)

    def results(self, heard, texts):
        parts = [
            genai_types.Part(
                function_response=genai_types.FunctionResponse(
                    id=call_id, name=name, response={"result": text}
                )
            )
            for (call_id, name, _), text in zip(heard.calls, texts, strict=True)
        ]
        return [genai_types.Content(role="user", parts=parts)]

    def ask(self, history, *, stream, tools=False, think=False):
        config = genai_types.GenerateContentConfig(
            automatic_function_calling=genai_types.AutomaticFunctionCallingConfig(disable=True)
        )
        if tools:
            declared = genai_types.FunctionDeclaration(
                name=TOOL, description=SAYS, parameters_json_schema=SCHEMA
            )
            config.tools = [genai_types.Tool(function_declarations=[declared])]
        if think:
            config.thinking_config = genai_types.ThinkingConfig(include_thoughts=True, thinking_level="low")
        asked = {"model": "gemini-3.5-flash", "contents": history, "config": config}
        if not stream:
            return self.heard([self.sdk.models.generate_content(**asked)])
        return self.heard(list(self.sdk.models.generate_content_stream(**asked)))

    def heard(self, answers):
        parts = [part for answer in answers for part in answer.candidates[0].content.parts or ()]
        usage = answers[-1].usage_metadata
        thoughts = usage.thoughts_token_count or 0
        return Heard(
            text="".join(part.text or "" for part in parts if not part.thought),
            reasoning="".join(part.text or "" for part in parts if part.thought),
            calls=[
                (part.function_call.id, part.function_call.name, part.function_call.args)
                for part in parts
                if part.function_call
            ],
            input_tokens=usage.prompt_token_count,
            cached_tokens=usage.cached_content_token_count or 0,
            output_tokens=(usage.candidates_token_count or 0) + thoughts,
            reasoning_tokens=thoughts,
            finish=answers[-1].candidates[0].finish_reason.value,
            turn=[genai_types.Content(role="model", parts=parts)],
        )


class OllamaClient:
    errors = ollama.ResponseError
    finishes = MappingProxyType({"stop": "stop", "tool_calls": "stop", "length": "length"})

    def __init__(self, sim, key=None):
        headers = {"Authorization": f"Bearer {key or sim.token}"}
        self.sdk = ollama.Client(host=sim.base_url("ollama"), headers=headers)

    def close(self):
        self.sdk.close()

    def user(self, text):
        return {"role": "user", "content": text}

    def results(self, heard, texts):
        return [
            {"role": "tool", "tool_name": name, "content": text}
            for (_, name, _), text in zip(heard.calls, texts, strict=True)
        ]

    def ask(self, history, *, stream, tools=False, think=False):
        function = {"name": TOOL, "description": SAYS, "parameters": SCHEMA}
        asked = {"model": "qwen3", "messages": history, "stream": stream, "think": think or None}
        if tools:
            asked["tools"] = [{"type": "function", "function": function}]
        answer = self.sdk.chat(**asked)
        return self.heard(list(answer) if stream else [answer])

    def heard(self, answers):
        messages, last = [answer.message for answer in answers], answers[-1]
        text = "".join(message.content or "" for message in messages)
        calls = [call for message in messages for call in message.tool_calls or ()]
        turn = {"role": "assistant", "content": text, "tool_calls": [call.model_dump() for call in calls]}
        return Heard(
            text=text,
            reasoning="".join(message.thinking or "" for message in messages),
            calls=[(None, call.function.name, dict(call.function.arguments)) for call in calls],
            input_tokens=last.prompt_eval_count,
            output_tokens=last.eval_count,
            finish=last.done_reason,
            turn=[turn],
        )


SDKS = {
    "openai-chat": OpenAIChatClient,
    "openai-responses": OpenAIResponsesClient,
    "anthropic": AnthropicClient,
    "google-genai": GeminiClient,
    "ollama": OllamaClient,
}
