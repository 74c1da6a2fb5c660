"""One finished run as plain data: what the store keeps and the frames show.

Token counts are inclusive (`input_tokens` is the whole prompt, cached or not), as OpenTelemetry's GenAI conventions
have them; None is "not reported" and never 0. Dollars are None where the price is not known. Times are seconds.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from agentlab.short_repr import ShortRepr

__all__ = ["MessageRow", "RunRow", "RunStatus", "ScoreRow", "TurnRow"]

RunStatus = Literal["ok", "error", "limit"]
"""How a stored run ended: by itself, with an error, or at its own limit of model calls. A run that the budget or an
interrupt kept from ending is not stored: it was not paid for in full and will be run when the sweep is resumed."""


class TurnRow(ShortRepr, Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One model call.

    Attributes:
        turn: Which call of the run, from 1.
        cost_usd: Price of the call when it was made.
        cost_nocache_usd: Price of the same call had nothing been cached: every input token at the plain rate.
        duration_s: From the first attempt to the end of the answer.
        queue_s: Waiting for a free slot before the first attempt.
        retry_s: Waiting between attempts.
        time_to_first_chunk_s: To the first event of any kind.
        time_to_first_text_s: To the first visible text that is not empty.
        prefix_hash: Chain hash of the whole prompt: equal hashes are equal prefixes.
        parent_hash: Chain hash of the longest earlier prompt of the run that this one begins with; None without one.
        shared_prefix_tokens: Tokens of the prompt before it that this one begins with.
        cache_expected_tokens: What the model's cache profile says the call should have read.
        cache_miss_reason: The provider's own word for why it read less, else the rule's.
        cache_missed_tokens: What the provider says it missed.
        diverged_at: Which part of the request moved, as `explain` names it.
        n_429: Attempts that were answered 429.
    """

    turn: int
    provider_name: str
    request_model: str
    response_model: str | None = None
    response_id: str | None = None
    finish_reason: str | None = None
    tool_names: tuple[str, ...] = ()
    input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_output_tokens: int | None = None
    cost_usd: float | None = None
    cost_nocache_usd: float | None = None
    cost_input_usd: float | None = None
    cost_cache_read_usd: float | None = None
    cost_cache_write_usd: float | None = None
    cost_output_usd: float | None = None
    started_at: float = 0.0
    duration_s: float = 0.0
    queue_s: float = 0.0
    retry_s: float = 0.0
    time_to_first_chunk_s: float | None = None
    time_to_first_text_s: float | None = None
    prefix_hash: str | None = None
    parent_hash: str | None = None
    shared_prefix_tokens: int | None = None
    cache_expected_tokens: int | None = None
    cache_miss_reason: str | None = None
    cache_missed_tokens: int | None = None
    diverged_at: str | None = None
    n_retries: int = 0
    n_429: int = 0


class MessageRow(ShortRepr, Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One block of a run's last prompt and its answer, hash-chained: equal hashes are equal prefixes.

    Attributes:
        hash: Chain hash up to and with this block.
        parent_hash: Chain hash before it; None for the first.
        role: Who speaks, or `tool` and `setting` for blocks that nobody says.
        kind: `tool`, `system`, `message` or `setting`.
        text: What a reader sees of it.
        tokens: Estimated, or scaled to what the provider counted.
        segment: Which part of the request it is: tools, preamble, documents, history, prompt, ...
    """

    hash: str
    parent_hash: str | None
    role: str
    kind: str
    text: str
    tokens: int
    segment: str


class ScoreRow(ShortRepr, Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What one scorer says of one run.

    Attributes:
        scorer: Name of the scorer: the column is `score_<name>`.
        value: The score; None where there is none.
        reason: Why, in words, where the scorer says.
        error: Why there is no score; an error is never a score of 0.
        cost_usd: What scoring cost; 0 for scorers that call no model, None where the price is not known.
        fingerprint: Hash of what determined the verdict; a scorer with another one scores anew.
    """

    scorer: str
    value: float | None = None
    reason: str | None = None
    error: str | None = None
    cost_usd: float | None = 0.0
    fingerprint: str = ""


class RunRow(ShortRepr, Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One run: one cell of a sweep, once.

    Attributes:
        cell_key: Hash of everything that determines the run, its repeat index included; the store's key.
        run_id: This execution of it.
        levels: Axis to label of its level.
        sample_id: Row of the dataset.
        cluster_id: What rows belong together, for standard errors.
        repeat: Which repeat, from 0.
        seed: Seed of the cell.
        attempt: Which execution of the cell, from 1 (more where errors were retried).
        error_type: Class of the error.
        error_message: Its text, redacted.
        started_at: Unix time.
        agent_hash: Hash of the agent, without its model.
        prompt_hash: Hash of the prompt as asked.
        prefix_hash: Chain hash of what every run of the arm shares: tools, preamble, documents.
        code_version: Version of agentlab that ran it.
        output: The answer's text.
        target: What the dataset says the answer is; kept so that scores can be made anew.
        duration_s: Wall clock of the run.
        model_time_s: Sum of its calls.
        tool_time_s: Sum of its tools.
        cache_state: `cold`, `primed`, `warm` or `natural`: how the cache was prepared.
        cache_contaminated: Whether a controlled run found its cache in another state than prepared.
        since_prefix_s: Seconds since the arm's prefix was last sent; None for the first.
        price_source: Where the prices are from.
        price_as_of: Date they are of.
        batch_api: Whether it went through the provider's batch interface.
        turns: Its model calls.
        scores: What the scorers say; replaced when it is scored anew.
    """

    cell_key: str
    run_id: str
    levels: dict[str, str]
    sample_id: str
    cluster_id: str
    repeat: int
    seed: int = 0
    attempt: int = 1
    status: RunStatus = "ok"
    error_type: str | None = None
    error_message: str | None = None
    started_at: float = 0.0
    agent_hash: str = ""
    prompt_hash: str = ""
    prefix_hash: str = ""
    code_version: str = ""
    output: str = ""
    target: Any = None
    finish_reason: str | None = None
    n_tool_calls: int = 0
    duration_s: float = 0.0
    model_time_s: float = 0.0
    tool_time_s: float = 0.0
    queue_s: float = 0.0
    retry_s: float = 0.0
    cache_state: str = "natural"
    cache_contaminated: bool = False
    since_prefix_s: float | None = None
    price_source: str | None = None
    price_as_of: str | None = None
    batch_api: bool = False
    turns: tuple[TurnRow, ...] = ()
    scores: tuple[ScoreRow, ...] = ()
    messages: tuple[MessageRow, ...] = field(default_factory=tuple)

    @property
    def cost_usd(self) -> float | None:
        """Price of all its calls; None where one of them has none."""
        return total([turn.cost_usd for turn in self.turns])

    @property
    def cost_scorer_usd(self) -> float | None:
        """What scoring it cost."""
        return total([score.cost_usd for score in self.scores])


def total(amounts: list[float | None]) -> float | None:
    """The sum, or None where one part is not known: an unknown price must not look like a small one."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None
