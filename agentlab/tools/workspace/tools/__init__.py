"""The tools by which a model works in a workspace."""

from agentlab.tools.workspace.tools.file_tools import workspace_tools
from agentlab.tools.workspace.tools.guarding import Guard
from agentlab.tools.workspace.tools.plan_write import PLAN_FOLDER, PLAN_SUFFIX, plan_path

__all__ = ["PLAN_FOLDER", "PLAN_SUFFIX", "Guard", "plan_path", "workspace_tools"]
