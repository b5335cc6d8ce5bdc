"""The API over posts, comments and tags."""

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import IsAuthenticatedOrReadOnly
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.viewsets import ReadOnlyModelViewSet
from accounts.http import person
from blog import selectors
from blog.api import rows
from blog.api.filters import CommentFilter, PostFilter
from blog.api.serializers import (
    CommentEditSerializer,
    CommentInputSerializer,
    CommentSerializer,
    PostInputSerializer,
    PostSerializer,
    PostSummarySerializer,
    TagSerializer,
)
from blog.models import Comment, Post, Tag
from blog.rights import writes_posts
from blog.services import comments, covers, posts
from blog.states import CommentStatus

NOT_AN_AUTHOR = "Your account may not write posts; an owner can make you an author."
NOT_YOUR_POST = "Only its author, or an owner, may change a post."
NOT_YOUR_COMMENT = "Only its author may change a comment."
NOT_A_MODERATOR = "Only who may write posts moderates comments."


@extend_schema_view(
    list={"summary": "List posts, newest first"},
    retrieve={"summary": "Read a post"},
)
class PostViewSet(ReadOnlyModelViewSet[Post]):
    """What is published, and drafts that you may edit."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    parser_classes: list[Any] = [*api_settings.DEFAULT_PARSER_CLASSES, MultiPartParser]
    filterset_class = PostFilter
    lookup_field = "slug"
    lookup_value_regex = r"[-\w]+"
    queryset = Post.objects.none()

    def prepare(self, request: Request) -> AbstractContextManager[Any]:
        # A form alone carries a file, and most posts come as JSON.
        if self.action == "create" and request.FILES and writes_posts(person(request)):
            typed = PostInputSerializer(data=request.data)
            if typed.is_valid() and (upload := typed.validated_data.get("cover")):
                return covers.stored(upload)
        return super().prepare(request)

    def get_queryset(self) -> QuerySet[Any]:
        visible = Post.objects.visible_to(self.request.user)
        if self.action == "list":
            return visible.for_lists()
        detailed = visible.with_tags().with_comment_counts()
        return detailed.select_related("author")

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Post]]:
        return PostSummarySerializer if self.action == "list" else PostSerializer

    @extend_schema(
        summary="Write a draft",
        request=PostInputSerializer,
        responses={201: PostSerializer},
    )
    def create(self, request: Request) -> Response:
        author = person(request)
        if not writes_posts(author):
            raise PermissionDenied(NOT_AN_AUTHOR)
        fields, tags = self._typed(request, partial=False)
        if fields.get("cover"):
            fields["cover"] = self.prepared
        post = posts.write_post(
            author=author,
            fields=fields,
            tags=tags or [],
            actor=author,
            now=timezone.now(),
        )
        written = rows.just_written(post, tags or [])
        return Response(rows.shown(written), status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Replace a post's texts",
        request=PostInputSerializer,
        responses=PostSerializer,
    )
    def update(self, request: Request, slug: str, *, partial: bool = False) -> Response:
        post = self._editable()
        fields, tags = self._typed(request, partial=partial)
        with covers.stored_of(fields) as stored:
            changed = posts.update_post(
                post=post,
                fields=stored,
                tags=tags,
                actor=person(request),
                now=timezone.now(),
            )
        return self._shown(changed)

    @extend_schema(
        summary="Change a post", request=PostInputSerializer, responses=PostSerializer
    )
    def partial_update(self, request: Request, slug: str) -> Response:
        return self.update(request, slug, partial=True)

    @extend_schema(summary="Delete a post and its comments")
    def destroy(self, request: Request, slug: str) -> Response:
        posts.delete_post(
            post=self._editable(), actor=person(request), now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Show a draft to all", request=None, responses=PostSerializer
    )
    @action(detail=True, methods=["post"])
    def publish(self, request: Request, slug: str) -> Response:
        post = posts.publish_post(
            post=self._editable(), actor=person(request), now=timezone.now()
        )
        return self._shown(post)

    @extend_schema(
        summary="Take a post back from readers", request=None, responses=PostSerializer
    )
    @action(detail=True, methods=["post"])
    def unpublish(self, request: Request, slug: str) -> Response:
        post = posts.unpublish_post(
            post=self._editable(), actor=person(request), now=timezone.now()
        )
        return self._shown(post)

    def _editable(self) -> Post:
        post = self.get_object()
        if not selectors.may_edit(self.request.user, post):
            raise PermissionDenied(NOT_YOUR_POST)
        return post

    def _typed(
        self, request: Request, *, partial: bool
    ) -> tuple[dict[str, Any], list[str] | None]:
        typed = PostInputSerializer(data=request.data, partial=partial)
        typed.is_valid(raise_exception=True)
        fields = dict(typed.validated_data)
        return fields, fields.pop("tags", None)

    def _shown(self, post: Post) -> Response:
        fresh = self.get_queryset().get(pk=post.pk)
        return Response(PostSerializer(fresh).data)


@extend_schema_view(
    list={"summary": "List comments, newest first"},
    retrieve={"summary": "Read a comment"},
)
class CommentViewSet(ReadOnlyModelViewSet[Comment]):
    """What readers see, your own that wait, and those that you moderate."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    serializer_class = CommentSerializer
    filterset_class = CommentFilter
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    queryset = Comment.objects.none()

    def get_queryset(self) -> QuerySet[Comment]:
        visible = Comment.objects.visible_to(self.request.user)
        return visible.select_related("author", "post", "parent")

    @extend_schema(
        summary="Comment on a post, or answer a comment",
        request=CommentInputSerializer,
        responses={201: CommentSerializer},
    )
    def create(self, request: Request) -> Response:
        typed = CommentInputSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        comment = comments.comment_on_post(
            post=self._post(typed.validated_data["post"]),
            author=person(request),
            body=typed.validated_data["body"],
            parent=self._parent(typed.validated_data.get("parent")),
            now=timezone.now(),
        )
        return Response(self.get_serializer(comment).data, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Replace your words",
        request=CommentEditSerializer,
        responses=CommentSerializer,
    )
    def update(self, request: Request, id: object) -> Response:
        comment = self._own()
        typed = CommentEditSerializer(data=request.data)
        typed.is_valid(raise_exception=True)
        changed = comments.update_comment(
            comment=comment,
            body=typed.validated_data["body"],
            actor=person(request),
            now=timezone.now(),
        )
        return Response(self.get_serializer(changed).data)

    @extend_schema(
        summary="Change your words",
        request=CommentEditSerializer,
        responses=CommentSerializer,
    )
    def partial_update(self, request: Request, id: object) -> Response:
        return self.update(request, id)

    @extend_schema(summary="Delete a comment that nobody has answered")
    def destroy(self, request: Request, id: object) -> Response:
        comment = self.get_object()
        actor = person(request)
        if comment.author != actor and not writes_posts(actor):
            raise PermissionDenied(NOT_YOUR_COMMENT)
        comments.delete_comment(comment=comment, actor=actor, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Show a comment to all", request=None, responses=CommentSerializer
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, id: object) -> Response:
        return self._moderated(CommentStatus.APPROVED)

    @extend_schema(
        summary="Hold a comment again", request=None, responses=CommentSerializer
    )
    @action(detail=True, methods=["post"])
    def hold(self, request: Request, id: object) -> Response:
        return self._moderated(CommentStatus.HELD)

    @extend_schema(
        summary="Put a comment away as spam", request=None, responses=CommentSerializer
    )
    @action(detail=True, methods=["post"])
    def spam(self, request: Request, id: object) -> Response:
        return self._moderated(CommentStatus.SPAM)

    @extend_schema(
        summary="Put a comment in the trash", request=None, responses=CommentSerializer
    )
    @action(detail=True, methods=["post"])
    def trash(self, request: Request, id: object) -> Response:
        return self._moderated(CommentStatus.TRASH)

    def _moderated(self, new: CommentStatus) -> Response:
        comment = self.get_object()
        actor = person(self.request)
        if not writes_posts(actor):
            raise PermissionDenied(NOT_A_MODERATOR)
        comment = comments.moderate_comment(
            comment=comment, status=new, actor=actor, now=timezone.now()
        )
        return Response(self.get_serializer(comment).data)

    def _own(self) -> Comment:
        comment = self.get_object()
        if comment.author != self.request.user:
            raise PermissionDenied(NOT_YOUR_COMMENT)
        return comment

    def _post(self, slug: str) -> Post:
        visible = Post.objects.visible_to(self.request.user)
        if post := visible.filter(slug=slug).first():
            return post
        raise ValidationError({"post": "There is no such post."})

    def _parent(self, public_id: UUID | None) -> Comment | None:
        if public_id is None:
            return None
        if parent := Comment.objects.filter(public_id=public_id).first():
            return parent
        raise ValidationError({"parent": "There is no such comment."})


@extend_schema_view(
    list={"summary": "List the tags of published posts"},
    retrieve={"summary": "Read a tag"},
)
class TagViewSet(ReadOnlyModelViewSet[Tag]):
    """What published posts are about. A post brings its tags with it."""

    permission_classes = [IsAuthenticatedOrReadOnly]
    serializer_class = TagSerializer
    lookup_field = "slug"
    lookup_value_regex = r"[-\w]+"
    queryset = Tag.objects.none()

    def get_queryset(self) -> QuerySet[Any]:
        return Tag.objects.used()
