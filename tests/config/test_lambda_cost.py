import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from config import costs
from config.costs import (
    Line,
    Pace,
    Plan,
    awake_hours,
    bill,
    cents,
    times_a_month,
    total,
)
from config.invocations import METRICS
from tests.deployment.infrastructure import template

BASE = Path(settings.BASE_DIR)
RDS = Plan(
    database="rds",
    way_out="nat-instance",
    memory=1024,
    worker_memory=1024,
    keep_warm=Decimal(0),
    schedules=Decimal(0),
    alarms=False,
)
AURORA = replace(RDS, database="aurora")
PACE = Pace(Decimal(100), Decimal(1000), Decimal("0.01"), "the test")


def lines_of(plan, requests, pace=PACE):
    return {line.name: line for line in bill(plan, pace, requests)}


def dollars_of(plan, requests, name, *, free=False):
    return cents(lines_of(plan, requests)[name].dollars(free=free))


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("rate(5 minutes)", 8760),
        ("rate(1 hour)", 730),
        ("rate(6 hours)", "121.67"),
        ("rate(1 day)", "30.42"),
        ("cron(30 3 * * ? *)", "30.42"),
        # 12 an hour, 10 hours, 5 of 7 of 30.4167 days.
        ("cron(0/5 8-17 ? * MON-FRI *)", "2607.14"),
        ("cron(0,30 8 ? * SUN,SAT *)", "17.38"),
    ],
)
def test_how_often_a_schedule_comes_in_an_average_month(expression, times):
    assert cents(times_a_month(expression)) == Decimal(times)


@pytest.mark.parametrize(
    "expression", ["cron(0 8 1 * ? *)", "cron(0 8 ? * 2#1 *)", "at(2026-01-01)", ""]
)
def test_a_schedule_it_cannot_count_is_not_guessed(expression):
    with pytest.raises(ValueError, match="Nobody has taught this command to count"):
        times_a_month(expression)


def test_function_time_is_paid_by_memory_warm_and_cold():
    # 1,000,000 x (100 ms + 1 % of 1000 ms) x 1 GB = 110,000 GB-seconds.
    assert lines_of(RDS, 1_000_000)["function time"].quantity == 110_000
    assert dollars_of(RDS, 1_000_000, "function time") == Decimal("1.83")

    # Twice the memory costs twice as much.
    large = replace(RDS, memory=2048)
    assert lines_of(large, 1_000_000)["function time"].quantity == 220_000


def test_what_comes_by_the_clock_is_paid_without_a_request():
    plan = replace(RDS, keep_warm=Decimal(1000), schedules=Decimal(500))

    lines = lines_of(plan, 0)

    assert lines["function calls"].quantity == 1500
    # 1000 x 2 ms, and 500 x (500 ms + 1000 ms of a cold start), at 1 GB.
    assert lines["function time"].quantity == Decimal(752)
    assert lines["API Gateway"].quantity == 0


def test_calls_and_the_gateway_are_paid_by_the_request():
    assert dollars_of(RDS, 1_000_000, "function calls") == Decimal("0.20")
    assert dollars_of(RDS, 1_000_000, "API Gateway") == Decimal("3.70")


def test_rds_costs_the_same_for_anybody_and_for_nobody():
    # 730 x 0.018, and 20 x 0.137.
    for requests in (0, 1_000_000):
        assert dollars_of(RDS, requests, "database") == Decimal("13.14")
        assert dollars_of(RDS, requests, "its disk") == Decimal("0.38")


def test_the_databases_disk_is_told_from_the_way_outs():
    lines = [line for line in bill(RDS, PACE, 0) if line.name == "its disk"]

    assert [cents(line.dollars(free=False)) for line in lines] == [
        Decimal("2.74"),
        Decimal("0.38"),
    ]


def test_aurora_costs_nothing_but_its_disk_while_nobody_asks():
    assert dollars_of(AURORA, 0, "database") == 0
    assert bill(AURORA, PACE, 0)[4] == Line("its disk", Decimal(2), "its disk (aurora)")


def test_each_schedule_wakes_a_database_that_pauses():
    # 120 x 315 s = 10.5 hours, at 1 ACU of 0.14.
    plan = replace(AURORA, schedules=Decimal(120))

    assert awake_hours(plan, 0) == Decimal("10.5")
    assert dollars_of(plan, 0, "database") == Decimal("1.47")


def test_a_schedule_every_five_minutes_never_lets_it_sleep():
    plan = replace(AURORA, schedules=Decimal(8760))

    assert awake_hours(plan, 0) == 730
    # A request finds it awake.
    assert awake_hours(plan, 1_000_000) == 730
    assert dollars_of(plan, 0, "database") == Decimal("102.20")


