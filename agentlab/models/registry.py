"""From a name to a model: `"vendor:model"` over the network, `"sim:vendor/model"` against the embedded simulator."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from agentlab.errors import UsageError
from agentlab.http import Clock, HttpClient, Retry
from agentlab.models.credentials import Key, credential_for
from agentlab.models.model import WireModel
from agentlab.models.vendors import base_url_of, split_name, vendor, with_default_model
from agentlab.models.wire import Wire

__all__ = ["WIRES", "model", "wire_for"]

WIRES: Final[dict[str, tuple[str, str]]] = {
    "anthropic-messages": ("agentlab.models.anthropic", "AnthropicMessages"),
    "bedrock-converse": ("agentlab.models.bedrock", "BedrockConverse"),
    "cohere-chat": ("agentlab.models.cohere", "CohereChat"),
    "gemini": ("agentlab.models.gemini", "GeminiGenerate"),
    "ollama": ("agentlab.models.ollama", "OllamaChat"),
    "openai-chat": ("agentlab.models.openai_chat", "OpenAIChat"),
    "openai-responses": ("agentlab.models.openai_responses", "OpenAIResponses"),
}


def wire_for(name: str) -> Wire:
    """A new instance of a wire.

    Raises:
        UsageError: No wire has that name.
    """
    if name not in WIRES:
        raise UsageError(f"no wire is called `{name}`; there are {', '.join(sorted(WIRES))}")
    module, attribute = WIRES[name]
    wire: Wire = getattr(import_module(module), attribute)()
    return wire


def model(
    name: str,
    *,
    api_key: Key | None = None,
    base_url: str | None = None,
    places: Mapping[str, str] | None = None,
    http: HttpClient | None = None,
    retry: Retry | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> WireModel:
    """A model by name.

    Args:
        name: `"openai:gpt-5.6"`, `"anthropic:claude-sonnet-5"`, `"ollama:qwen3:4b"`; with `sim:` in front and a slash,
            `"sim:openai/gpt-5.6"`, the same wire and vendor against the simulator, which is started on demand. A vendor
            alone, `"openai"` or `"sim:openai"`, is its default model (`vendors()` tells which that is).
        api_key: The key, or a function that gives tokens; else the vendor's environment variable, else the keyring, else
            what `agentlab login` stored in a file, else the login of its cloud (Vertex AI).
        base_url: Another address: a proxy, a gateway, a server of your own.
        places: What stands in the places of the vendor's address: `{"project": "lab", "location": "europe-west4"}`.
        http: A client with timeouts of your choice; one of its own where None.
        retry: When a failed call is sent again.
        clock: Time; for tests.
        seed: Seed of the retries' jitter.

    Raises:
        UsageError: The name is not of that form, or no vendor has it.
        MissingKey: The vendor needs a key and there is none.
    """
    name = with_default_model(name)
    before, model_id = split_name(name)
    simulated = before == "sim"
    if simulated:
        vendor_name, slash, model_id = model_id.partition("/")
        if not (slash and model_id):
            raise UsageError(
                f'a simulated model is named "sim:vendor/model", such as "sim:openai/gpt-5.6", not `{name}`'
            )
        before = vendor_name
    row = vendor(before)
    if simulated and base_url is None:
        from agentlab.simulator import shared  # noqa: PLC0415 - started only for simulated models

        simulator = shared()
        base_url, api_key = simulator.base_url(row.name), api_key or simulator.token
    address = base_url_of(row, base_url, places=places)
    return WireModel(
        row,
        model_id,
        wire_for(row.wire),
        base_url=address,
        key=credential_for(api_key, row, clock=clock, base_url=address),
        http=http,
        retry=retry,
        clock=clock,
        seed=seed,
        name=name,
    )
