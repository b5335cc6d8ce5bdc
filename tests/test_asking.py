"""The watch over networks, which all other tests are under, fails whom it should."""

import pytest
from django.core.files.storage import default_storage
from django.core.mail import send_mail
from django.db import transaction

from accounts import destinations
from tests.asking import _beginning

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "ask",
    [
        lambda: default_storage.exists("a"),
        lambda: default_storage.delete("a"),
        lambda: send_mail("Hello", "", None, ["jo@example.com"]),
        lambda: destinations.check("http://127.0.0.1/"),
    ],
)
def test_asking_while_a_transaction_is_open_is_an_error(ask):
    # As a request does, of which this test's own transaction is none.
    in_one = _beginning(transaction.atomic(ask))

    _beginning(ask)()
    with pytest.raises(AssertionError, match="asked in a transaction"):
        in_one()
    with transaction.atomic():
        ask()
