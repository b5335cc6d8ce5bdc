"""The floor lets nothing through, and names the file that is too low."""

import json

import pytest

from tests.coverage_floor import complaints, main, must_be_whole


def measured(*, statements=80, branches=20, missed=0):
    """A file of which `missed` lines were not run."""
    return {
        "summary": {
            "num_statements": statements,
            "num_branches": branches,
            "covered_lines": statements - missed,
            "covered_branches": branches,
        }
    }


@pytest.mark.parametrize(
    ("file", "whole"),
    [
        ("blog/services.py", True),
        ("invoices/services/finalizing.py", True),
        ("invoices/states.py", True),
        ("invoices/money.py", True),
        ("invoices/arithmetic.py", True),
        ("billing/webhooks.py", True),
        ("billing/gateway/client.py", False),
        ("accounts/models/people.py", False),
    ],
)
def test_must_be_whole_names_what_moves_money_or_a_status(file, whole):
    assert must_be_whole(file) is whole


def test_complaints_is_empty_when_every_floor_is_kept():
    files = {"invoices/money.py": measured(), "blog/views.py": measured(missed=5)}

    assert complaints({"files": files}) == []


def test_complaints_names_a_money_file_with_one_missed_line():
    files = {"invoices/money.py": measured(missed=1), "blog/views.py": measured()}

    [complaint] = complaints({"files": files})

    assert complaint.split() == ["invoices/money.py", "99.00", "%", "of", "100", "%"]


def test_complaints_lets_a_low_file_pass_while_the_rest_is_high_enough():
    files = {
        "blog/views.py": measured(missed=10),
        "blog/models.py": measured(statements=980),
    }

    assert complaints({"files": files}) == []


def test_complaints_names_the_low_files_of_a_low_rest_worst_first():
    files = {
        "blog/feeds.py": measured(missed=8),
        "blog/views.py": measured(missed=10),
        "blog/models.py": measured(),
    }

    low = [complaint.split()[0] for complaint in complaints({"files": files})]

    assert low == ["blog/views.py", "blog/feeds.py"]


@pytest.mark.parametrize(("missed", "code"), [(0, 0), (1, 1)])
def test_main_prints_counts_and_fails_below_the_floor(tmp_path, capsys, missed, code):
    coverage, results = tmp_path / "coverage.json", tmp_path / "SQLite.xml"
    coverage.write_text(
        json.dumps({"files": {"blog/services.py": measured(missed=missed)}})
    )
    results.write_text('<testsuites><testsuite tests="412"/></testsuites>')

    assert main([str(coverage), str(results)]) == code

    assert capsys.readouterr().out.startswith(
        f"412 tests on SQLite; {100 - missed}.00 % of lines and branches covered\n"
    )
