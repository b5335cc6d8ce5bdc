import pytest

from accounts.roles import Role
from accounts.services import members
from tests.listener import listening


@pytest.fixture
def listener():
    with listening() as found:
        yield found


@pytest.fixture
def signed_in(client, owner):
    client.force_login(owner)
    return client


@pytest.fixture
def invitation(business, owner, now, time_machine):
    time_machine.move_to(now)
    return members.invite_member(
        business=business,
        email="jo@example.com",
        role=Role.VIEWER,
        actor=owner,
        now=now,
    )
