"""What is sent to a worker: agents, scorers and samples as data, and never a live object or a user's key.

A model travels as its name, address and options, and finds its key where it arrives; a tool, hook or function as the
path it is imported by, and as code where there is none to import (cloudpickle: a notebook's own functions).
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from io import BytesIO
from types import FunctionType
from typing import Any, Final

from msgspec import Struct

from agentlab.agent.retrieving.retrieved import searches_of
from agentlab.errors import MissingExtra, UsageError
from agentlab.experiments.engine.unshippable import what_holds_it_back
from agentlab.experiments.plan.axes import Arm
from agentlab.experiments.scoring import Scorer
from agentlab.http import HttpClient, RenewedToken, Retry, resolve_key
from agentlab.models import WireModel
from agentlab.models.credentials import credential_for
from agentlab.models.registry import WIRES, wire_for
from agentlab.models.wire import Vendor, Wire
from agentlab.tools import FunctionTool

__all__ = ["ModelSpec", "check_shippable", "packed_for_worker", "unpacked_on_worker"]

_SIMULATED: Final = "sim"
_INTERACTIVE: Final = "__main__"

_ToolOptions = dict[str, Any]
"""Options of a `FunctionTool`, by name: what it declares, and when it asks, must hold where it arrives too."""


class ModelSpec(Struct, frozen=True, kw_only=True):
    """A model as data.

    Attributes:
        name: `"vendor:model"`.
        vendor: Who serves it.
        model_id: The vendor's name of it.
        wire: The wire's name, or one of your own.
        base_url: Where it is reached.
        http: The client's options.
        retry: When a failed call is sent again.
        token: A simulator's token; a vendor's key is never sent.
    """

    name: str
    vendor: Vendor
    model_id: str
    wire: str | Any
    base_url: str
    http: HttpClient
    retry: Retry
    token: str | None

    @classmethod
    def of(cls, model: WireModel) -> ModelSpec:
        """Describe a model.

        Raises:
            UsageError: Its key was given in the program and is not what a worker would find.
        """
        return cls(
            name=model.name,
            vendor=model.vendor,
            model_id=model.model_id,
            wire=_wire_name(model.wire),
            base_url=model.base_url,
            http=model.http,
            retry=model.retry,
            token=_token(model),
        )

    def model(self) -> WireModel:
        """The model, with the key this process has for it.

        Raises:
            MissingKey: The vendor needs one and there is none.
        """
        row = self.vendor
        key = credential_for(self.token, row)
        return WireModel(
            row,
            self.model_id,
            wire_for(self.wire) if isinstance(self.wire, str) else self.wire,
            base_url=self.base_url,
            key=key,
            http=self.http,
            retry=self.retry,
            name=self.name,
        )


def packed_for_worker(value: object) -> bytes:
    """Pickle a value, its models as specs and its tools by import path.

    Raises:
        UsageError: It holds a key.
        Exception: It holds something that cannot be pickled; whatever the pickler raises.
    """
    file = BytesIO()
    _pickler(file).dump(value)
    return file.getvalue()


def unpacked_on_worker(data: bytes) -> Any:
    """What was packed; the data comes from the driver of this very sweep.

    Raises:
        UsageError: A module it is imported from is not here.
        MissingKey: A vendor's key is not here.
    """
    try:
        return pickle.loads(data)  # noqa: S301 - the executor would unpickle it too
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"the worker cannot import what the sweep uses: {error}; install that module where the worker runs, or define "
            "the function in the notebook, from where it is sent by value"
        ) from error


def check_shippable(
    arms: Iterable[Arm], scorers: Iterable[Scorer], others: Iterable[tuple[str, object]]
) -> None:
    """Send everything to this very process and back, so that what cannot be sent is refused before any work.

    Args:
        arms: Their agents.
        scorers: The scorers.
        others: What else is sent, each with a name for the error.

    Raises:
        UsageError: Something cannot be sent; the message names it and says what holds it back.
        MissingExtra: Code must be sent by value, and cloudpickle is not installed.
    """
    for name, part in [*_parts(arms), *((f"the scorer `{each.name}`", each) for each in scorers), *others]:
        try:
            data = packed_for_worker(part)
            unpacked_on_worker(data)
        except UsageError as error:
            raise type(error)(f"{name} cannot be sent to a worker: {error}") from None
        except Exception as error:
            found = what_holds_it_back(part, packed_for_worker)
            why = f"{found} ({error})" if found else str(error)
            raise UsageError(
                f"{name} cannot be sent to a worker: {why}. Make it inside the function that uses it, or in a module that "
                "the worker imports"
            ) from error


def _parts(arms: Iterable[Arm]) -> Iterable[tuple[str, object]]:
    """Whatever could hold something live, smallest parts first, so that an error names the smallest."""
    for arm in arms:
        agent, settings = arm.agent, arm.agent.settings
        of = f"of the arm `{arm.name}`"
        yield f"the model `{agent.model.name}` {of}", agent.model
        for tool in settings.tools:
            yield f"the tool `{tool.definition.name}` {of}", tool
        for entry in searches_of(settings):
            yield f"the index `{entry.name}` {of}", entry
        for hook in settings.hooks:
            yield f"the hook `{type(hook).__name__}` {of}", hook
        for fact in settings.volatile:
            yield f"the volatile fact `{getattr(fact, '__name__', fact)}` {of}", fact
        yield f"the tool context {of}", settings.tool_context
        yield f"the agent {of}", agent


def _token(model: WireModel) -> str | None:
    """The token to send; None where the worker finds its key by itself."""
    row = model.vendor
    if isinstance(model.credential, RenewedToken) and row.tokens is None:
        raise UsageError(
            "its tokens come from a function, and keys are not sent to workers: set "
            f"{' or '.join(row.key_env)} in the workers' environment, and leave `api_key` out"
        )
    if model.key is None or model.key == resolve_key(None, row.key_env, service=row.name, required=False):
        return None
    revealed = model.key.reveal()
    if model.name.partition(":")[0] == _SIMULATED and revealed.startswith(f"{_SIMULATED}-"):
        return revealed
    where = (
        f"set {' or '.join(row.key_env)} in the workers' environment"
        if row.key_env
        else "use a keyring there"
    )
    raise UsageError(
        f"its key was given as `api_key=`, and keys are not sent to workers: {where}, and leave `api_key` out"
    )


def _wire_name(wire: Wire) -> str | Wire:
    """A wire by its name; itself, where it is no wire of the registry."""
    known = WIRES.get(wire.name)
    return wire.name if known is not None and known[1] == type(wire).__name__ else wire


# ---------------------------------------------------------------------------- pickling


def _pickler(file: BytesIO) -> pickle.Pickler:
    """A pickler that sends functions without an import path by value, where cloudpickle is installed."""
    try:
        from cloudpickle import Pickler as Base  # noqa: PLC0415 - optional
    except ImportError:
        Base = _ByPath  # noqa: N806 - a class

    class Shipping(Base):  # type: ignore[misc]
        """Sends models as specs and tools by import path."""

        def reducer_override(self, value: Any) -> Any:
            if type(value) is WireModel:
                return ModelSpec.model, (ModelSpec.of(value),)
            if type(value) is FunctionTool:
                return _tool_reduced(value)
            return super().reducer_override(value)

    shipping: pickle.Pickler = Shipping(file, protocol=pickle.HIGHEST_PROTOCOL)
    return shipping


class _ByPath(pickle.Pickler):
    """Plain pickling, which refuses what only this process can import."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, FunctionType | type) and value.__module__ == _INTERACTIVE:
            raise MissingExtra(
                f"`{value.__qualname__}` is defined in the notebook or script itself and must be sent by value: "
                'pip install "agentlab[dask]"'
            )
        return NotImplemented


