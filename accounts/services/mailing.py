"""Mail about accounts, out of the request that causes it."""

from django.tasks import TaskContext, task

from accounts import emails


def mail_later(*, to: str, subject: str, text: str, html: str) -> None:
    """Have a message sent by the worker, so that no page waits for a mail server."""
    _mail.enqueue(to=to, subject=subject, text=text, html=html)


@task(takes_context=True)
def _mail(
    context: TaskContext[[str, str, str, str], None],
    to: str,
    subject: str,
    text: str,
    html: str,
) -> None:
    """Mail somebody about their account."""
    key = f"account-{context.task_result.id}"
    emails.account_message(to=to, subject=subject, text=text, html=html, key=key)
