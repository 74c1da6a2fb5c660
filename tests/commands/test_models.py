"""`agentlab models`: what is known of vendors and models, as a table and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentlab.caching.prices import rates
from agentlab.cli import main
from agentlab.commands.known_models import known_vendors
from agentlab.models import vendors


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What the command prints."""
    assert main(["models", *words]) == 0
    return capsys.readouterr().out


def test_every_vendor_is_listed_once(capsys: pytest.CaptureFixture[str]) -> None:
    first, *rows = printed(capsys).splitlines()
    assert first.startswith("vendor")
    assert [row.split()[0] for row in rows] == list(vendors())


def test_the_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    heading, *rows = printed(capsys, "anthropic").splitlines()
    end = heading.index("context") + len("context")
    assert all(row[end - 1].isdigit() or row[end - 1] == "-" for row in rows)
    assert all(row[end] == " " for row in rows)


def test_a_model_has_the_prices_of_the_price_table(capsys: pytest.CaptureFixture[str]) -> None:
    models: list[dict[str, Any]] = json.loads(printed(capsys, "anthropic", "--json"))
    named = {model["model"]: model for model in models}
    sonnet = named["anthropic:claude-sonnet-4-5"]
    prices = rates("anthropic", "claude-sonnet-4-5")
    assert sonnet["input_usd"] == pytest.approx(prices.uncached * 1e6)
    assert sonnet["cache_read_usd"] == pytest.approx(prices.read * 1e6)
    assert sonnet["cache_family"] == "breakpoints"
    assert sonnet["context_window"] >= 200_000


def test_a_key_that_is_set_is_said_and_never_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "very-secret-value")
    out = printed(capsys, "--json")
    rows = {row["vendor"]: row for row in json.loads(out)}
    assert rows["anthropic"]["key_set"] is True
    assert "very-secret-value" not in out
    assert not any(row.key_set for row in known_vendors({}))


def test_a_vendor_without_prices_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "ollama"]) == 0
    answer = capsys.readouterr()
    assert answer.out == ""
    assert "no model of `ollama` is known offline" in answer.err


def test_a_wrong_vendor_is_a_sentence_and_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "antropic"]) == 1
    assert "did you mean `anthropic`" in capsys.readouterr().err


def test_the_models_a_vendor_has_now_are_asked_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    models = json.loads(printed(capsys, "sim:anthropic", "--live", "--json"))
    assert models
    assert all(model["model"].startswith("sim:anthropic/") for model in models)
    assert {model["cache_family"] for model in models} == {"breakpoints"}


def test_a_vendor_is_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert "sim:openai is well" in printed(capsys, "sim:openai", "--verify")


@pytest.mark.parametrize("asks", ["--live", "--verify"])
def test_only_a_named_vendor_is_asked(asks: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", asks]) == 1
    assert "name the vendor" in capsys.readouterr().err


def test_a_vendor_without_a_key_is_a_sentence_and_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    assert main(["models", "anthropic", "--live"]) == 1
    assert "ANTHROPIC_API_KEY" in capsys.readouterr().err
