from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from tests.factories import UserFactory
from tests.rows import ROWS

pytestmark = pytest.mark.django_db
FRONT = reverse("admin:index")


def test_an_operator_sees_what_does_not_go_on_by_itself(client, business):
    client.force_login(UserFactory(is_superuser=True, is_staff=True))

    def counts():
        return [working.count for working in client.get(FRONT).context["workings"]]

    event = ROWS["billing.stripeevent"](business)
    ROWS["django_tasks_database.dbtaskresult"](business)
    DBTaskResult.objects.update(status="SUCCESSFUL")
    event.status = "processed"
    event.save()
    assert counts() == [0, 0, 0]

    first, second = list(DBTaskResult.objects.all())[:2]
    for task, status in ((first, "FAILED"), (second, "RUNNING")):
        long_ago = timezone.now() - timedelta(hours=1)
        task.status, task.started_at = status, long_ago
        task.save()
    event.status = "failed"
    event.save()
    assert counts() == [1, 1, 1]

    page = client.get(FRONT)
    for working in page.context["workings"]:
        rows = client.get(working.link).context["cl"].result_list
        assert len(rows) == working.count
        assert working.name in page.content.decode()


def test_nobody_else_is_told(desk):
    assert "workings" not in desk.get(FRONT).context
