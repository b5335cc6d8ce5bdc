import io

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import Business, Event
from accounts.roles import Role
from accounts.services import businesses
from tests.factories import BusinessFactory, UserFactory

pytestmark = pytest.mark.django_db


def logo(name="Logo.PNG"):
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    return SimpleUploadedFile(name, content.getvalue())


def update(business, now, **fields):
    return businesses.update_business(
        business=business, actor=None, now=now, fields=fields
    )


def test_create_business_makes_its_owner(now):
    owner = UserFactory(email="jo@example.com")

    business = businesses.create_business(
        owner=owner, now=now, fields={"name": "Studio", "currency": "JPY"}
    )

    assert (business.name, business.currency, business.email) == (
        "Studio",
        "JPY",
        "jo@example.com",
    )
    assert business.memberships.get(user=owner).role == Role.OWNER
    event = Event.objects.about("business", business.public_id).get()
    assert (event.type, event.actor, event.business) == (
        "business.created",
        owner,
        business,
    )


def test_create_business_refuses_what_is_wrong(now):
    with pytest.raises(ValidationError) as refused:
        businesses.create_business(
            owner=UserFactory(), now=now, fields={"name": "", "currency": "XXQ"}
        )

    assert set(refused.value.message_dict) == {"name", "currency"}
    assert Business.objects.count() == 0


def test_update_business_changes_what_it_is_given(now):
    business = BusinessFactory(name="Old", currency="EUR", tax_id="DE1")

    updated = update(business, now, name="New", currency="USD")

    business.refresh_from_db()
    assert (business.name, business.currency, business.tax_id) == ("New", "USD", "DE1")
    assert updated == business
    event = Event.objects.get()
    assert (event.type, event.data) == (
        "business.updated",
        {"fields": ["currency", "name"]},
    )


def test_update_business_keeps_a_tax_id_compact_and_refuses_what_is_none(now):
    business = BusinessFactory(country="GB", tax_id="")

    update(business, now, tax_id="gb 980 7806 84")

    business.refresh_from_db()
    assert business.tax_id == "GB980780684"
    with pytest.raises(ValidationError) as refused:
        update(business, now, tax_id="GB980780685")
    assert list(refused.value.message_dict) == ["tax_id"]


def test_update_business_without_a_change_writes_nothing(now):
    business = BusinessFactory(name="Same")

    update(business, now, name="Same")

    assert Event.objects.count() == 0


def test_update_business_refuses_what_is_wrong(now):
    business = BusinessFactory(time_zone="UTC")

    with pytest.raises(ValidationError) as refused:
        update(business, now, time_zone="Mars")

    business.refresh_from_db()
    assert list(refused.value.message_dict) == ["time_zone"]
    assert (business.time_zone, Event.objects.count()) == ("UTC", 0)


def test_what_no_owner_may_set_is_a_bug(now):
    with pytest.raises(TypeError, match="publishes"):
        update(BusinessFactory(), now, publishes=True)


def test_a_logo_is_stored_under_a_name_of_ours(now):
    business = BusinessFactory()

    update(business, now, logo=logo("../Ünser Logo.PNG"))

    business.refresh_from_db()
    assert business.logo.name.startswith(f"logos/{business.public_id}/")
    assert business.logo.name.endswith(".png")
    assert default_storage.exists(business.logo.name)


def test_a_logo_that_no_business_came_to_have_is_gone(now):
    business = BusinessFactory()

    with pytest.raises(ValidationError):
        update(business, now, logo=logo(), name="")

    folder = f"logos/{business.public_id}"
    assert default_storage.listdir(folder) == ([], [])


def test_a_new_logo_replaces_the_old_one(now, django_capture_on_commit_callbacks):
    business = update(BusinessFactory(), now, logo=logo())
    old = business.logo.name

    with django_capture_on_commit_callbacks(execute=True):
        business = update(business, now, logo=logo())

    assert business.logo.name != old
    assert default_storage.exists(business.logo.name)
    assert not default_storage.exists(old)


def test_a_logo_can_be_removed(now, django_capture_on_commit_callbacks):
    business = update(BusinessFactory(), now, logo=logo())
    old = business.logo.name

    with django_capture_on_commit_callbacks(execute=True):
        business = update(business, now, logo=False)

    assert not business.logo
    assert not default_storage.exists(old)


def test_a_logo_stays_when_it_is_sent_back(now):
    business = update(BusinessFactory(), now, logo=logo())

    updated = update(business, now, name="New", logo=business.logo)

    assert updated.logo.name == business.logo.name
    assert default_storage.exists(updated.logo.name)
