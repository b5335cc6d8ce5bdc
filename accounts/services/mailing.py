"""Mail about accounts, out of the request that causes it."""

from django.tasks import task

from accounts import emails


def mail_later(*, to: str, subject: str, text: str, html: str) -> None:
    """Have a message sent by the worker, so that no page waits for a mail server."""
    _mail.enqueue(to=to, subject=subject, text=text, html=html)


@task
def _mail(to: str, subject: str, text: str, html: str) -> None:
    emails.account_message(to=to, subject=subject, text=text, html=html)
