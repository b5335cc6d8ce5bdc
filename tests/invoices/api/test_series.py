import pytest

from accounts.models import Event
from accounts.roles import Role
from invoices.models import Counter, Series
from tests.api import speaking_as
from tests.factories import BusinessFactory, MembershipFactory
from tests.invoices.api.world import API

pytestmark = pytest.mark.django_db


def url(business, kind="invoice", action=""):
    return f"{API}/series/{business.public_id}-{kind}/{action}"


def test_series_are_there_before_the_first_document(api, business):
    BusinessFactory()

    answer = api.get(f"{API}/series/")

    assert [(row["kind"], row["next_number"]) for row in answer.data] == [
        ("invoice", "INV-00001"),
        ("credit_note", "CN-00001"),
    ]
    assert not Series.objects.exists()


def test_rules_change_and_the_next_number_with_them(api, business, owner):
    answer = api.patch(
        url(business, "credit-note"),
        {"prefix": "GS-", "pattern": "{prefix}{year}-{seq:03}", "resets_yearly": True},
    )

    assert answer.status_code == 200
    assert answer.data == {
        "id": f"{business.public_id}-credit-note",
        "business": str(business.public_id),
        "kind": "credit_note",
        "prefix": "GS-",
        "pattern": "{prefix}{year}-{seq:03}",
        "resets_yearly": True,
        "next_value": 1,
        "next_number": "GS-2026-001",
    }
    assert Event.objects.get(type="series.changed").actor == owner


def test_the_next_number_is_raised_and_not_lowered(api, business):
    raised = api.post(url(business, action="raise/"), {"next_value": 1001})
    lowered = api.post(url(business, action="raise/"), {"next_value": 1000})

    assert (raised.status_code, raised.data["next_number"]) == (200, "INV-01001")
    assert (lowered.status_code, lowered.data["code"]) == (409, "number_not_available")
    assert lowered.data["detail"].startswith("The next number is 1001.")


def test_the_run_of_another_year_is_raised(api, business):
    api.patch(url(business), {"pattern": "{year}/{seq}", "resets_yearly": True})

    api.post(url(business, action="raise/"), {"next_value": 7, "year": 2027})

    assert Counter.objects.get().year == 2027
    assert api.get(url(business)).data["next_number"] == "2026/1"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"pattern": "{prefix}"}, "pattern"),
        ({"resets_yearly": True}, "pattern"),
        ({"prefix": "P" * 21}, "prefix"),
    ],
)
def test_wrong_rules_are_named(api, business, fields, wrong):
    answer = api.patch(url(business), fields)

    assert (answer.status_code, list(answer.data["errors"])) == (400, [wrong])


@pytest.mark.parametrize(("role", "code"), [(Role.VIEWER, 403), (Role.AUTHOR, 404)])
def test_who_may_not_write_the_books_changes_no_numbers(business, role, code):
    api = speaking_as(MembershipFactory(business=business, role=role).user)

    answers = [
        api.patch(url(business), {"prefix": "X"}),
        api.post(url(business, action="raise/"), {"next_value": 9}),
    ]

    assert [answer.status_code for answer in answers] == [code, code]
    assert not Series.objects.exists()


def test_series_of_others_are_unknown(api, business):
    foreign = BusinessFactory()

    codes = [
        api.get(address).status_code
        for address in (url(foreign), url(business, "quote"), f"{API}/series/x/")
    ]

    assert codes == [404, 404, 404]
