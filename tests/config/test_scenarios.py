"""The table of what can happen to a payment, and the tests it names."""

from config import scenarios


def test_every_scenario_has_a_test():
    tests = scenarios.named()

    without = [number for number in scenarios.table() if not tests[number]]

    assert without == []


def test_every_marked_test_is_of_a_scenario():
    assert set(scenarios.named()) - set(scenarios.table()) == set()


def test_the_page_names_the_test_of_a_row():
    row = next(
        line for line in scenarios.page().splitlines() if line.startswith("| 3 |")
    )

    assert "test_the_payer_who_is_back_before_any_webhook_settles" in row
    assert "(../../tests/billing/test_scenarios.py)" in row
