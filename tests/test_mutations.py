"""The list of safeguards. `make mutations` takes each away, which takes minutes."""

import pytest

from tests.mutations.__main__ import TABLE, NotThere, check
from tests.mutations.safeguards import SAFEGUARDS


def test_each_safeguard_is_still_where_the_list_says():
    check(SAFEGUARDS)


def test_what_the_code_no_longer_says_is_an_error():
    file, _, instead = SAFEGUARDS[0].removal
    gone = SAFEGUARDS[0]._replace(removal=(file, "never written", instead))

    with pytest.raises(NotThere, match="found 0 times"):
        check([gone])


def test_the_reference_has_a_row_for_each_safeguard_and_its_tests():
    lines = TABLE.read_text().splitlines()
    rows = [line.split(" | ") for line in lines if "`test_" in line]

    assert [row[0].removeprefix("| ") for row in rows] == [
        safeguard.name for safeguard in SAFEGUARDS
    ]
