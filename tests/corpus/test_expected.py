"""Over every recording, our decoders agree with the providers' own SDKs."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from tests.corpus.comparison import differences
from tests.corpus.exceptions import reason_for
from tests.corpus.recordings import Recording, replay

AGREEMENT = 0.995


def test_decoders_agree_with_the_sdks(
    corpus: tuple[Recording, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    total: dict[str, Counter[str]] = defaultdict(Counter)
    equal: dict[str, Counter[str]] = defaultdict(Counter)
    explained: list[str] = []
    unexplained: list[str] = []
    for recording in corpus:
        api, provider = recording.record["api"], recording.provider
        total[api][provider] += 1
        found = differences(recording, replay(recording))
        if not found:
            equal[api][provider] += 1
            continue
        reason = reason_for(recording, found)
        line = f"{recording.id} {api} {provider} differs in {', '.join(found)}"
        (unexplained if reason is None else explained).append(f"{line}: {reason or found}")
    count = sum(counts.total() for counts in total.values())
    same = sum(counts.total() for counts in equal.values())
    with capsys.disabled():
        print(f"\nrecordings: {same} of {count} equal ({same / count:.2%})")
        for api, counts in total.items():
            shares = (
                f"{provider} {equal[api][provider]}/{number}" for provider, number in sorted(counts.items())
            )
            print(f"  {api} {equal[api].total()}/{counts.total()}:", ", ".join(shares))
        print(*(f"  {line[:300]}" for line in explained + unexplained), sep="\n")
    assert same / count >= AGREEMENT
    assert len(unexplained) <= (1 - AGREEMENT) * count, "\n".join(unexplained)
