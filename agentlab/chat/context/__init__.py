"""What the model is told with a prompt: persona, mode, attachments, history; pure, and sparing with the cached prefix."""

from agentlab.chat.context.attachments import Attachment, Choice, choose
from agentlab.chat.context.budgets import Budgets
from agentlab.chat.context.builder import BuiltContext, ContextBuilder, ContextInput
from agentlab.chat.context.builders import BUILDERS, AttachmentsFirst, SeedOrdering, Stable, builder_of
from agentlab.chat.context.report import ReportRow, report_frame

__all__ = [
    "BUILDERS",
    "Attachment",
    "AttachmentsFirst",
    "Budgets",
    "BuiltContext",
    "Choice",
    "ContextBuilder",
    "ContextInput",
    "ReportRow",
    "SeedOrdering",
    "Stable",
    "builder_of",
    "choose",
    "report_frame",
]
