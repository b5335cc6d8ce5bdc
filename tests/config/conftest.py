import pytest

from tests.config.audited import write_books


@pytest.fixture
def books(business, now, run_tasks):
    """See `write_books`; with the PDF of each document."""
    write_books(business, now)
    run_tasks()
    return business