def test_one_request_wakes_it_once_and_many_keep_it_awake():
    # 220 x (1 - e^(-315/792000)) = 0.08748 hours, a little less than 315 seconds.
    assert round(awake_hours(AURORA, 1), 5) == Decimal("0.08748")
    assert round(awake_hours(AURORA, 1_000_000), 6) == 220


def test_the_way_out_is_paid_whether_anything_goes_out_or_not():
    gateway = lines_of(replace(RDS, way_out="nat-gateway"), 1_000_000)

    assert cents(gateway["NAT gateway"].dollars(free=False)) == Decimal("37.96")
    # 1,000,000 x 5 KB = 5 GB.
    assert cents(gateway["NAT gateway, data"].dollars(free=False)) == Decimal("0.26")
    assert cents(gateway["IPv4 address"].dollars(free=False)) == Decimal("3.65")
    assert dollars_of(RDS, 0, "NAT instance") == Decimal("3.50")


def test_a_cold_start_reads_the_secret():
    # 10,000 of 1,000,000.
    assert dollars_of(RDS, 1_000_000, "secret, read") == Decimal("0.05")
    assert dollars_of(RDS, 0, "secret") == Decimal("0.40")


def test_metrics_are_paid_for_the_hours_in_which_something_was_counted():
    # 7 of ours and 10 of the gateway's, in 73 of 730 hours.
    assert lines_of(RDS, 73)["metrics"].quantity == Decimal("1.7")
    # A schedule alone counts with ours.
    assert lines_of(replace(RDS, schedules=Decimal(73)), 0)["metrics"].quantity == (
        Decimal("0.7")
    )
    assert lines_of(replace(RDS, schedules=Decimal(9999)), 0)["metrics"].quantity == 7


def test_logs_and_data_are_paid_by_the_gigabyte():
    # 1,000,000 x 1,800 bytes; 1,000,000 x 20 KB.
    assert dollars_of(RDS, 1_000_000, "logs") == Decimal("1.13")
    assert dollars_of(RDS, 1_000_000, "data to people") == Decimal("1.80")


def test_what_is_free_is_taken_off_only_when_asked():
    assert dollars_of(RDS, 3_000_000, "function calls") == Decimal("0.60")
    assert dollars_of(RDS, 3_000_000, "function calls", free=True) == Decimal("0.40")
    assert dollars_of(RDS, 10, "function calls", free=True) == 0
    # 330,000 GB-seconds of 400,000.
    assert dollars_of(RDS, 3_000_000, "function time", free=True) == 0
    assert dollars_of(RDS, 0, "database", free=True) == Decimal("13.14")


def test_the_server_is_a_machine_a_disk_and_an_address():
    # 730 x 0.0192 + 20 x 0.0952 + 730 x 0.005.
    assert total(costs.server()) == Decimal("19.57")


def test_a_total_is_rounded_once():
    thirds = [
        Line("a", Decimal("0.04"), "alarms"),
        Line("b", Decimal("0.04"), "alarms"),
    ]

    assert cents(total(thirds)) == Decimal("0.01")
    assert cents(Decimal("0.005")) == Decimal("0.01")


