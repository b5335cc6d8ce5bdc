import pytest
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from accounts.api.throttles import AnonymousThrottle, UserThrottle
from tests.factories import UserFactory


@pytest.fixture
def ask(monkeypatch, time_machine, now, settings):
    """Ask at some second of a minute, from an address or as somebody."""
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    for throttle in (AnonymousThrottle, UserThrottle):
        monkeypatch.setitem(rates, throttle.scope, "2/min")
    time_machine.move_to(now, tick=False)

    class View(APIView):
        permission_classes = []

        def get(self, request):
            raise AssertionError("not reached")

    def asked(address="192.0.2.1", user=None, after=0):
        time_machine.shift(after)
        request = APIRequestFactory().get("/", REMOTE_ADDR=address)
        force_authenticate(request, user)
        response = View.as_view(http_method_names=["options"])(request)
        return response.status_code, response.get("Retry-After")

    return asked


def test_an_address_may_ask_so_often_in_a_minute(ask):
    assert [ask()[0] for _ in range(3)] == [405, 405, 429]
    assert ask(address="192.0.2.2")[0] == 405


def test_the_next_minute_is_another(ask):
    for _ in range(2):
        ask()

    assert ask(after=20) == (429, "40")
    assert ask(after=40)[0] == 405


def test_a_person_is_counted_wherever_they_are(ask, db):
    jo, kim = UserFactory(), UserFactory()

    statuses = [ask(address=f"192.0.2.{n}", user=jo)[0] for n in range(3)]

    assert statuses == [405, 405, 429]
    assert ask(user=kim)[0] == 405


def test_what_was_counted_in_a_minute_is_forgotten_with_it(ask):
    for number in range(100):
        ask(address=f"192.0.2.{number}")

    ask(after=60)

    assert len(AnonymousThrottle.asked) == 1
