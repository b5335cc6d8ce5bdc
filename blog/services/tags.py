"""Making, renaming and deleting tags."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.services.editions import begin_edition
from accounts.services.events import record_event
from blog.models import Tag, tag_names
from blog.services.slugs import save_with_slug, slug_of


def find_or_make_tag(name: str) -> Tag:
    """:param name: as `tag_names` returns it"""
    if tag := Tag.objects.filter(name=name).first():
        return tag
    tag = Tag(name=name)
    try:
        with transaction.atomic():
            save_with_slug(tag, slug_of(name, otherwise="tag"))
    except IntegrityError:
        # Somebody else has made it since.
        return Tag.objects.get(name=name)
    return tag


@transaction.atomic
def rename_tag(*, tag: Tag, name: str, actor: User | None, now: datetime) -> Tag:
    """
    Call a tag something else, on every post. Its address stays.

    :raises ValidationError: if the name is empty, too long, or another tag's
    """
    tag = Tag.objects.select_for_update().get(pk=tag.pk)
    before = tag.name
    tag.name = "".join(tag_names([name]))
    if not tag.name:
        raise ValidationError({"name": "A tag needs a name."})
    tag.validate_unique()
    tag.save(update_fields=["name"])
    _record("tag.renamed", tag, actor, now, before=before)
    begin_edition()
    return tag


@transaction.atomic
def delete_tag(*, tag: Tag, actor: User | None, now: datetime) -> None:
    """Take a tag from every post, for good."""
    _record("tag.deleted", tag, actor, now)
    tag.delete()
    begin_edition()


def _record(
    type_: str, tag: Tag, actor: User | None, now: datetime, **data: str
) -> None:
    record_event(
        type=type_,
        subject=tag,
        business=None,
        actor=actor,
        now=now,
        data={"name": tag.name, **data},
    )
