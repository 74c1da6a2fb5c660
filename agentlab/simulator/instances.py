"""An instance of a JSON Schema, filled from what a text holds. Deterministic, and valid for the schemas tools use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from agentlab.simulator.evidence import Evidence

__all__ = ["instance", "is_fillable"]

_DEPTH: Final = 4
_FORMATS: Final = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1M",
    "email": "simulated@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


def instance(schema: Mapping[str, Any], evidence: Evidence) -> Any:
    """Make a value that fits a schema.

    References, unions, enums, constants, bounds, lengths and formats are kept; `pattern` and `not` are beyond it.

    Args:
        schema: A JSON Schema.
        evidence: Where values come from; what it lacks gets a plain value of the type.
    """
    return _value(dict(schema), evidence, "value", schema, _DEPTH)


def is_fillable(schema: Mapping[str, Any], evidence: Evidence) -> bool:
    """Whether the evidence holds something for every required property of an object schema.

    Numbers must be there as numbers; one text may be the whole message, but not two.
    """
    required = schema.get("required") or ()
    properties = schema.get("properties") or {}
    shapes = {name: _resolved(properties[name], schema) for name in required if name in properties}
    bare = {name: shape for name, shape in shapes.items() if "default" not in shape and "const" not in shape}
    numbers = [name for name, shape in bare.items() if _type(shape) in {"integer", "number"}]
    if len(numbers) > evidence.numbers:
        return False
    texts = [name for name, shape in bare.items() if _type(shape) == "string" and "enum" not in shape]
    return len(texts) < 2 or evidence.is_specific


def _value(shape: Any, evidence: Evidence, name: str, root: Mapping[str, Any], depth: int) -> Any:
    if not isinstance(shape, dict):
        return {} if shape is True else None
    shape = _resolved(shape, root)
    if "const" in shape:
        return shape["const"]
    if shape.get("enum"):
        return _chosen(shape["enum"], evidence.text)
    kind = _type(shape)
    if kind == "object":
        return _object(shape, evidence, root, depth)
    if kind == "array":
        return _array(shape, evidence, name, root, depth)
    if kind in {"integer", "number"}:
        return _number(shape, evidence, name, whole=kind == "integer")
    if kind == "boolean":
        return bool(shape.get("default", True))
    if kind == "null":
        return None
    return _string(shape, evidence, name)


def _resolved(shape: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """A shape with its reference followed, its first real alternative taken and its `allOf` laid together."""
    seen: set[str] = set()
    while isinstance(shape, dict):
        reference = shape.get("$ref")
        if isinstance(reference, str) and reference not in seen:
            seen.add(reference)
            target: Any = root
            for step in reference.removeprefix("#").strip("/").split("/"):
                target = target.get(step, {}) if isinstance(target, Mapping) and step else target
            shape = {**target, **{key: value for key, value in shape.items() if key != "$ref"}}
            continue
        options = shape.get("anyOf") or shape.get("oneOf")
        if options:
            rest = {key: value for key, value in shape.items() if key not in {"anyOf", "oneOf"}}
            shape = {**rest, **_first_real(options)}
            continue
        if shape.get("allOf"):
            merged = {key: value for key, value in shape.items() if key != "allOf"}
            for piece in shape["allOf"]:
                merged = {**merged, **_resolved(piece, root)}
            shape = merged
            continue
        return shape
    return {}


def _first_real(options: list[Any]) -> dict[str, Any]:
    real = [option for option in options if isinstance(option, dict) and option.get("type") != "null"]
    return real[0] if real else {"type": "null"}


def _type(shape: Mapping[str, Any]) -> str:
    kind = shape.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind.lower()
    return "object" if "properties" in shape else "array" if "items" in shape else "string"


def _chosen(options: list[Any], text: str) -> Any:
    """The option the text names, the earliest if it names several; else the first."""
    lowered = text.lower()
    named = [(lowered.find(str(option).lower()), place) for place, option in enumerate(options)]
    found = [(position, place) for position, place in named if position >= 0]
    return options[min(found)[1]] if found else options[0]


def _object(shape: dict[str, Any], evidence: Evidence, root: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = shape.get("properties") or {}
    required = shape.get("required") or ()
    built: dict[str, Any] = {}
    for name, inner in properties.items():
        if name in required:
            built[name] = _value(inner, evidence, name, root, depth - 1)
        elif depth > 0 and (said := evidence.named(name)) is not None and isinstance(inner, dict):
            built[name] = _value(inner, Evidence(f"{name}: {said}"), name, root, depth - 1)
    return built


def _array(
    shape: dict[str, Any], evidence: Evidence, name: str, root: Mapping[str, Any], depth: int
) -> list[Any]:
    items = _resolved(shape.get("items", {}), root)
    least = int(shape.get("minItems", 0))
    most = int(shape.get("maxItems", max(least, evidence.numbers, 1)))
    plain = 1 if depth > 0 else 0
    wanted = evidence.numbers if _type(items) in {"integer", "number"} else plain
    count = min(max(wanted, least), most)
    singular = name.removesuffix("s")
    return [_value(items, evidence, singular, root, depth - 1) for _ in range(count)]


def _number(shape: dict[str, Any], evidence: Evidence, name: str, *, whole: bool) -> float | int:
    said = evidence.named(name)
    value: float | int | None = None
    if said is not None:
        value = Evidence(said).take_number()
    if value is None:
        value = shape.get("default", evidence.take_number())
    if not isinstance(value, int | float):
        value = 0
    if whole:
        value = int(value)
    return _bounded(value, shape, whole=whole)


def _bounded(value: float, shape: dict[str, Any], *, whole: bool) -> float | int:
    step = 1 if whole else 0.001
    low = shape.get("minimum")
    if "exclusiveMinimum" in shape:
        low = max(shape["exclusiveMinimum"] + step, low if low is not None else -math.inf)
    high = shape.get("maximum")
    if "exclusiveMaximum" in shape:
        high = min(shape["exclusiveMaximum"] - step, high if high is not None else math.inf)
    if low is not None:
        value = max(value, low)
    if high is not None:
        value = min(value, high)
    multiple = shape.get("multipleOf")
    if multiple:
        value = (math.ceil(value / multiple) if low is not None else math.floor(value / multiple)) * multiple
    return math.ceil(value) if whole else value


def _string(shape: dict[str, Any], evidence: Evidence, name: str) -> str:
    kind = shape.get("format")
    said = evidence.named(name) or evidence.take_string(name, kind)
    if said is None:
        said = _FORMATS.get(str(kind)) or shape.get("default") or evidence.text.strip() or name
    text = str(said)
    least = int(shape.get("minLength", 0))
    if len(text) < least:
        text = text.ljust(least, ".")
    most = shape.get("maxLength")
    return text if most is None else text[: int(most)]
