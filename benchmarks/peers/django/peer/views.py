from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.html import escape
from django.utils.text import slugify
from rest_framework.pagination import CursorPagination
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from peer.models import Comment, Post
from peer.serializers import PostSerializer, PostSummarySerializer

COMMENT_COUNT = Coalesce(
    Subquery(
        Comment.objects.filter(post=OuterRef("pk"))
        .values("post")
        .annotate(count=Count("pk"))
        .values("count"),
        output_field=IntegerField(),
    ),
    0,
)


class NewestFirst(CursorPagination):
    ordering = "-id"
    page_size_query_param = "page_size"
    max_page_size = 100


class PostViewSet(ModelViewSet[Post]):
    lookup_field = "slug"
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Any]:
        published = Post.objects.filter(status="published").select_related("author")
        if self.action == "list":
            published = published.defer("body", "body_html")
        return published.annotate(comment_count=COMMENT_COUNT)

    def get_serializer_class(self) -> type[BaseSerializer[Post]]:
        return PostSummarySerializer if self.action == "list" else PostSerializer

    def perform_create(self, serializer: BaseSerializer[Post]) -> None:
        typed: dict[str, Any] = serializer.validated_data
        serializer.save(
            author=self.request.user,
            slug=slugify(typed["title"])[:50],
            summary=typed.get("excerpt") or typed["body"][:200],
            body_html=f"<p>{escape(typed['body'])}</p>\n",
        )
