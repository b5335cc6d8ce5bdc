import threading
import time

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Event
from blog.models import Tag
from blog.services import tags
from tests.at_once import at_once
from tests.factories import PostFactory, TagFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_find_or_make_tag_finds_the_one_that_is_there():
    tag = TagFactory(name="tax")

    assert tags.find_or_make_tag("tax") == tag


def test_find_or_make_tag_makes_one_with_an_address():
    tag = tags.find_or_make_tag("tax law")

    assert (tag.name, tag.slug) == ("tax law", "tax-law")


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_a_tag_that_two_make_at_once_is_one():
    made = threading.Event()

    def first():
        with transaction.atomic():
            tag = tags.find_or_make_tag("tax")
            made.set()
            # Long enough for the other to look, find nothing, and wait to insert.
            time.sleep(0.5)
        return tag

    def second():
        made.wait()
        return tags.find_or_make_tag("tax")

    found = at_once([first, second])

    assert found[0] == found[1] == Tag.objects.get()


def test_rename_tag_keeps_its_address(now):
    tag, user = TagFactory(name="tax", slug="tax"), UserFactory()

    renamed = tags.rename_tag(tag=tag, name=" Taxes ", actor=user, now=now)

    renamed.refresh_from_db()
    assert (renamed.name, renamed.slug) == ("taxes", "tax")
    event = Event.objects.get(type="tag.renamed")
    assert (event.actor, event.data) == (user, {"name": "taxes", "before": "tax"})


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (" ", "A tag needs a name"),
        ("LAW", "already exists"),
        ("x" * 51, "at most 50 characters"),
    ],
)
def test_rename_tag_refuses_a_name_that_is_no_good(now, name, sentence):
    TagFactory(name="law")

    with pytest.raises(ValidationError, match=sentence):
        tags.rename_tag(tag=TagFactory(name="tax"), name=name, actor=None, now=now)

    assert set(Tag.objects.values_list("name", flat=True)) == {"law", "tax"}


def test_delete_tag_leaves_the_posts(now):
    post, tag = PostFactory(), TagFactory(name="tax")
    post.tags.add(tag)

    tags.delete_tag(tag=tag, actor=None, now=now)

    assert list(post.tags.all()) == []
    assert Event.objects.get(type="tag.deleted").data == {"name": "tax"}
