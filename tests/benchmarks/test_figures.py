import pytest

from benchmarks import figures


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 2.5), (0.95, 3.85), (1, 4)])
def test_percentile_lies_between_neighbors_in_proportion(share, value):
    assert figures.percentile([4, 1, 3, 2], share) == pytest.approx(value)


def test_percentile_of_one_value_is_that_value():
    assert figures.percentile([7], 0.99) == 7


def sample(foreign, **more):
    return {"foreign": foreign, **more}


def test_quiet_keeps_what_nobody_disturbed():
    samples = [sample(0.1), sample(0.9), sample(0.3)]

    assert figures.quiet(samples, 0.3) == [sample(0.1), sample(0.3)]


def test_quiet_takes_the_least_disturbed_half_where_most_were_disturbed():
    samples = [sample(0.9), sample(0.8), sample(0.7), sample(0.1)]

    assert figures.quiet(samples, 0.3) == [sample(0.1), sample(0.7)]


def test_best_of_measures_again_while_others_are_busy():
    loads = iter([0.9, 0.2, 0.1])

    best = figures.best_of(lambda: sample(next(loads)), limit=0.3, tries=3)

    assert best == sample(0.2)
    assert list(loads) == [0.1]


def test_best_of_takes_the_least_disturbed_after_its_tries():
    loads = iter([0.9, 0.7, 0.8])

    best = figures.best_of(lambda: sample(next(loads)), limit=0.3, tries=3)

    assert best == sample(0.7)


def block(times, foreign=0.0):
    return sample(
        foreign,
        times=times,
        cpu_ms=6.0,
        database_cpu_ms=3.0,
        statements=3,
        pings=6,
    )


def test_of_calls_takes_times_from_quiet_blocks_and_counts_from_all():
    found = figures.of_calls([block([1, 2, 6]), block([70, 80, 90], foreign=1.0)], 0.3)

    assert (found["p50_ms"], found["mean_ms"], found["calls"]) == (2, 3, 3)
    assert (found["cpu_ms"], found["statements"], found["pings"]) == (2, 1, 2)
    assert (found["samples"], found["taken"], found["disturbed"]) == (1, 2, False)


def test_of_calls_says_when_nothing_was_quiet():
    found = figures.of_calls([block([1, 2, 3], foreign=0.8)], 0.3)

    assert (found["disturbed"], found["foreign"]) == (True, 0.8)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123, "0.12"), (9.5, "9.50"), (12.34, "12.3"), (123.4, "123"), (1234, "1234")],
)
def test_shown_has_three_digits_or_so(value, text):
    assert figures.shown(value) == text
