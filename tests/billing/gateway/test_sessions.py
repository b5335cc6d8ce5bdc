import pytest

from billing.gateway.sessions import retrieve_session
from tests.billing.world import start


@pytest.mark.django_db
def test_a_session_tells_nothing_of_metadata_that_is_not_ours(stripe, invoice):
    session_id = start(invoice).session_id
    stripe.sessions[session_id]["metadata"] = {"checkout": "written by hand"}

    assert retrieve_session(session_id).checkout_key is None
