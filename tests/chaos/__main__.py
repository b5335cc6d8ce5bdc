"""
Breaks everything a payment stands on, and sees whether the books still agree.

    python -m tests.chaos [--quick] [--seed 7] [--only storm]
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from tests.chaos import answers, disk, killing, locks, meeting, storm
from tests.chaos.world import World, world
from tests.database import DatabaseError

Trial = Callable[[World], Iterator[str]]

# Name to what is done in full, and what with --quick.
TRIALS: Final[Mapping[str, tuple[Trial, Trial]]] = {
    "killing": (killing.everywhere, partial(killing.everywhere, works=4)),
    "locks": (partial(locks.hold, rounds=5), partial(locks.hold, rounds=1)),
    "answers": (answers.come, answers.come),
    "meeting": (partial(meeting.meet, rounds=10), partial(meeting.meet, rounds=3)),
    "disk": (partial(disk.fills_up, invoices=10), partial(disk.fills_up, invoices=3)),
    "storm": (
        partial(storm.rages, payments=1010, crashes=6),
        partial(storm.rages, payments=120, crashes=2),
    ),
}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(there: World, names: list[str], *, quick: bool) -> list[str]:
    """The differences, of all trials."""
    found: list[str] = []
    for name in names:
        began, paid = time.monotonic(), there.paid()
        for line in TRIALS[name][quick](there):
            say(f"{name:>8}  {line}")
        there.recover()
        new = [line for line in there.check() if line not in found]
        found += new
        took = time.monotonic() - began
        say(
            f"{name:>8}  {there.paid() - paid} payments, {len(new)} differences, "
            f"{took:.0f} s"
        )
        for line in new:
            say(f"{'':>8}  ! {line}")
    return found


def table(there: World, found: list[str], seed: int, took: float) -> str:
    troubles = {f"Stripe: {name}": n for name, n in there.stripe.troubles.items()}
    letters = {f"webhook {name}": n for name, n in there.post.seen.items()}
    faults = there.faults | troubles | letters
    rows = [f"  {name:<48} {number:>6}" for name, number in sorted(faults.items())]
    return "\n".join(
        [
            "",
            "  Faults injected",
            *rows,
            f"  {'faults in all':<48} {sum(faults.values()):>6}",
            "",
            f"  {'payments made':<48} {there.paid():>6}",
            f"  {'refunds made':<48} {len(there.stripe.stripe.refunds):>6}",
            f"  {'differences':<48} {len(found):>6}",
            "",
            f"  Seed {seed}, {took:.0f} s. Again: python -m tests.chaos --seed {seed}",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of each")
    parser.add_argument("--seed", type=int, help="what luck is drawn from")
    parser.add_argument("--only", choices=TRIALS, action="append", help="one trial")
    options = parser.parse_args()
    # Told to end, it leaves by way of every `finally`.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    seed = options.seed
    if seed is None:
        seed = random.SystemRandom().randrange(1_000_000)
    say(f"Seed {seed}")
    began = time.monotonic()
    try:
        with world(seed) as there:
            found = run(there, options.only or list(TRIALS), quick=options.quick)
            say(table(there, found, seed, time.monotonic() - began))
    except DatabaseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
