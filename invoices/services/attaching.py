"""
Files that go with an invoice, before it is finalized and after.

They are no part of what is sealed: what was issued says the same with and without them.
"""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import PurePath
from typing import Any, Final

from django.core.files.base import ContentFile, File
from django.db import models, transaction

from accounts.models import User
from accounts.services.events import record_event
from invoices.exceptions import Deleted, InvalidAttachment
from invoices.models import Attachment, Invoice, document_storage
from invoices.services.locking import lock_invoice
from invoices.uploads import MAX_BYTES, recognized

MAX_FILES: Final = 20
# Mail servers take ten megabytes, and mail makes a file a third larger.
MAX_MAILED: Final = 7_000_000


@dataclass(frozen=True)
class StoredFile:
    """A file that was looked at and is in storage, whether or not a row says so."""

    file: str
    name: str
    content_type: str
    size: int
    sha256: str


def attach_file(
    *,
    invoice: Invoice,
    upload: File[Any],
    is_mailed: bool = False,
    is_shown: bool = False,
    actor: User | None,
    now: datetime,
) -> Attachment:
    """
    As `stored` and `attach_stored`, one after the other. Call it outside a transaction.
    """
    with stored(invoice=invoice, upload=upload) as file:
        return attach_stored(
            invoice=invoice,
            file=file,
            is_mailed=is_mailed,
            is_shown=is_shown,
            actor=actor,
            now=now,
        )


@contextmanager
def stored(*, invoice: Invoice, upload: File[Any]) -> Iterator[StoredFile]:
    """
    An upload, looked at and put in storage; and gone again at the end if no row came of it.

    Call it outside a transaction: storage may be a network. Whoever is killed within may
    leave a file that no row names, which nobody is ever given.

    :raises InvalidAttachment: if it is empty, too large, or of a kind that is not taken
    """
    # No more than says that it is too large.
    content = upload.read(MAX_BYTES + 1)
    known = recognized(str(upload.name), content)
    sha256 = hashlib.sha256(content).hexdigest()
    # Never the name of another's, or whoever fails would delete what somebody else keeps.
    name = f"{uuid.uuid4().hex}{PurePath(known.name).suffix}"
    storage = document_storage()
    file = storage.save(f"{_folder(invoice, sha256)}/{name}", ContentFile(content))
    try:
        yield StoredFile(file, known.name, known.content_type, len(content), sha256)
    finally:
        if not Attachment.objects.filter(invoice=invoice, file=file).exists():
            storage.delete(file)


@transaction.atomic
def attach_stored(
    *,
    invoice: Invoice,
    file: StoredFile,
    is_mailed: bool,
    is_shown: bool,
    actor: User | None,
    now: datetime,
) -> Attachment:
    """
    Keep a file with an invoice, whatever its status, under a name that says what it is.

    The same bytes again are the attachment that is there, mailed and shown if either time
    said so. Call it within `stored`.

    :param is_mailed: whether it goes along when the invoice is sent
    :param is_shown: whether the customer may download it from the invoice's page
    :raises InvalidAttachment: if it is one too many, or too much for one mail
    :raises Deleted: if it was a draft that somebody deleted meanwhile
    """
    invoice = lock_invoice(invoice.pk)
    same = invoice.attachments.filter(file__startswith=_folder(invoice, file.sha256))
    for twin in same.order_by("pk")[:1]:
        return change_attachment(
            attachment=twin,
            is_mailed=is_mailed or twin.is_mailed,
            is_shown=is_shown or twin.is_shown,
            actor=actor,
            now=now,
        )
    if invoice.attachments.count() >= MAX_FILES:
        raise InvalidAttachment(
            f"An invoice has at most {MAX_FILES} files: remove one of them first."
        )
    attachment = Attachment(
        business_id=invoice.business_id,
        invoice=invoice,
        file=file.file,
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        is_mailed=is_mailed,
        is_shown=is_shown,
        created_by=actor,
    )
    _check_mailed(attachment)
    attachment.save()
    _record("invoice.attached", attachment, actor, now, sha256=file.sha256)
    return attachment


@transaction.atomic
def change_attachment(
    *,
    attachment: Attachment,
    is_mailed: bool,
    is_shown: bool,
    actor: User | None,
    now: datetime,
) -> Attachment:
    """
    Say anew whether it is mailed, and whether the customer sees it.

    :raises InvalidAttachment: if all that is mailed would be too much for one mail
    :raises Deleted: if somebody removed it meanwhile
    """
    attachment = _fresh(attachment)
    before = attachment.is_mailed, attachment.is_shown
    if before == (is_mailed, is_shown):
        return attachment
    attachment.is_mailed, attachment.is_shown = is_mailed, is_shown
    _check_mailed(attachment)
    attachment.save(update_fields=["is_mailed", "is_shown"])
    _record("invoice.attachment_updated", attachment, actor, now)
    return attachment


@transaction.atomic
def remove_attachment(
    *, attachment: Attachment, actor: User | None, now: datetime
) -> None:
    """
    Take a file away. What was mailed stays mailed, and the record says what it was.

    :raises Deleted: if somebody else was faster
    """
    attachment = _fresh(attachment)
    _record("invoice.attachment_removed", attachment, actor, now)
    forget_files(Attachment.objects.filter(pk=attachment.pk))
    attachment.delete()


def forget_files(attachments: models.QuerySet[Attachment]) -> None:
    """Have their files deleted after commit. Call it before the rows are deleted."""
    for name in attachments.values_list("file", flat=True):
        delete = partial(document_storage().delete, name)
        transaction.on_commit(delete, robust=True)


def _folder(invoice: Invoice, sha256: str) -> str:
    return f"attachments/{invoice.public_id}/{sha256}"


def _fresh(attachment: Attachment) -> Attachment:
    assert attachment.invoice_id is not None  # noqa: S101 - for mypy: these have one
    invoice = lock_invoice(attachment.invoice_id)
    try:
        fresh = invoice.attachments.get(pk=attachment.pk)
    except Attachment.DoesNotExist:
        raise Deleted("Somebody removed this file meanwhile.") from None
    fresh.invoice = invoice
    return fresh


def _check_mailed(attachment: Attachment) -> None:
    if not attachment.is_mailed or attachment.invoice is None:
        return
    others = attachment.invoice.attachments.filter(is_mailed=True)
    summed = others.exclude(pk=attachment.pk).aggregate(
        sum=models.Sum("size", default=0)
    )
    if summed["sum"] + attachment.size > MAX_MAILED:
        raise InvalidAttachment(
            f"Together {(summed['sum'] + attachment.size) / 1e6:.1f} MB would go along "
            "with the mail, and mail servers take 7: let the customer download one of "
            "the files from the invoice's page instead."
        )


def _record(
    type_: str,
    attachment: Attachment,
    actor: User | None,
    now: datetime,
    **more: str,
) -> None:
    assert attachment.invoice is not None  # noqa: S101 - for mypy: these have one
    record_event(
        type=type_,
        subject=attachment.invoice,
        business=attachment.business,
        actor=actor,
        now=now,
        data={
            "file": attachment.name,
            "attachment": str(attachment.public_id),
            "is_mailed": attachment.is_mailed,
            "is_shown": attachment.is_shown,
            **more,
        },
    )
