from datetime import timedelta

import pytest

from accounts import destinations
from accounts.models import Event, WebhookDelivery, WebhookEndpoint
from accounts.roles import Role
from accounts.services import deliveries
from tests.accounts.webhooks import record
from tests.api import in_role, speaking_as
from tests.factories import UserFactory, WebhookEndpointFactory
from tests.listener import listening

pytestmark = pytest.mark.django_db

PATH = "/api/v1/webhook-endpoints/"
POSTS = ("roll-secret", "ping", "replay-failed")


@pytest.fixture
def endpoint(business):
    return WebhookEndpointFactory(business=business)


def path(endpoint, rest=""):
    return f"{PATH}{endpoint.public_id}/{rest}"


def sent(endpoint, now, status=WebhookDelivery.Status.FAILED):
    event = record(endpoint.business, now)
    WebhookDelivery.objects.filter(event=event).update(status=status, next_try_at=None)
    return WebhookDelivery.objects.get(event=event)


def test_an_endpoint_s_secret_is_shown_when_it_is_made_and_never_again(api, business):
    with listening() as listener:
        wish = {"business": str(business.public_id), "types": ["invoice.*"]}
        made = api.post(PATH, wish | {"url": listener.url})
        assert made.status_code == 201
        endpoint = WebhookEndpoint.objects.get()
        assert made.json()["secret"] == endpoint.secret
        assert (made.json()["url"], made.json()["types"]) == (
            listener.url,
            ["invoice.*"],
        )

        rolled = api.post(path(endpoint, "roll-secret/")).json()["secret"]
        assert rolled not in {endpoint.secret, None}
        changed = api.patch(path(endpoint), {"types": ["*"], "enabled": False})
        assert (changed.json()["types"], changed.json()["enabled"]) == (["*"], False)

        for answer in (
            changed,
            api.get(PATH),
            api.get(path(endpoint)),
            api.get("/api/v1/events/"),
        ):
            assert answer.status_code == 200
            assert str(endpoint.public_id) in answer.content.decode()
            for secret in (endpoint.secret, rolled):
                assert secret not in answer.content.decode()

    assert api.delete(path(endpoint)).status_code == 204
    assert api.get(PATH).json()["results"] == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("url", "https://10.0.0.1/", "destination_refused"),
        ("url", "http://hooks.example.com/", "destination_refused"),
        ("url", 7, "invalid"),
        ("types", ["invoice.lost"], "unknown_event_type"),
        ("types", [], "invalid"),
        ("types", "invoice.paid", "invalid"),
        ("business", "c0ffee00-0000-4000-8000-000000000000", "invalid"),
    ],
)
def test_an_endpoint_that_is_wrong_is_refused(field, value, code, api, business):
    wish = {
        "business": str(business.public_id),
        "url": "https://127.0.0.1/",
        "types": ["*"],
    }

    answer = api.post(PATH, wish | {field: value})

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert api.post(PATH, [wish]).status_code == 400
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_stays_with_its_business(api, endpoint, owner):
    other = WebhookEndpointFactory().business
    other.memberships.create(user=owner, role=Role.OWNER)

    moved = api.patch(path(endpoint), {"business": str(other.public_id)})
    assert (moved.status_code, list(moved.json()["errors"])) == (400, ["business"])
    assert (
        api.patch(
            path(endpoint), {"business": str(endpoint.business.public_id)}
        ).status_code
        == 200
    )


def test_the_log_says_how_each_delivery_went(api, endpoint, now):
    delivery = sent(endpoint, now)
    sent(WebhookEndpointFactory(), now)

    [row] = api.get(path(endpoint, "deliveries/")).json()["results"]

    event = Event.objects.get(pk=delivery.event_id)
    assert (row["id"], row["event"]) == (str(delivery.public_id), str(event.public_id))
    assert (row["type"], row["status"]) == ("customer.created", "failed")


def test_an_event_is_sent_again_and_so_is_all_that_failed(
    api, endpoint, now, run_tasks
):
    first, second = sent(endpoint, now), sent(endpoint, now)
    replay = path(endpoint, f"deliveries/{first.public_id}/replay/")
    with listening() as listener:
        WebhookEndpoint.objects.update(url=listener.url)

        answer = api.post(replay)
        run_tasks()

        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        assert len(listener.heard) == 1
        assert api.post(path(endpoint, "replay-failed/")).json() == {"queued": 1}
        pinged = api.post(path(endpoint, "ping/"))
        assert (pinged.status_code, pinged.json()["type"]) == (
            202,
            "webhook_endpoint.pinged",
        )
        later = second.created_at + timedelta(days=3650)
        deliveries.deliver_due(clock=lambda: later, until=later + timedelta(1))
        assert len(listener.heard) == 3


def test_an_endpoint_that_is_off_says_so(api, endpoint, now):
    delivery = sent(endpoint, now)
    WebhookEndpoint.objects.update(enabled=False)

    for rest in ("ping/", "replay-failed/", f"deliveries/{delivery.public_id}/replay/"):
        answer = api.post(path(endpoint, rest))
        assert (answer.status_code, answer.json()["code"]) == (409, "endpoint_off")


def test_endpoints_are_for_owners(business, endpoint, now):
    delivery = sent(endpoint, now)
    wish = {
        "business": str(business.public_id),
        "url": "https://127.0.0.1/",
        "types": ["*"],
    }
    replay = f"deliveries/{delivery.public_id}/replay"
    for client, code in (
        (in_role(business, Role.ACCOUNTANT), 403),
        (speaking_as(UserFactory()), 404),
        (speaking_as(None), 401),
    ):
        answers = [
            client.get(path(endpoint)),
            client.patch(path(endpoint), {"enabled": False}),
            client.delete(path(endpoint)),
            client.get(path(endpoint, "deliveries/")),
            *(client.post(path(endpoint, f"{rest}/")) for rest in (*POSTS, replay)),
        ]
        assert {answer.status_code for answer in answers} == {code}
        # To a stranger, there is no such business.
        made = client.post(PATH, wish).status_code
        assert made == {404: 400}.get(code, code)
        if code != 401:
            assert client.get(PATH).json()["results"] == []

    endpoint.refresh_from_db()
    assert endpoint.enabled


@pytest.mark.parametrize(("role", "looked_up"), [(Role.OWNER, 2), (Role.VIEWER, 0)])
def test_a_host_is_looked_up_for_owners_alone(
    business, endpoint, role, looked_up, monkeypatch
):
    asked = []
    monkeypatch.setattr(
        destinations, "_look_up", lambda place: asked.append(place) or []
    )
    client, other = in_role(business, role), WebhookEndpointFactory()
    url = {"url": "https://hooks.example.com/"}
    wish = url | {"types": ["*"]}
    headers = {"Idempotency-Key": "a key"}

    client.patch(path(endpoint), url)
    client.patch(path(other), url)
    for of in (endpoint, other):
        body = wish | {"business": str(of.business.public_id)}
        client.post(PATH, body, headers=headers)
    client.patch(path(endpoint), {"enabled": False})

    assert len(asked) == looked_up


def test_a_delivery_is_sent_again_by_its_own_endpoint_only(
    api, endpoint, business, now
):
    delivery = sent(endpoint, now)
    other = WebhookEndpointFactory(business=business)

    for wrong in (delivery.public_id, endpoint.public_id, "no-id"):
        answer = api.post(path(other, f"deliveries/{wrong}/replay/"))
        assert answer.status_code == 404
