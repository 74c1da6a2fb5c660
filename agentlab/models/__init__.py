"""Models: wire formats, the vendors that speak them, and the one driver of model calls."""

from agentlab.models.fallback import FallbackModel, fallback
from agentlab.models.model import Model, ModelStream, WireModel
from agentlab.models.registry import model
from agentlab.models.vendors import vendor, vendors
from agentlab.models.wire import Decoder, EncodedRequest, Vendor, Wire

__all__ = [
    "Decoder",
    "EncodedRequest",
    "FallbackModel",
    "Model",
    "ModelStream",
    "Vendor",
    "Wire",
    "WireModel",
    "fallback",
    "model",
    "vendor",
    "vendors",
]
