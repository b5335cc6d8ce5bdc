import threading

import pytest
import stripe

from tests.stripe.merchant import HOUR, NOW


def test_the_same_key_replays_the_first_answer(fake, create):
    first = create("cs-1")
    replayed = create("cs-1")

    assert replayed.id == first.id
    assert list(fake.sessions) == [first.id]
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert replayed.last_response.headers["Idempotent-Replayed"] == "true"
    assert (
        replayed.last_response.headers["Original-Request"]
        == first.last_response.request_id
    )


def test_the_same_key_with_other_parameters_is_refused(fake, create):
    create("cs-1")

    with pytest.raises(stripe.IdempotencyError):
        create("cs-1", amount=12_001)

    assert len(fake.sessions) == 1


def test_the_same_key_at_another_endpoint_is_refused(fake, client, paid_intent, create):
    create("one")

    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create(
            {"payment_intent": paid_intent}, {"idempotency_key": "one"}
        )

    assert fake.refunds == {}


def test_a_key_is_forgotten_after_a_day(clock, fake, client, paid_intent):
    refund = {"payment_intent": paid_intent, "amount": 100}
    client.v1.refunds.create(refund, {"idempotency_key": "re-1"})

    clock.now += 24 * HOUR
    client.v1.refunds.create(refund, {"idempotency_key": "re-1"})

    assert len(fake.refunds) == 2


def test_a_refused_parameter_is_not_remembered(fake, clock, create):
    with pytest.raises(stripe.InvalidRequestError):
        create("cs-1", expires_at=NOW + 60)

    assert create("cs-1").status == "open"


def test_a_refusal_after_execution_is_remembered(fake, client, paid_intent):
    too_much = {"payment_intent": paid_intent, "amount": 99_999}

    for replayed in (None, "true"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.refunds.create(too_much, {"idempotency_key": "re-1"})
        assert refused.value.headers.get("Idempotent-Replayed") == replayed


def test_an_answer_lost_once_is_replayed_to_the_retry(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "timeout_after")

    session = create("cs-1")

    assert list(fake.sessions) == [session.id]
    assert [request.key for request in fake.requests] == ["cs-1", "cs-1"]


def test_an_answer_lost_twice_is_an_error_and_replayed_later(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "timeout_after", 2)

    with pytest.raises(stripe.APIConnectionError):
        create("cs-1")

    assert [create("cs-1").id] == list(fake.sessions)


def test_a_request_that_never_arrives_does_nothing(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "timeout_before", 2)

    with pytest.raises(stripe.APIConnectionError):
        create("cs-1")

    assert fake.sessions == {}


def test_a_500_before_execution_is_gone_at_the_next_try(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "500_before", 2)

    with pytest.raises(stripe.APIError) as failed:
        create("cs-1")

    assert failed.value.http_status == 500
    assert fake.sessions == {}
    assert create("cs-1").status == "open"


def test_a_500_after_execution_stays_the_answer_of_its_key(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "500_after")

    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            create("cs-1")
        assert failed.value.http_status == 500
        assert failed.value.headers["Idempotent-Replayed"] == "true"

    assert len(fake.sessions) == 1


def test_too_many_requests_are_not_retried_nor_remembered(fake, create):
    fake.fault("POST", "/v1/checkout/sessions", "429")

    with pytest.raises(stripe.RateLimitError):
        create("cs-1")

    assert len(fake.requests) == 1
    assert create("cs-1").status == "open"


def test_a_fault_hits_only_what_it_names(fake, client, create):
    fake.fault("GET", "/v1/checkout/sessions", "500_before", 2)

    session = create()
    with pytest.raises(stripe.APIError):
        client.v1.checkout.sessions.retrieve(session.id)

    assert client.v1.checkout.sessions.retrieve(session.id).id == session.id


def test_sixteen_threads_with_one_key_make_one_session(fake, create):
    seen: list[str] = []
    threads = [
        threading.Thread(target=lambda: seen.append(create("cs-1").id))
        for _ in range(16)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == list(fake.sessions) * 16