def test_alarms_are_those_of_the_template():
    always = {"HasAlarms"}
    kinds = {
        ("rds", "nat-gateway"): always | {"HasRdsAlarms"},
        ("rds", "nat-instance"): always | {"HasRdsAlarms", "HasNatAlarm"},
        ("aurora", "nat-gateway"): always | {"HasAuroraAlarms"},
        ("aurora", "nat-instance"): always | {"HasAuroraAlarms", "HasNatAlarm"},
    }
    made = [
        resource["Condition"]
        for resource in template("stage")["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]

    for (database, way_out), conditions in kinds.items():
        plan = replace(RDS, database=database, way_out=way_out, alarms=True)
        expected = sum(condition in conditions for condition in made)
        assert lines_of(plan, 0)["alarms"].quantity == expected
    assert lines_of(RDS, 0)["alarms"].quantity == 0


def test_metrics_are_those_the_log_lines_declare():
    assert len(METRICS) == costs.OUR_METRICS


def test_a_stage_is_read_from_its_files():
    files = [
        json.loads((BASE / name).read_text())
        for name in ("zappa_settings.json", "deploy/infrastructure/choices.json")
    ]

    prod, dev = (costs.read_plan(*files, stage) for stage in ("prod", "dev"))

    assert (prod.database, prod.way_out, prod.alarms) == ("rds", "nat-gateway", True)
    assert (dev.database, dev.way_out, dev.alarms) == ("aurora", "nat-instance", False)
    assert (prod.memory, prod.worker_memory, dev.memory) == (1769, 1024, 1024)
    assert (cents(prod.keep_warm), dev.keep_warm) == (Decimal("2607.14"), 0)
    assert cents(prod.schedules) == Decimal("10280.83")
    assert cents(dev.schedules) == Decimal("334.58")


def line_of_log(**fields):
    return json.dumps({"method": "GET", "duration_ms": 10, "cold": 0} | fields)


def test_the_pace_is_the_logs_own():
    log = [
        "START RequestId: 1",
        line_of_log(duration_ms=30, cold=1, init_ms=900),
        f"2026-03-01T09:30:00 2026/03/01/[1]abc {line_of_log(duration_ms=10)}",
        line_of_log(duration_ms=20),
        line_of_log(duration_ms=40),
        # A schedule, a line of something else, half a line.
        line_of_log(method="", duration_ms=99_999),
        json.dumps({"message": "Stripe event"}),
        '{"method": "GET", "dura',
        "[]",
    ]

    pace = costs.pace_of_log(log)

    assert (pace.warm_ms, pace.init_ms, pace.cold_share) == (25, 900, Decimal("0.25"))
    assert pace.source == "4 requests in the log"


def test_a_log_without_a_cold_start_has_none():
    pace = costs.pace_of_log([line_of_log()])

    assert (pace.init_ms, pace.cold_share) == (0, 0)


def test_a_log_without_requests_is_refused(tmp_path):
    log = tmp_path / "log"
    log.write_text("START\n{}\n")

    with pytest.raises(CommandError, match="No line of the log is one of a request"):
        call_command("lambda_cost", log=log)


def test_the_pace_of_a_benchmark_is_its_medians(tmp_path, capsys):
    record = {
        "measured_at": "2026-11-20T10:00:00+00:00",
        "results": [
            {"name": "node"},
            {
                "name": "ours",
                "cold": {"boot_ms": 100.5, "load_ms": 400},
                "list": {"p50_ms": 1},
                "detail": {"p50_ms": 2},
                "create": {"p50_ms": 6},
            },
        ],
    }
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(record))

    pace = costs.pace_of_benchmark(record)
    call_command("lambda_cost", bench=file)

    assert (pace.warm_ms, pace.init_ms) == (3, Decimal("500.5"))
    assert "takes 3 ms, a cold start 500.5 ms more" in capsys.readouterr().out


def test_the_table_shows_each_load_its_total_and_the_server(capsys):
    call_command("lambda_cost", stage="prod", requests=[0, 1000])

    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "| US dollars a month | 0 requests | 1,000 requests |"
    assert "| database | 13.14 | 13.14 |" in rows
    assert "| a server instead | 19.57 | 19.57 |" in rows
    (stage,) = (row for row in rows if row.startswith("| **the stage**"))
    assert stage.count("**") == 6
    assert rows[-1].startswith("- List prices of eu-central-1")


def test_what_is_told_wins_and_is_said(capsys):
    call_command(
        "lambda_cost",
        database="aurora",
        way_out="nat-instance",
        memory=512,
        duration_ms="80",
        cold_share="0.5",
    )

    printed = capsys.readouterr().out
    assert "- aurora, nat-instance, 512 MB" in printed
    assert "takes 80 ms" in printed
    assert "50.0 % are cold (warm_ms, cold_share as told; else assumed" in printed


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"stage": "staging"}, "there is no 'staging' there"),
        ({"duration_ms": "fast"}, "Cannot count"),
        ({"log": Path("nowhere")}, "No such file"),
    ],
)
def test_what_cannot_be_counted_is_one_sentence(options, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("lambda_cost", **options)


@pytest.mark.parametrize(
    "command",
    [
        "--stage dev",
        "--stage prod",
        "--stage prod --way-out nat-instance",
        "--stage prod --database aurora",
    ],
)
def test_the_page_shows_what_the_command_prints(command, capsys):
    call_command("lambda_cost", *command.split())

    page = (BASE / "docs" / "costs.md").read_text()
    assert f"`manage.py lambda_cost {command}`\n\n{capsys.readouterr().out}" in page


def test_the_page_lists_every_price_with_where_it_is_written():
    page = (BASE / "docs" / "costs.md").read_text()

    for name, price in costs.PRICES.items():
        row = f"| {name} | {price.dollars} | {price.unit} | {price.free or '—'} |"
        assert row in page, name
        assert f"https://aws.amazon.com/{price.page}/" in page
    assert costs.AS_OF in page
