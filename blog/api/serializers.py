from __future__ import annotations

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from accounts.models import User
from blog.models import MAX_BODY, MAX_COMMENT, MAX_TAG, Comment, Post, Tag, tag_names


class AuthorSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("username", "full_name")


class TagSerializer(serializers.ModelSerializer[Tag]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    post_count = serializers.IntegerField(
        read_only=True, help_text="Published posts about it."
    )

    class Meta:
        model = Tag
        fields = ("id", "name", "slug", "post_count")


class PostSummarySerializer(serializers.ModelSerializer[Post]):
    """A post in a list: all but its text."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    url = serializers.SerializerMethodField(help_text="Of the page.")
    author = AuthorSerializer(read_only=True)
    tags = serializers.SlugRelatedField[Tag](
        slug_field="name", many=True, read_only=True
    )
    cover = serializers.SerializerMethodField(
        help_text="Address of the cover, or null."
    )
    comment_count = serializers.IntegerField(
        read_only=True, help_text="Comments that every reader sees."
    )

    class Meta:
        model = Post
        fields: tuple[str, ...] = (
            "id",
            "slug",
            "url",
            "status",
            "title",
            "excerpt",
            "summary",
            "author",
            "tags",
            "cover",
            "cover_alt",
            "comments_open",
            "comment_count",
            "published_at",
            "revised_at",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(serializers.URLField())
    def get_url(self, post: Post) -> str:
        return settings.SITE_URL + post.get_absolute_url()

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_cover(self, post: Post) -> str | None:
        return settings.SITE_URL + post.cover_url if post.cover else None


class PostSerializer(PostSummarySerializer):
    class Meta(PostSummarySerializer.Meta):
        fields = (*PostSummarySerializer.Meta.fields, "body", "body_html")
        read_only_fields = fields


class NoSurrogates(ProhibitSurrogateCharactersValidator):
    """As REST framework's, which looks at each letter; the encoder knows at once."""

    def __call__(self, value: str) -> None:
        try:
            value.encode()
        except UnicodeEncodeError:
            super().__call__(value)


class TextField(serializers.CharField):
    """Of a text that may be long."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        slow = ProhibitSurrogateCharactersValidator
        self.validators = [
            NoSurrogates() if isinstance(validator, slow) else validator
            for validator in self.validators
        ]


class PostInputSerializer(serializers.Serializer[Any]):
    """As JSON; or as a multipart form, which can carry the cover."""

    title = serializers.CharField(max_length=150)
    body = TextField(
        max_length=MAX_BODY,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="Markdown.",
    )
    excerpt = TextField(max_length=300, required=False, allow_blank=True)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=MAX_TAG),
        required=False,
        help_text="Names; those not there yet are made.",
    )
    cover = serializers.FileField(
        required=False,
        allow_null=True,
        help_text="A JPEG, PNG or WebP of up to 4 MB; null takes it away.",
    )
    cover_alt = serializers.CharField(max_length=250, required=False, allow_blank=True)
    # A form without the field would otherwise mean "no".
    comments_open = serializers.BooleanField(default=True)

    def validate_tags(self, typed: list[str]) -> list[str]:
        return tag_names(typed)


class CommentSerializer(serializers.ModelSerializer[Comment]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    post = serializers.SlugRelatedField[Post](slug_field="slug", read_only=True)
    # DRF calls a field's serializer its parent; a declared field never becomes that.
    parent = serializers.SlugRelatedField[Comment](  # type: ignore[assignment] # as above
        slug_field="public_id", read_only=True, allow_null=True
    )
    author = AuthorSerializer(read_only=True)

    class Meta:
        model = Comment
        fields = (
            "id",
            "post",
            "parent",
            "author",
            "status",
            "body",
            "body_html",
            "posted_at",
            "edited_at",
        )
        read_only_fields = fields


class CommentEditSerializer(serializers.Serializer[Any]):
    body = TextField(max_length=MAX_COMMENT, help_text="Markdown.")


class CommentInputSerializer(CommentEditSerializer):
    post = serializers.SlugField(help_text="The post's slug.")
    parent = serializers.UUIDField(  # type: ignore[assignment] # as above
        required=False,
        allow_null=True,
        help_text="Id of the comment this answers, which answers none itself.",
    )
