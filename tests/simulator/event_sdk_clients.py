"""Cohere's SDK and boto3 as clients of the simulator: SDKs that leave it to their user to join a stream's events."""

from __future__ import annotations

import json
from types import MappingProxyType, SimpleNamespace
from typing import Any

import boto3
import botocore.config
import botocore.exceptions
import cohere
from cohere.core.api_error import ApiError as CohereApiError

from tests.simulator.sdk_clients import SAYS, SCHEMA, SDKS, TOOL, Heard


class CohereClient:
    errors = CohereApiError
    finishes = MappingProxyType({"stop": "COMPLETE", "tool_calls": "TOOL_CALL", "length": "MAX_TOKENS"})

    def __init__(self, sim, key=None):
        self.sdk = cohere.ClientV2(api_key=key or sim.token, base_url=sim.base_url("cohere"))

    def close(self):
        self.sdk._client_wrapper.httpx_client.httpx_client.close()

    def user(self, text):
        return {"role": "user", "content": text}

    def results(self, heard, texts):
        return [
            {"role": "tool", "tool_call_id": call_id, "content": text}
            for (call_id, _, _), text in zip(heard.calls, texts, strict=True)
        ]

    def ask(self, history, *, stream, tools=False, think=False):
        function = {"name": TOOL, "description": SAYS, "parameters": SCHEMA}
        asked = {"model": "command-a-reasoning-08-2025", "messages": history}
        asked["request_options"] = {"max_retries": 0}
        if tools:
            asked["tools"] = [{"type": "function", "function": function}]
        if think:
            asked["thinking"] = {"type": "enabled", "token_budget": 500}
        if not stream:
            answer = self.sdk.chat(**asked)
            return self.heard(answer.message, answer.finish_reason, answer.usage)
        message = {"content": [], "tool_calls": []}
        for event in self.sdk.chat_stream(**asked):
            said = getattr(getattr(event, "delta", None), "message", None)
            if event.type == "content-start":
                message["content"].append(said.content.dict())
            elif event.type == "content-delta":
                piece = message["content"][event.index]
                for name in ("text", "thinking"):
                    piece[name] = (piece.get(name) or "") + (getattr(said.content, name, None) or "")
            elif event.type == "tool-call-start":
                message["tool_calls"].append(said.tool_calls)
            elif event.type == "tool-call-delta":
                function = message["tool_calls"][event.index].function
                function.arguments += said.tool_calls.function.arguments
            elif event.type == "message-end":
                end = event.delta
        return self.heard(SimpleNamespace(**message), end.finish_reason, end.usage)

    def heard(self, message, finish, usage):
        pieces = [piece if isinstance(piece, dict) else piece.dict() for piece in message.content or ()]
        calls = list(message.tool_calls or ())
        turn = {"role": "assistant", "content": [_spoken(piece) for piece in pieces]}
        if calls:
            turn["tool_calls"] = [call.dict() for call in calls]
        return Heard(
            text="".join(piece["text"] for piece in pieces if piece["type"] == "text"),
            reasoning="".join(piece["thinking"] for piece in pieces if piece["type"] == "thinking"),
            calls=[(call.id, call.function.name, json.loads(call.function.arguments)) for call in calls],
            input_tokens=usage.tokens.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.tokens.output_tokens,
            finish=finish,
            turn=[turn],
        )


def _spoken(piece):
    return {name: piece[name] for name in ("type", piece["type"])}


class BedrockClient:
    errors = botocore.exceptions.ClientError
    finishes = MappingProxyType({"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"})

    def __init__(self, sim, key=None):
        self.sdk = boto3.client(
            "bedrock-runtime",
            region_name="eu-central-1",
            endpoint_url=sim.base_url("bedrock"),
            aws_access_key_id="AKIASIMULATED0000000",
            aws_secret_access_key=key or sim.token,
            config=botocore.config.Config(retries={"total_max_attempts": 1}),
        )

    def close(self):
        self.sdk.close()

    def user(self, text):
        return {"role": "user", "content": [{"text": text}, {"cachePoint": {"type": "default"}}]}

    def results(self, heard, texts):
        blocks = [
            {"toolResult": {"toolUseId": call_id, "content": [{"text": text}]}}
            for (call_id, _, _), text in zip(heard.calls, texts, strict=True)
        ]
        return [{"role": "user", "content": blocks}]

    def ask(self, history, *, stream, tools=False, think=False):
        asked = {"modelId": "eu.anthropic.claude-sonnet-4-6", "messages": history}
        if tools:
            spec = {"name": TOOL, "description": SAYS, "inputSchema": {"json": SCHEMA}}
            asked["toolConfig"] = {"tools": [{"toolSpec": spec}]}
        if think:
            asked["additionalModelRequestFields"] = {"thinking": {"type": "adaptive"}}
        if not stream:
            answer = self.sdk.converse(**asked)
            return self.heard(answer["output"]["message"]["content"], answer["stopReason"], answer["usage"])
        blocks: dict[int, dict[str, Any]] = {}
        for event in self.sdk.converse_stream(**asked)["stream"]:
            for kind, said in event.items():
                if kind == "contentBlockStart":
                    blocks[said["contentBlockIndex"]] = {"toolUse": {**said["start"]["toolUse"], "input": ""}}
                elif kind == "contentBlockDelta":
                    _grow(blocks.setdefault(said["contentBlockIndex"], {}), said["delta"])
                elif kind == "messageStop":
                    finish = said["stopReason"]
                elif kind == "metadata":
                    usage = said["usage"]
        content = [blocks[index] for index in sorted(blocks)]
        for block in content:
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
        return self.heard(content, finish, usage)

    def heard(self, content, finish, usage):
        calls = [block["toolUse"] for block in content if "toolUse" in block]
        thoughts = [
            block["reasoningContent"]["reasoningText"] for block in content if "reasoningContent" in block
        ]
        read, written = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
        return Heard(
            text="".join(block.get("text", "") for block in content),
            reasoning="".join(thought["text"] for thought in thoughts),
            calls=[(call["toolUseId"], call["name"], call["input"]) for call in calls],
            input_tokens=usage["inputTokens"] + read + written,
            cached_tokens=read,
            output_tokens=usage["outputTokens"],
            finish=finish,
            turn=[{"role": "assistant", "content": content}],
        )


def _grow(block, delta):
    """Put a delta into the block it belongs to."""
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    elif "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    elif "reasoningContent" in delta:
        thought = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})["reasoningText"]
        for name, text in delta["reasoningContent"].items():
            thought[name] = thought.get(name, "") + text


ALL_SDKS = {**SDKS, "cohere": CohereClient, "boto3": BedrockClient}
