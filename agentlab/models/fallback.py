"""Several models, or places of one, as one: where the first cannot answer, the next is asked.

Only errors are passed on that another model may not have: overload, limits of rate, failures of the provider or of the
way to it. A request that was refused for what it says is refused, and an answer that had begun to show is not begun
again by another voice.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import structs

from agentlab.errors import (
    ConnectionFailed,
    ModelError,
    RateLimited,
    ResponseTimeout,
    ServerError,
    StreamInterrupted,
    UnsupportedCapability,
    UsageError,
)
from agentlab.http import Clock, SystemClock
from agentlab.messages import (
    AssistantMessage,
    Event,
    ModelEvent,
    Notice,
    Request,
    RequestSent,
    TurnFinished,
)
from agentlab.models.interface import Model, ModelStream, address_of
from agentlab.models.registry import model as model_named

__all__ = ["FallbackModel", "fallback", "helps_elsewhere", "in_place"]

_COOLDOWN_S: Final = 30.0


def helps_elsewhere(error: ModelError) -> bool:
    """Whether another model may answer where this error came.

    True for an overloaded or failing provider (5xx, 529), a rate limit that outlasted the retries, no connection, a
    timeout, and a stream that broke. Not for a refused key or request: they want mending, not another bill.
    """
    return isinstance(
        error, ServerError | RateLimited | ConnectionFailed | ResponseTimeout | StreamInterrupted
    )


def fallback(
    *models: str | Model,
    places: Sequence[Mapping[str, str]] = (),
    on: Callable[[ModelError], bool] = helps_elsewhere,
    cooldown_s: float = _COOLDOWN_S,
    clock: Clock | None = None,
) -> FallbackModel:
    """Several models as one, asked in this order until one answers.

        agent = al.Agent(al.fallback("openai:gpt-5.6", "anthropic:claude-sonnet-5"))

        agent = al.Agent(
            al.fallback("bedrock:anthropic.claude-sonnet-5", places=[{"region": "eu-central-1"}, {"region": "us-east-1"}])
        )

    A model retries by itself first, as always; then a notice tells why it was given up and who is asked instead. The turn
    names who answered, and its price and cache are that model's.

    Args:
        models: Two or more, by name or as objects, or one by name and several places; a key for one given by name is
            looked up as in `model`. One model may be there several times, reached at different addresses.
        places: Where each model given by name is asked, one after the other, before the next model is: what stands in
            the places of its vendor's address, or a whole address as `base_url`.
        on: Which errors are passed on to the next model.
        cooldown_s: Seconds for which a model that failed is asked last; what a provider asks to wait counts where it is
            longer. So a conversation stays with the model whose cache it has filled.
        clock: Time; for tests.

    Raises:
        UsageError: There are fewer than two models, one is there twice, or a vendor's address has no such place.
        MissingKey: A model given by name needs a key and there is none.
    """
    made: list[Model] = []
    for each in models:
        made += [in_place(each, place) for place in places or ({},)] if isinstance(each, str) else [each]
    return FallbackModel(made, on=on, cooldown_s=cooldown_s, clock=clock)


def in_place(name: str, place: Mapping[str, str], **options: Any) -> Model:
    """A model by name, reached in a place.

    Args:
        name: As in `model`.
        place: What stands in the places of its vendor's address, or a whole address as `base_url`, or both.
        options: Those of `model`.
    """
    places = {key: value for key, value in place.items() if key != "base_url"}
    return model_named(name, base_url=place.get("base_url"), places=places or None, **options)


class FallbackModel:
    """Several models as one; see `fallback`.

    Its name is the first one's, and it can what all of them can.

    Args:
        models: In the order they are asked.
        on: As in `fallback`.
        cooldown_s: As in `fallback`.
        clock: Time.
    """

    def __init__(
        self,
        models: list[Model] | tuple[Model, ...],
        *,
        on: Callable[[ModelError], bool] = helps_elsewhere,
        cooldown_s: float = _COOLDOWN_S,
        clock: Clock | None = None,
    ) -> None:
        known = [_identity(each) for each in models]
        if len(set(known)) < max(2, len(known)):
            raise UsageError(
                f"a fallback has two models or more, each once, not {', '.join(name for name, _ in known) or 'none'}; "
                "give `retry=` to a model that should be asked again itself, `places=` to one that is to be asked in "
                "several places"
            )
        self.models = tuple(models)
        self._on = on
        self._cooldown_s = cooldown_s
        self._clock = clock or SystemClock()
        self._resting: dict[tuple[str, str], float] = {}

    @property
    def name(self) -> str:
        """`"vendor:model"` of the first."""
        return self.models[0].name

    @property
    def model_id(self) -> str:
        """The provider's name of the first."""
        return self.models[0].model_id

    def stream(self, request: Request) -> ModelStream:
        """Begin a model call.

        The events raise what the last model raised, its text telling of those before it; and `UnsupportedCapability`
        where no model can serve the request.
        """
        call = _Call(self, request)
        return ModelStream(call.events(), call.partial, call.prefix_pieces)

    def session(self) -> AbstractAsyncContextManager[object]:
        """Keeps the connections of all of them open."""
        return self._sessions()

    def supports(self, capability: str) -> bool:
        """Whether all of them have a capability, so that any may answer."""
        return all(each.supports(capability) for each in self.models)

    def with_models(self, change: Callable[[Model], Model]) -> FallbackModel:
        """The same with each model put into another, which meters it, say; each keeps its name."""
        changed = [change(each) for each in self.models]
        return FallbackModel(changed, on=self._on, cooldown_s=self._cooldown_s, clock=self._clock)

    def candidates(self) -> tuple[Model, ...]:
        """In which order they would be asked now: those that failed a short time ago come last."""
        now = self._clock.monotonic()
        return tuple(sorted(self.models, key=lambda each: self._resting.get(_identity(each), now) > now))

    def helped_by(self, error: ModelError) -> bool:
        """Whether the next model is asked after this error."""
        return self._on(error)

    def rest(self, model: Model, error: ModelError) -> None:
        """Ask a model last for a while."""
        pause = max(self._cooldown_s, error.retry_after or 0.0)
        self._resting[_identity(model)] = self._clock.monotonic() + pause

    def answered(self, model: Model) -> None:
        """Ask a model in its turn again."""
        self._resting.pop(_identity(model), None)

    @asynccontextmanager
    async def _sessions(self) -> AsyncGenerator[object, None]:
        async with AsyncExitStack() as stack:
            for each in self.models:
                await stack.enter_async_context(each.session())
            yield self

    def shown(self, model: Model) -> str:
        """A model's name, with its host where others of that name are among them."""
        alike = sum(each.name == model.name for each in self.models) > 1
        return f"{model.name} at {_host(model)}" if alike else model.name

    def place(self, model: Model) -> str:
        """The host of a model that is asked in several places, where it is not the first; empty else."""
        first = self.models[0]
        return _host(model) if model is not first and model.name == first.name else ""

    def __repr__(self) -> str:
        return f"FallbackModel({', '.join(repr(self.shown(each)) for each in self.models)})"


