import pytest

from tests.factories import WebhookEndpointFactory


@pytest.fixture
def endpoint(business, listener):
    return WebhookEndpointFactory(business=business, url=listener.url)
