from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, storages
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.roles import Role
from invoices.models import Attachment, Contact
from invoices.services import attaching
from invoices.uploads import MAX_BYTES
from tests.api import in_role
from tests.factories import CustomerFactory, InvoiceFactory
from tests.invoices.api.world import url

pytestmark = pytest.mark.django_db

ANN = {"name": "Ann", "email": "ann@example.com"}


def upload(content=b"%PDF-1", name="Plan.pdf"):
    return SimpleUploadedFile(name, content)


def test_contacts_of_a_customer_are_kept(api, customer):
    added = api.post(url(customer, "contacts"), ANN | {"gets_reminders": False})

    assert added.status_code == 201
    ann = added.json()
    assert ann == {
        "id": ann["id"],
        **ANN,
        "phone": "",
        "gets_invoices": True,
        "gets_reminders": False,
        "gets_statements": True,
    }
    assert api.get(url(customer, "contacts")).json()["results"] == [ann]
    one = url(customer, "contacts", ann["id"])
    assert api.patch(one, {"phone": "1"}).json() == ann | {"phone": "1"}
    twice = api.post(url(customer, "contacts"), ANN)
    assert (twice.status_code, list(twice.json()["errors"])) == (400, ["email"])
    assert api.delete(one).status_code == 204
    assert not Contact.objects.exists()


def test_files_of_an_invoice_are_kept_and_downloaded(api, draft):
    said = {"file": upload(), "is_shown": "true"}

    added = api.post(url(draft, "attachments"), said, format="multipart")

    assert added.status_code == 201
    plan = added.json()
    assert plan == plan | {
        "name": "Plan.pdf",
        "content_type": "application/pdf",
        "size": 6,
        "is_mailed": False,
        "is_shown": True,
    }
    assert api.get(url(draft, "attachments")).json()["results"] == [plan]
    one = url(draft, "attachments", plan["id"])
    assert api.patch(one, {"is_mailed": True}).json() == plan | {"is_mailed": True}
    content = api.get(url(draft, "attachments", plan["id"], "content"))
    assert content.content == b"%PDF-1"
    assert content["Content-Disposition"] == 'attachment; filename="Plan.pdf"'
    assert content["X-Content-Type-Options"] == "nosniff"
    assert api.delete(one).status_code == 204
    assert not Attachment.objects.exists()


def files():
    folder = Path(storages["documents"].location)
    return [found for found in folder.rglob("*") if found.is_file()]


def test_a_file_under_a_key_is_kept_if_a_row_came_of_it(
    api, business, draft, monkeypatch
):
    """It is stored before the key's transaction; `tests.asking` would fail this."""
    viewer = in_role(business, Role.VIEWER)

    def attach(content, key="a key", client=api, **said):
        return client.post(
            url(draft, "attachments"),
            {"file": upload(content), **said},
            format="multipart",
            headers={"Idempotency-Key": key},
        )

    first, again = attach(b"%PDF-1"), attach(b"%PDF-1")
    assert (first.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    monkeypatch.setattr(attaching, "MAX_FILES", 1)
    for response, code in (
        (attach(b"%PDF-2"), 422),
        (attach(b"%PDF-2", "another"), 400),
        (attach(b"%PDF-2", "x" * 256), 400),
        (attach(b"%PDF-2", "a third", is_shown="perhaps"), 400),
        (attach(b"%PDF-2", "a viewer's", viewer), 403),
    ):
        assert response.status_code == code
    assert Attachment.objects.count() == len(files()) == 1


def test_who_may_not_attach_a_file_has_none_stored(api, business, draft, monkeypatch):
    monkeypatch.setattr(FileSystemStorage, "_save", None)
    for client, invoice, said in (
        (in_role(business, Role.VIEWER), draft, upload()),
        (api, InvoiceFactory(), upload()),
        (api, draft, upload(b"MZ", "x.pdf")),
        (api, draft, upload(b"%PDF-" + b"0" * MAX_BYTES)),
    ):
        response = client.post(
            url(invoice, "attachments"), {"file": said}, format="multipart"
        )
        assert response.status_code in {400, 403, 404}


@pytest.mark.parametrize(
    ("said", "code"),
    [({}, "invalid"), ({"file": upload(b"MZ", "x.pdf")}, "invalid_attachment")],
)
def test_what_is_no_file_to_attach_is_refused(api, draft, said, code):
    response = api.post(url(draft, "attachments"), said, format="multipart")

    assert (response.status_code, response.json()["code"]) == (400, code)


def test_whose_customer_or_invoice_it_is_decides(api, business, customer, draft):
    foreign = CustomerFactory(), InvoiceFactory()
    viewer = in_role(business, Role.VIEWER)
    for row, kind, body in (
        (foreign[0], "contacts", ANN),
        (foreign[1], "attachments", {"file": upload()}),
    ):
        assert api.get(url(row, kind)).status_code == 404
        posted = api.post(
            url(row, kind), body, format="multipart" if row is foreign[1] else None
        )
        assert posted.status_code == 404
    assert viewer.post(url(customer, "contacts"), ANN).status_code == 403
    assert viewer.get(url(customer, "contacts")).status_code == 200
    assert api.get("/api/v1/customers/nothing/contacts/").status_code == 404
    other = CustomerFactory(business=business)
    ann = Contact.objects.create(customer=customer, **ANN)
    assert api.get(url(other, "contacts", str(ann.public_id))).status_code == 404
