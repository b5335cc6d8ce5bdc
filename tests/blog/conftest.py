"""People of the blog, each with a browser or a client of the API."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.roles import Role
from tests.api import speaking_as
from tests.factories import MembershipFactory, UserFactory


@pytest.fixture
def author():
    return MembershipFactory(role=Role.AUTHOR).user


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def photo():
    stored = io.BytesIO()
    Image.new("RGB", (40, 20)).save(stored, "PNG")
    return SimpleUploadedFile("photo.png", stored.getvalue(), "image/png")


@pytest.fixture
def as_user():
    """A client of the API that speaks as the given user, or as nobody."""

    def client(user=None):
        return speaking_as(user)

    return client
