"""Percentiles, and what is made of samples that others disturbed."""

import statistics
from collections.abc import Callable, Sequence
from typing import Any

type Sample = dict[str, Any]
type Figures = dict[str, float]


def percentile(values: Sequence[float], share: float) -> float:
    """Between two neighbors, in proportion; `share` of 0.5 is the median."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def quiet(samples: Sequence[Sample], limit: float) -> list[Sample]:
    """
    Those taken while others used at most `limit` processors; where these are less than
    half, the half that was disturbed least.
    """
    undisturbed = [sample for sample in samples if sample["foreign"] <= limit]
    half = (len(samples) + 1) // 2
    if len(undisturbed) >= half:
        return undisturbed
    return sorted(samples, key=lambda sample: sample["foreign"])[:half]


def of_cold_starts(samples: Sequence[Sample], limit: float) -> Figures:
    kept = quiet(samples, limit)
    names = ("wall_ms", "boot_ms", "load_ms", "first_ms", "cpu_ms", "rss_mb")
    middle = {name: statistics.median(s[name] for s in kept) for name in names}
    return middle | _trust(samples, kept, limit)


def of_calls(blocks: Sequence[Sample], limit: float) -> Figures:
    """
    :param blocks: calls in a row: their `times` in milliseconds, and of all together
        processor time, statements, pings and connections opened
    """
    kept = quiet(blocks, limit)
    times = [time for block in kept for time in block["times"]]
    calls = sum(len(block["times"]) for block in blocks)
    a_call = {
        name: sum(block[name] for block in blocks) / calls
        for name in ("cpu_ms", "database_cpu_ms", "statements", "pings")
    }
    return {
        "p50_ms": percentile(times, 0.50),
        "p95_ms": percentile(times, 0.95),
        "p99_ms": percentile(times, 0.99),
        # A median does not see what happens to every tenth call.
        "mean_ms": statistics.mean(times),
        **a_call,
        "calls": len(times),
        **_trust(blocks, kept, limit),
    }


def _trust(all_: Sequence[Sample], kept: Sequence[Sample], limit: float) -> Figures:
    return {
        "samples": len(kept),
        "taken": len(all_),
        "foreign": max(sample["foreign"] for sample in kept),
        "disturbed": float(any(sample["foreign"] > limit for sample in kept)),
    }


def best_of(measure: Callable[[], Sample], *, limit: float, tries: int) -> Sample:
    """The first sample within the limit; after so many tries, the least disturbed."""
    best = measure()
    for _ in range(tries - 1):
        if best["foreign"] <= limit:
            break
        best = min(best, measure(), key=lambda sample: float(sample["foreign"]))
    return best


def shown(value: float) -> str:
    """With three digits or so."""
    for least, digits in ((100, 0), (10, 1)):
        if value >= least:
            return f"{value:.{digits}f}"
    return f"{value:.2f}"
