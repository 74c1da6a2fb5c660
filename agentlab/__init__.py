"""agentlab: a lab bench for LLM agents in a notebook.

    import agentlab as al

    agent = al.Agent("sim:openai/gpt-5.6", tools=[...])
    run = await agent.show("...")

Names are loaded when they are first used, so that `import agentlab` costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agentlab import errors as errors