def _tool_reduced(tool: FunctionTool) -> tuple[Any, ...]:
    """A tool by the path it is imported by, else its function and its options."""
    function = tool.function
    path = (str(getattr(function, "__module__", "")), str(getattr(function, "__qualname__", "")))
    found = _found_at(*path)
    if found is tool:
        return _imported, path
    options: _ToolOptions = {
        "name": tool.definition.name,
        "description": tool.definition.description,
        "strict": tool.definition.strict,
        "timeout_s": tool.timeout_s,
        "approval": tool.approval,
        "effect": tool.effect,
        "returns": tool.returns,
        "confined": tool.confined,
    }
    if isinstance(found, FunctionTool) and found.function is function:
        return _tool_at, (*path, options)
    return _tool_of, (function, options)


def _found_at(module: str, name: str) -> Any:
    """What a path leads to; None where it leads nowhere, or only in this very process."""
    if module == _INTERACTIVE or module not in sys.modules:
        return None
    found: Any = sys.modules[module]
    for step in name.split("."):
        found = getattr(found, step, None)
    return found


def _imported(module: str, name: str) -> Any:
    """What a path leads to, its module imported.

    Raises:
        ImportError: It leads nowhere.
    """
    import_module(module)
    found = _found_at(module, name)
    if found is None:
        raise ImportError(f"`{module}` has no `{name}`")
    return found


def _tool_at(module: str, name: str, options: _ToolOptions) -> FunctionTool:
    """A tool made anew of the function of an imported one."""
    return _tool_of(_imported(module, name).function, options)


def _tool_of(function: Callable[..., Any], options: _ToolOptions) -> FunctionTool:
    return FunctionTool(function, **options)
