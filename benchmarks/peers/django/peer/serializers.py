from typing import Any

from django.conf import settings
from rest_framework import serializers

from peer.models import Post, User


class AuthorSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("username", "full_name")


class PostSummarySerializer(serializers.ModelSerializer[Post]):
    id = serializers.CharField(source="public_id", read_only=True)
    url = serializers.SerializerMethodField()
    author = AuthorSerializer(read_only=True)
    tags = serializers.SerializerMethodField()
    cover = serializers.SerializerMethodField()
    comment_count = serializers.IntegerField(read_only=True, default=0)

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
        read_only_fields: tuple[str, ...] = (
            "slug",
            "status",
            "summary",
            "published_at",
            "body_html",
        )

    def get_url(self, post: Post) -> str:
        return f"{settings.SITE_URL}/blog/{post.slug}/"

    def get_tags(self, post: Post) -> list[Any]:
        return []

    def get_cover(self, post: Post) -> None:
        return None


class PostSerializer(PostSummarySerializer):
    class Meta(PostSummarySerializer.Meta):
        fields = (*PostSummarySerializer.Meta.fields, "body", "body_html")
