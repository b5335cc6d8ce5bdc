"""What goes on behind the scenes, and should go on by itself."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from billing.models import StripeEvent
from billing.services import events
from config import tasks


@dataclass(frozen=True, slots=True)
class Working:
    """So many of something that should be none; `name` goes with any number."""

    count: int
    name: str
    link: str


def workings(now: datetime) -> list[Working]:
    """For operators, on the front page: what did not go as it should. Three queries."""
    task_list = reverse("admin:django_tasks_database_dbtaskresult_changelist")
    event_list = reverse("admin:billing_stripeevent_changelist")
    failed = DBTaskResult.objects.failed()
    stuck = DBTaskResult.objects.filter(tasks.is_stuck(now))
    unfinished = StripeEvent.objects.unfinished(now - events.CUT_OFF)
    return [
        Working(failed.count(), "Tasks failed", f"{task_list}?needs=failed"),
        Working(stuck.count(), "Tasks stuck", f"{task_list}?needs=stuck"),
        Working(
            unfinished.count(),
            "Events from Stripe failed or cut off",
            f"{event_list}?needs=look",
        ),
    ]
