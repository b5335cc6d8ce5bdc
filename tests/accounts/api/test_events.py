from datetime import timedelta

import pytest

from accounts.models import Event
from tests.api import speaking_as
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db


def ids(answer):
    return [row["id"] for row in answer.json()["results"]]


def test_what_happened_is_told(api, owner, business, invitation):
    (event,) = api.get("/api/v1/events/").json()["results"]

    assert event["type"] == "member.invited"
    assert (event["business"], event["actor"]) == (
        str(business.public_id),
        owner.username,
    )
    assert event["subject_id"] == str(invitation.public_id)
    alone = api.get(f"/api/v1/events/{event['id']}/").json()
    assert alone == event


def test_events_are_found_by_what_they_are_about(api, business, now):
    made = [
        Event.objects.create(
            type=f"{subject}.changed",
            subject_type=subject,
            subject_id=number,
            business=business,
            occurred_at=now + timedelta(days=int(number)),
        )
        for subject, number in [("invoice", "1"), ("invoice", "2"), ("customer", "1")]
    ]
    first, second, customer = (str(event.public_id) for event in made)

    def found(**params):
        return ids(api.get("/api/v1/events/", params))

    assert found(type="customer.changed") == [customer]
    assert found(subject_type="invoice") == [second, first]
    assert found(subject_type="invoice", subject_id="1") == [first]
    assert found(since=(now + timedelta(days=2)).isoformat()) == [second]
    assert found(business=str(business.public_id)) == [customer, second, first]


@pytest.mark.parametrize(
    "since", ["yesterday", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"]
)
def test_events_since_no_moment_are_refused(api, since):
    response = api.get("/api/v1/events/", {"since": since})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["since"]


def test_an_event_that_a_customer_caused_has_no_actor(api, business, now):
    Event.objects.create(
        type="invoice.viewed",
        subject_type="invoice",
        subject_id="1",
        business=business,
        occurred_at=now,
    )

    (event,) = api.get("/api/v1/events/").json()["results"]

    assert event["actor"] is None


def test_events_of_others_are_not_told(invitation):
    stranger = speaking_as(MembershipFactory().user)
    event = Event.objects.get()

    assert ids(stranger.get("/api/v1/events/")) == []
    assert stranger.get(f"/api/v1/events/{event.public_id}/").status_code == 404


@pytest.mark.parametrize("method", ["post", "patch", "delete"])
def test_an_event_is_never_changed(api, invitation, method):
    path = f"/api/v1/events/{Event.objects.get().public_id}/"

    assert getattr(api, method)(path, {}).status_code == 405
