"""The table of vendors: how to name one, where its key is looked for, what it cannot do."""

from __future__ import annotations

from agentlab.models.vendors import Vendors
from agentlab.models.wire import Vendor
from agentlab.notebook.objects.panel import grid, one_line, panel
from agentlab.notebook.safety.safe_html import SafeHTML, element

__all__ = ["vendors_html"]


def vendors_html(vendors: Vendors) -> SafeHTML:
    """All vendors, a row each.

    Args:
        vendors: The table.
    """
    titles = ("name", "vendor", "wire", "default model", "key from the environment", "address from", "lacks")
    return panel("Vendors", f"{len(vendors)}", grid(titles, map(_row, vendors.values())))


def _row(vendor: Vendor) -> tuple[SafeHTML | str, ...]:
    key = " or ".join(vendor.key_env) or "given"
    if not vendor.key_required:
        key = f"none needed, else {key}" if vendor.key_env else "none needed"
    return (
        element("code", f"{one_line(vendor.name, 60)}:"),
        one_line(vendor.title, 60),
        one_line(vendor.wire, 60),
        one_line(vendor.default_model or "", 60),
        one_line(key, 120),
        one_line(vendor.base_url_env or "", 60),
        ", ".join(vendor.lacks).replace("_", " "),
    )
