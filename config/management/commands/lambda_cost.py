import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import costs
from config.costs import AS_OF, PRICES, REGION, Pace, Plan, cents, total

REQUESTS = [0, 10_000, 1_000_000]


class Command(BaseCommand):
    """Reads the checkout's stages; AWS is not asked, and nothing is changed."""

    help = "What a stage costs a month, idle included, beside the smallest server."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--stage", default="prod")
        parser.add_argument("--requests", type=int, nargs="+", default=REQUESTS)
        parser.add_argument("--database", choices=["rds", "aurora"])
        parser.add_argument("--way-out", choices=["nat-instance", "nat-gateway"])
        parser.add_argument("--memory", type=int, help="of the web function, in MB")
        parser.add_argument("--duration-ms", help="of an average request, warm")
        parser.add_argument("--init-ms", help="of a cold start")
        parser.add_argument("--cold-share", help="of all requests, as 0.02")
        parser.add_argument("--log", type=Path, help="the stage's lines of log")
        parser.add_argument("--bench", type=Path, help="build/bench/bench.json")
        parser.add_argument(
            "--free-tier", action="store_true", help="if nothing else uses it up"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            plan, pace = _plan(options), _pace(options)
        except (OSError, ValueError, InvalidOperation) as error:
            raise CommandError(f"Cannot count: {error}") from error
        except KeyError as error:
            raise CommandError(f"Cannot count: there is no {error} there.") from error
        for line in report(
            plan, pace, options["requests"], free=bool(options["free_tier"])
        ):
            self.stdout.write(line)


def _plan(options: dict[str, Any]) -> Plan:
    base = Path(settings.BASE_DIR)
    plan = costs.read_plan(
        json.loads((base / "zappa_settings.json").read_text()),
        json.loads((base / "deploy/infrastructure/choices.json").read_text()),
        options["stage"],
    )
    said = {name: options[name] for name in ("database", "way_out", "memory")}
    return replace(plan, **{name: value for name, value in said.items() if value})


def _pace(options: dict[str, Any]) -> Pace:
    pace = costs.ASSUMED
    if options["bench"]:
        pace = costs.pace_of_benchmark(json.loads(options["bench"].read_text()))
    if options["log"]:
        with options["log"].open() as lines:
            pace = costs.pace_of_log(lines)
    said = {
        "warm_ms": options["duration_ms"],
        "init_ms": options["init_ms"],
        "cold_share": options["cold_share"],
    }
    given = {name: Decimal(value) for name, value in said.items() if value is not None}
    source = f"{', '.join(given)} as told; else {pace.source}" if given else pace.source
    return replace(pace, **given, source=source)


def report(
    plan: Plan, pace: Pace, requests: Sequence[int], *, free: bool
) -> Iterator[str]:
    """The bill in Markdown, with all that was assumed."""
    bills = [costs.bill(plan, pace, number) for number in requests]
    yield _row(["US dollars a month", *(f"{number:,} requests" for number in requests)])
    yield _row(["---", *("---:" for _ in requests)])
    for lines in zip(*bills, strict=True):
        dollars = [cents(line.dollars(free=free)) for line in lines]
        if any(dollars):
            yield _row([lines[0].name, *(f"{each}" for each in dollars)])
    yield _row(
        ["**the stage**", *(f"**{cents(total(bill, free=free))}**" for bill in bills)]
    )
    server = cents(total(costs.server()))
    yield _row(["a server instead", *(f"{server}" for _ in requests)])
    yield ""
    yield from _assumptions(plan, pace, free=free)


def _assumptions(plan: Plan, pace: Pace, *, free: bool) -> Iterator[str]:
    yield (
        f"- {plan.database}, {plan.way_out}, {plan.memory} MB (worker"
        f" {plan.worker_memory}), {plan.keep_warm:.0f} warm-ups and"
        f" {plan.schedules:.0f} runs of schedules a month."
    )
    yield (
        f"- A request takes {pace.warm_ms:f} ms, a cold start {pace.init_ms:f} ms more,"
        f" {pace.cold_share * 100:.1f} % are cold ({pace.source})."
    )
    if plan.database == "aurora":
        yield (
            f"- The database is awake while it is asked, {costs.SECONDS_UNTIL_PAUSE} s"
            f" longer and {costs.SECONDS_TO_RESUME} s to come back, at {costs.ACU} ACU;"
            f" people come in {costs.BUSY_HOURS} of 730 hours."
        )
    yield (
        f"- A request sends {costs.KB_OF_AN_ANSWER} KB and logs {costs.BYTES_LOGGED}"
        f" bytes; buckets hold {costs.GB_IN_BUCKETS} GB."
    )
    tier = "taken off" if free else "not taken off (--free-tier)"
    yield f"- What AWS gives every account for nothing is {tier}; tax is not in it."
    machine = PRICES["server"].unit.removeprefix("hour of ")
    yield (
        f"- The server is a {machine} with {costs.SERVER_GB} GB and MySQL on it: no"
        " second copy, no backup, nobody who mends it."
    )
    yield f"- List prices of {REGION} as written down in {AS_OF}: check them first."


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
