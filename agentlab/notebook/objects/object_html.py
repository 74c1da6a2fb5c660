"""Which picture an object has."""

from __future__ import annotations

from agentlab.agent import Agent, Run
from agentlab.errors import UsageError
from agentlab.messages import Usage
from agentlab.modalities.results import GeneratedImage, GeneratedImages, Speech, Transcription
from agentlab.models.vendors import Vendors
from agentlab.notebook.objects.agent_html import agent_html
from agentlab.notebook.objects.media_html import media_html
from agentlab.notebook.objects.run_html import run_html
from agentlab.notebook.objects.tools_html import tool_html, toolset_html
from agentlab.notebook.objects.usage_html import usage_html
from agentlab.notebook.objects.vendors_html import vendors_html
from agentlab.notebook.safety.safe_html import SafeHTML
from agentlab.tools import Tool, Toolset

__all__ = ["object_html"]


def object_html(shown: object) -> SafeHTML:
    """An object as a notebook shows it, every text in it escaped.

    Args:
        shown: An agent, a run, a tool or a set of them, usage, the table of vendors, or what was heard, drawn or spoken.

    Raises:
        UsageError: It is none of these.
    """
    match shown:
        case Agent():
            return agent_html(shown)
        case Run():
            return run_html(shown)
        case Usage():
            return usage_html(shown)
        case Vendors():
            return vendors_html(shown)
        case Toolset():
            return toolset_html(shown.definitions)
        case Tool():
            return tool_html(shown.definition)
        case Transcription() | GeneratedImage() | GeneratedImages() | Speech():
            return media_html(shown)
        case _:
            raise UsageError(f"{type(shown).__name__} has no picture of its own")
