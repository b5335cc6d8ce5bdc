import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.roles import Role
from invoices.models import Attachment, Contact
from tests.factories import CustomerFactory, InvoiceFactory, MembershipFactory

pytestmark = pytest.mark.django_db


def page(row, action="change"):
    return reverse(f"admin:invoices_{row._meta.model_name}_{action}", args=[row.pk])


def customer_form(customer, *rows, known=0):
    return {
        "name": customer.name,
        "email": customer.email,
        "contacts-TOTAL_FORMS": str(len(rows)),
        "contacts-INITIAL_FORMS": str(known),
    } | {
        f"contacts-{index}-{name}": value
        for index, row in enumerate(rows)
        for name, value in ({"customer": customer.pk} | row).items()
    }


def test_contacts_are_written_on_the_page_of_their_customer(desk, business):
    customer = CustomerFactory(business=business)
    ann = {"name": "Ann", "email": "ann@example.com", "gets_invoices": "on"}

    desk.post(page(customer), customer_form(customer, ann))

    contact = Contact.objects.get()
    assert (contact.customer, contact.name) == (customer, "Ann")
    assert (contact.gets_invoices, contact.gets_reminders) == (True, False)
    again = ann | {"id": contact.pk, "name": "Ann B."}
    desk.post(page(customer), customer_form(customer, again, known=1))
    contact.refresh_from_db()
    assert contact.name == "Ann B."
    ben = ann | {"name": "Ben", "email": "ANN@example.com"}
    refused = desk.post(page(customer), customer_form(customer, again, ben, known=1))
    assert "This customer has a contact with that address." in refused.text
    assert Contact.objects.count() == 1
    gone = again | {"DELETE": "on"}
    desk.post(page(customer), customer_form(customer, gone, known=1))
    assert not Contact.objects.exists()


def test_who_may_only_look_sees_contacts_and_files(client, business):
    viewer = MembershipFactory(business=business, role=Role.VIEWER).user
    customer = CustomerFactory(business=business)
    Contact.objects.create(customer=customer, name="Ann", email="ann@example.com")
    invoice = InvoiceFactory(business=business, customer=customer)
    client.force_login(viewer)

    assert "ann@example.com" in client.get(page(customer)).text
    assert client.get(page(invoice, "attach")).status_code == 403
    assert "Attach a file" not in client.get(page(invoice)).text


def test_a_file_is_attached_shown_changed_downloaded_and_removed(desk, business):
    invoice = InvoiceFactory(business=business)
    plan = SimpleUploadedFile("Plan.pdf", b"%PDF-1")

    desk.post(page(invoice, "attach"), {"file": plan, "is_shown": "on"})

    attachment = Attachment.objects.get(invoice=invoice)
    assert page(attachment) in desk.get(page(invoice)).text
    assert desk.get(page(attachment, "download")).content == b"%PDF-1"
    changed = desk.post(page(attachment), {"is_mailed": "on"})
    attachment.refresh_from_db()
    assert (attachment.is_mailed, attachment.is_shown) == (True, False)
    assert changed.url == page(invoice)
    desk.post(page(attachment, "delete"), {"post": "yes"})
    assert not Attachment.objects.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "The submitted file is empty."), (b"MZ", "none of what is taken")],
)
def test_a_file_that_is_not_taken_is_refused_on_its_form(desk, business, content, said):
    invoice = InvoiceFactory(business=business)
    upload = SimpleUploadedFile("x.pdf", content)

    page_again = desk.post(page(invoice, "attach"), {"file": upload})

    assert said in page_again.text
    assert not Attachment.objects.exists()
