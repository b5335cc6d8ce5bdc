"""
What a stage costs a month: AWS's list prices, and how a bill is made of them.

US dollars as Decimal, without tax. A month has 730 hours, as on AWS's own pages.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import chain
from statistics import mean
from typing import Any, Final

REGION: Final = "eu-central-1"
# When the prices below were written down. Nobody asked AWS: look them up before you count
# on one, and set both anew.
AS_OF: Final = "November 2026"


@dataclass(frozen=True)
class Price:
    """
    :param unit: what one of it is
    :param free: how many of it a month costs nothing for ever, on an account as a whole
    :param page: below https://aws.amazon.com
    """

    dollars: Decimal
    unit: str
    page: str
    free: int = 0


def _price(dollars: str, unit: str, page: str, free: int = 0) -> Price:
    return Price(Decimal(dollars), unit, page, free)


PRICES: Final[Mapping[str, Price]] = {
    "function calls": _price("0.0000002", "call", "lambda/pricing", 1_000_000),
    "function time": _price("0.0000166667", "GB-second", "lambda/pricing", 400_000),
    "API Gateway": _price("0.0000037", "request", "api-gateway/pricing"),
    "database (rds)": _price("0.018", "hour of db.t4g.micro", "rds/mysql/pricing"),
    "its disk (rds)": _price("0.137", "GB", "rds/mysql/pricing"),
    "database (aurora)": _price("0.14", "ACU-hour", "rds/aurora/pricing"),
    "its disk (aurora)": _price("0.119", "GB", "rds/aurora/pricing"),
    "its I/O (aurora)": _price("0.00000022", "request", "rds/aurora/pricing"),
    "NAT gateway": _price("0.052", "hour", "vpc/pricing"),
    "NAT gateway, data": _price("0.052", "GB", "vpc/pricing"),
    "NAT instance": _price("0.0048", "hour of t4g.nano", "ec2/pricing/on-demand"),
    "IPv4 address": _price("0.005", "hour", "vpc/pricing"),
    "disk": _price("0.0952", "GB of gp3", "ebs/pricing"),
    "secret": _price("0.40", "secret", "secrets-manager/pricing"),
    "secret, read": _price("0.000005", "call", "secrets-manager/pricing"),
    "logs": _price("0.63", "GB written", "cloudwatch/pricing", 5),
    "metrics": _price("0.30", "metric", "cloudwatch/pricing", 10),
    "alarms": _price("0.10", "alarm", "cloudwatch/pricing", 10),
    "buckets": _price("0.0245", "GB", "s3/pricing"),
    "data to people": _price("0.09", "GB", "ec2/pricing/on-demand", 100),
    "server": _price("0.0192", "hour of t4g.small", "ec2/pricing/on-demand"),
}

HOURS: Final = Decimal(730)
DAYS: Final = HOURS / 24
MEGA: Final = Decimal(1_000_000)
GIGA: Final = Decimal(1_000_000_000)

# What nobody has measured. Each is printed beside the bill.
KB_OF_AN_ANSWER: Final = 20
KB_THROUGH_THE_WAY_OUT: Final = 5
# The line of config/invocations.py, and Lambda's own START, END and REPORT.
BYTES_LOGGED: Final = 1_800
GB_IN_BUCKETS: Final = 5
GB_OF_RDS: Final = 20
GB_OF_AURORA: Final = 2
AURORA_IO_A_REQUEST: Final = 5
# While it is awake. More is taken under load, half of it when hardly anything happens.
ACU: Final = 1
# After the last connection, and to come back for the first.
SECONDS_UNTIL_PAUSE: Final = 300
SECONDS_TO_RESUME: Final = 15
# In which people come: 22 days of ten hours.
BUSY_HOURS: Final = 220
SCHEDULE_MS: Final = 500
KEEP_WARM_MS: Final = 2
# Ours, of config/invocations.py, and API Gateway's five for each of two methods.
OUR_METRICS: Final = 7
GATEWAY_METRICS: Final = 10
# Of deploy/infrastructure/stage.yaml; with RDS one more, and one for a NAT instance.
ALARMS: Final = 10
SERVER_GB: Final = 20


@dataclass(frozen=True)
class Plan:
    """
    What a stage is made of.

    :param memory: of the web function, in MB
    :param keep_warm: calls a month
    :param schedules: runs a month, of all schedules together
    """

    database: str
    way_out: str
    memory: int
    worker_memory: int
    keep_warm: Decimal
    schedules: Decimal
    alarms: bool


@dataclass(frozen=True)
class Pace:
    """
    How long the stage's answers take.

    :param cold_share: of requests that start an environment, 0 to 1
    :param source: where the figures are from, for people
    """

    warm_ms: Decimal
    init_ms: Decimal
    cold_share: Decimal
    source: str


@dataclass(frozen=True)
class Line:
    """So many of something that has a price; two lines may be of one thing."""

    name: str
    quantity: Decimal
    price: str

    def dollars(self, *, free: bool) -> Decimal:
        price = PRICES[self.price]
        given = price.free if free else 0
        return max(self.quantity - given, Decimal(0)) * price.dollars


def bill(plan: Plan, pace: Pace, requests: int) -> list[Line]:
    """What a month of `requests` costs; those that cost nothing are left in."""
    runs = plan.keep_warm + plan.schedules
    cold = requests * pace.cold_share
    calls = requests + runs
    return [
        Line("function calls", calls, "function calls"),
        Line("function time", _gigabyte_seconds(plan, pace, requests), "function time"),
        Line("API Gateway", Decimal(requests), "API Gateway"),
        *_database(plan, requests),
        *_way_out(plan, requests),
        Line("secret", Decimal(1), "secret"),
        Line("secret, read", cold, "secret, read"),
        Line("logs", calls * BYTES_LOGGED / GIGA, "logs"),
        Line("metrics", _metrics(runs, requests), "metrics"),
        Line("alarms", Decimal(_alarms(plan)), "alarms"),
        Line("buckets", Decimal(GB_IN_BUCKETS), "buckets"),
        Line("data to people", requests * KB_OF_AN_ANSWER / MEGA, "data to people"),
    ]


def server() -> list[Line]:
    """The smallest machine that holds the site and its MySQL, always on."""
    return [
        Line("server", HOURS, "server"),
        Line("disk", Decimal(SERVER_GB), "disk"),
        Line("IPv4 address", HOURS, "IPv4 address"),
    ]


def total(lines: Iterable[Line], *, free: bool = False) -> Decimal:
    return sum((line.dollars(free=free) for line in lines), Decimal(0))


def cents(dollars: Decimal) -> Decimal:
    return dollars.quantize(Decimal("0.01"), ROUND_HALF_UP)


def _gigabyte_seconds(plan: Plan, pace: Pace, requests: int) -> Decimal:
    answering = requests * (pace.warm_ms + pace.cold_share * pace.init_ms)
    web = (answering + plan.keep_warm * KEEP_WARM_MS) * plan.memory
    # A schedule finds no environment left of the time before.
    worker = plan.schedules * (SCHEDULE_MS + pace.init_ms) * plan.worker_memory
    return (web + worker) / 1000 / 1024


def _database(plan: Plan, requests: int) -> list[Line]:
    if plan.database == "rds":
        return [
            Line("database", HOURS, "database (rds)"),
            Line("its disk", Decimal(GB_OF_RDS), "its disk (rds)"),
        ]
    io = Decimal(requests * AURORA_IO_A_REQUEST)
    return [
        Line("database", awake_hours(plan, requests) * ACU, "database (aurora)"),
        Line("its disk", Decimal(GB_OF_AURORA), "its disk (aurora)"),
        Line("its I/O", io, "its I/O (aurora)"),
    ]


def awake_hours(plan: Plan, requests: int) -> Decimal:
    """
    How long a database that pauses does not. Requests come at random in the busy hours; a
    schedule outside of them wakes it for itself, but not before it would have slept.
    """
    stays = Decimal(SECONDS_UNTIL_PAUSE + SECONDS_TO_RESUME) / 3600
    by_people = BUSY_HOURS * (1 - (-requests * stays / BUSY_HOURS).exp())
    left = HOURS - by_people
    by_schedules = min(plan.schedules * stays * left / HOURS, left)
    return by_people + by_schedules


def _way_out(plan: Plan, requests: int) -> list[Line]:
    address = Line("IPv4 address", HOURS, "IPv4 address")
    if plan.way_out == "nat-gateway":
        data = requests * KB_THROUGH_THE_WAY_OUT / MEGA
        return [
            Line("NAT gateway", HOURS, "NAT gateway"),
            Line("NAT gateway, data", data, "NAT gateway, data"),
            address,
        ]
    return [
        Line("NAT instance", HOURS, "NAT instance"),
        Line("its disk", Decimal(4), "disk"),
        address,
    ]


def _metrics(runs: Decimal, requests: int) -> Decimal:
    """A metric is charged for the hours in which something was counted."""
    asked = min(Decimal(requests), Decimal(BUSY_HOURS))
    counted = min(min(runs, HOURS) + asked, HOURS)
    return (OUR_METRICS * counted + GATEWAY_METRICS * asked) / HOURS


def _alarms(plan: Plan) -> int:
    if not plan.alarms:
        return 0
    return ALARMS + (plan.database == "rds") + (plan.way_out == "nat-instance")


def read_plan(
    settings: Mapping[str, Any],
    choices: Mapping[str, Any],
    stage: str,
) -> Plan:
    """
    :param settings: zappa_settings.json
    :param choices: deploy/infrastructure/choices.json
    :raises KeyError: if there is no such stage
    """
    common = settings["common"]
    web = common | settings[stage]
    worker = web | settings[f"{stage}_worker"]
    warm = web["keep_warm_expression"] if web["keep_warm"] else ""
    return Plan(
        database=choices[stage].get("Database", "aurora"),
        way_out=choices[stage].get("WayOut", "nat-instance"),
        memory=web["memory_size"],
        worker_memory=worker["memory_size"],
        keep_warm=times_a_month(warm) if warm else Decimal(0),
        schedules=sum(
            (times_a_month(event["expression"]) for event in worker["events"]),
            Decimal(0),
        ),
        # The others' are made only for who gives an address.
        alarms=stage == "prod",
    )


DAY_NAMES: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def times_a_month(expression: str) -> Decimal:
    """
    How often EventBridge's expression comes, in an average month.

    :raises ValueError: if it is one that nobody here has written yet
    """
    if match := re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression):
        minutes = {"minute": 1, "hour": 60, "day": 1440}[match[2]]
        return HOURS * 60 / (int(match[1]) * minutes)
    match = re.fullmatch(r"cron\((\S+) (\S+) (\S+) \* (\S+) \*\)", expression)
    if not match or not {match[3], match[4]} & {"?"} or match[3] not in "?*":
        raise ValueError(f"Nobody has taught this command to count {expression!r}.")
    times_a_day = _count(match[1], 60) * _count(match[2], 24)
    return times_a_day * DAYS * _count(match[4], 7) / 7


def _count(field: str, size: int) -> int:
    """How many of the values 0 to size - 1 a field of cron means."""
    return len(
        set(chain.from_iterable(_range(part, size) for part in field.split(",")))
    )


def _range(part: str, size: int) -> Sequence[int]:
    numbers = part
    for number, name in enumerate(DAY_NAMES):
        numbers = numbers.replace(name, str(number))
    if numbers in "*?":
        return range(size)
    if match := re.fullmatch(r"(\d+)/(\d+)", numbers):
        return range(int(match[1]), size, int(match[2]))
    if match := re.fullmatch(r"(\d+)(?:-(\d+))?", numbers):
        return range(int(match[1]), int(match[2] or match[1]) + 1)
    raise ValueError(f"Nobody has taught this command to count {part!r}.")


def pace_of_log(lines: Iterable[str]) -> Pace:
    """
    Of a stage's own lines, as config/invocations.py writes them; others are passed over.

    :raises ValueError: if none is the line of a request
    """
    found = [line for line in map(_request, lines) if line]
    if not found:
        raise ValueError("No line of the log is one of a request.")
    inits = [line["init_ms"] for line in found if line["cold"] and "init_ms" in line]
    return Pace(
        warm_ms=_mean(line["duration_ms"] for line in found),
        init_ms=_mean(inits) if inits else Decimal(0),
        cold_share=Decimal(sum(line["cold"] for line in found)) / len(found),
        source=f"{len(found)} requests in the log",
    )


def _request(text: str) -> dict[str, Any] | None:
    # `aws logs tail` puts the time and the stream before what was written.
    start = text.find("{")
    try:
        line = json.loads(text[start:]) if start >= 0 else None
    except ValueError:
        return None
    if not isinstance(line, dict) or not line.get("method"):
        return None
    return line if {"duration_ms", "cold"} <= line.keys() else None


def pace_of_benchmark(record: Mapping[str, Any]) -> Pace:
    """:param record: what `make bench` keeps in build/bench/bench.json"""
    (ours,) = (found for found in record["results"] if found["name"] == "ours")
    cold = ours["cold"]
    return Pace(
        warm_ms=_mean(ours[name]["p50_ms"] for name in ("list", "detail", "create")),
        init_ms=Decimal(str(cold["boot_ms"])) + Decimal(str(cold["load_ms"])),
        cold_share=ASSUMED.cold_share,
        source=f"`make bench` of {record['measured_at'][:10]}, not on Lambda",
    )


def _mean(values: Iterable[float]) -> Decimal:
    return Decimal(str(round(mean(values), 3)))


ASSUMED: Final = Pace(
    warm_ms=Decimal(50),
    init_ms=Decimal(1500),
    cold_share=Decimal("0.02"),
    source="assumed: --log FILE has the stage's own",
)
