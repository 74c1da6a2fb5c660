"""What is refused before any money is spent: each arm's first request is made, and not sent."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from agentlab.agent.frames import provider_and_model
from agentlab.caching.orderings.arrangement import arrange
from agentlab.caching.prices import priced_models, rates
from agentlab.errors import AgentlabError, UsageError
from agentlab.experiments.plan.axes import Arm
from agentlab.experiments.plan.cells import Cell
from agentlab.experiments.sample import Sample
from agentlab.models.capabilities import check_capabilities
from agentlab.models.model import WireModel

__all__ = ["check_arms", "check_templates", "unpriced_models"]


def check_templates(arms: Sequence[Arm], samples: Sequence[Sample]) -> None:
    """Refuse a template that names a column the dataset lacks.

    Raises:
        UsageError: One does.
    """
    for arm in arms:
        arm.template.check(samples[0].columns)


def check_arms(cells: Sequence[Cell]) -> None:
    """Make the first request of each arm, as it would be sent.

    Args:
        cells: The cells to run; the first of each arm is tried.

    Raises:
        UsageError: An arm's request cannot be made: the model lacks what it asks for, or the wire cannot express it.
    """
    seen: set[int] = set()
    for cell in cells:
        if id(cell.arm) in seen:
            continue
        seen.add(id(cell.arm))
        model = cell.arm.agent.model
        if not isinstance(model, WireModel):
            continue
        try:
            request = arrange(cell.arm.agent.completion(cell.prompt), wire=model.wire.name)
            check_capabilities(model, request)
            model.wire.encode(request, model.vendor)
        except AgentlabError as error:
            raise UsageError(f"arm `{cell.arm.name}` cannot be run: {error}") from error


def unpriced_models(arms: Sequence[Arm]) -> dict[str, str]:
    """Model names without a known price, each with a hint: a near name that has one, or the reason.

    A name with a typo has no price either; the hint is how it shows before it is sent.
    """
    found: dict[str, str] = {}
    for arm in arms:
        name = arm.agent.model.name
        vendor, model = provider_and_model(name)
        if name not in found and not rates(vendor, model).known:
            found[name] = _hint(vendor, model)
    return found


def _hint(vendor: str, model: str) -> str:
    near = difflib.get_close_matches(model, priced_models(vendor), n=1, cutoff=0.75)
    return f"did you mean `{near[0]}`?" if near else "the price table does not know it"
