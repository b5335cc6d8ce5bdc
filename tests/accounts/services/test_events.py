import pytest

from accounts.models import Event
from accounts.services.events import record_event
from tests.factories import BusinessFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_an_event_says_what_happened_to_what(now):
    business, actor = BusinessFactory(), UserFactory()

    record_event(
        type="business.renamed",
        subject=business,
        business=business,
        actor=actor,
        now=now,
        data={"to": "Łódź"},
    )

    event = Event.objects.get()
    assert (event.type, event.occurred_at) == ("business.renamed", now)
    assert (event.subject_type, event.subject_id) == (
        "business",
        str(business.public_id),
    )
    assert (event.business, event.actor) == (business, actor)
    assert event.data == {"to": "Łódź"}