class _Call:
    """One call, at one model after the other."""

    def __init__(self, model: FallbackModel, request: Request) -> None:
        self._model = model
        self._request = request
        self._stream: ModelStream | None = None
        self._shown = False
        self._given_up: list[str] = []

    def partial(self) -> AssistantMessage | None:
        """What has arrived of the answer under way."""
        return self._stream.partial() if self._stream is not None else None

    def prefix_pieces(self) -> tuple[bytes, ...]:
        """The pieces of the request sent last."""
        return self._stream.prefix_pieces() if self._stream is not None else ()

    async def events(self) -> AsyncGenerator[Event, None]:
        """The events of the model that answers, after those of the models that could not."""
        order = self._model.candidates()
        for number, candidate in enumerate(order):
            try:
                self._stream = candidate.stream(self._for(candidate))
                async with aclosing(self._stream.events) as events:
                    async for event in events:
                        self._shown = self._shown or isinstance(event, ModelEvent)
                        if isinstance(event, TurnFinished):
                            self._model.answered(candidate)
                        yield self._named(event, candidate)
            except (ModelError, UnsupportedCapability) as error:
                last = number == len(order) - 1
                if not self._goes_on(candidate, error) or last:
                    raise self._told(error) from None
                why = _reason(error)
            else:
                return
            self._given_up.append(why)
            now, before = self._model.shown(order[number + 1]), self._model.shown(candidate)
            yield Notice("fallback", f"{why}; `{now}` is asked instead of `{before}`")

    def _goes_on(self, candidate: Model, error: ModelError | UnsupportedCapability) -> bool:
        if isinstance(error, UnsupportedCapability):
            return True  # nothing was sent
        if self._shown or not self._model.helped_by(error):
            return False
        self._model.rest(candidate, error)
        return True

    def _for(self, candidate: Model) -> Request:
        """The request in the name of a model; an id that another provider gave is not sent to it."""
        request = structs.replace(self._request, model=candidate.model_id)
        cache = request.cache
        if cache is None or cache.compare_with is None or candidate is self._model.models[0]:
            return request
        return structs.replace(request, cache=structs.replace(cache, compare_with=None))

    def _named(self, event: Event, candidate: Model) -> Event:
        first = candidate is self._model.models[0]
        if first or not isinstance(event, RequestSent | TurnFinished):
            return event
        if isinstance(event, TurnFinished) and not event.place:
            event = structs.replace(event, place=self._model.place(candidate))
        return event if event.model else structs.replace(event, model=candidate.name)

    def _told(self, error: ModelError | UnsupportedCapability) -> ModelError | UnsupportedCapability:
        if self._given_up:
            error.args = (f"{error}; given up before it: {'; '.join(_short(self._given_up))}",)
        return error


def _reason(error: ModelError | UnsupportedCapability) -> str:
    """What a model was given up for: the error's class, the status, how often it was tried, the provider's words."""
    facts = [type(error).__name__]
    if isinstance(error, ModelError):
        facts.append(f"HTTP {error.status}" if error.status is not None else error.code or "no response")
        facts.append(f"{error.attempts} attempt{'s' if error.attempts != 1 else ''}")
    return f"{', '.join(facts)}: {error}"


def _identity(model: Model) -> tuple[str, str]:
    """What tells a model from the others: its name, and where it is reached."""
    return model.name, address_of(model)


def _host(model: Model) -> str:
    return urlsplit(address_of(model)).netloc.rpartition("@")[2]


def _short(reasons: list[str]) -> Iterator[str]:
    return (reason if len(reason) <= 200 else f"{reason[:199]}…" for reason in reasons)
