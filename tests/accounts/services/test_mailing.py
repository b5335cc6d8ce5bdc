import pytest
from django.core import mail

from accounts.services import mailing

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("html", "parts"), [("", 0), ("<p>Hello</p>", 1)])
def test_mail_leaves_with_the_worker(run_tasks, html, parts):
    mailing.mail_later(
        to="jo@example.com", subject="One\r\nline", text="Hello", html=html
    )
    assert mail.outbox == []

    run_tasks()

    (message,) = mail.outbox
    assert (message.to, message.subject, message.body) == (
        ["jo@example.com"],
        "One line",
        "Hello",
    )
    assert len(message.alternatives) == parts
