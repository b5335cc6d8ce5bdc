from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Count, Max, OuterRef, Q, StringAgg, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse

from accounts.fields import ExactCharField, LowercaseCharField
from accounts.models import Edition, User
from blog.rights import edits_every_post, writes_posts
from blog.states import CommentStatus, PostStatus

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

MAX_BODY = 100_000
MAX_COMMENT = 5_000
MAX_TAGS = 10
MAX_TAG = 50


def tag_names(typed: Iterable[str]) -> list[str]:
    """
    The names as they are stored: in lower case, single-spaced, each once.

    :raises ValidationError: if one is too long, or they are too many
    """
    names = list(dict.fromkeys(" ".join(name.lower().split()) for name in typed))
    names = [name for name in names if name]
    if len(names) > MAX_TAGS:
        raise ValidationError(f"A post has at most {MAX_TAGS} tags.")
    if any(len(name) > MAX_TAG for name in names):
        raise ValidationError(f"A tag has at most {MAX_TAG} characters.")
    return names


class TagQuerySet(models.QuerySet["Tag"]):
    def used(self) -> models.QuerySet[Any]:
        """Of published posts; adds `post_count` and when one was `revised_at`."""
        return self.filter(posts__status=PostStatus.PUBLISHED).annotate(
            post_count=Count("posts"), revised_at=Max("posts__revised_at")
        )


TagManager = models.Manager.from_queryset(TagQuerySet)


class Tag(models.Model):
    """What a post is about, in a word or two."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = LowercaseCharField(max_length=MAX_TAG, unique=True)
    slug = ExactCharField(max_length=60, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TagManager()

    posts: RelatedManager[Post]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("blog:tag", args=[self.slug])


class PostQuerySet(models.QuerySet["Post"]):
    def published(self) -> PostQuerySet:
        return self.filter(status=PostStatus.PUBLISHED)

    def visible_to(self, user: User | AnonymousUser) -> PostQuerySet:
        """What is published, and drafts of their own or that they may edit."""
        if isinstance(user, AnonymousUser):
            return self.published()
        if edits_every_post(user):
            return self.all()
        return self.filter(Q(status=PostStatus.PUBLISHED) | Q(author=user))

    def editable_by(self, user: User) -> PostQuerySet:
        """Their own, as long as they may write posts; all, for who may edit every one."""
        if edits_every_post(user):
            return self.all()
        return self.filter(author=user) if writes_posts(user) else self.none()

    def with_comment_counts(self) -> models.QuerySet[Any]:
        """Adds `comment_count`: the comments that readers see."""
        counts = (
            Comment.objects.shown()
            .filter(post=OuterRef("pk"))
            .order_by()
            .values("post")
            .annotate(count=Count("pk"))
            .values("count")
        )
        return self.annotate(
            comment_count=Coalesce(
                Subquery(counts), 0, output_field=models.IntegerField()
            )
        )

    def newest_first(self) -> PostQuerySet:
        return self.order_by("-published_at", "-pk")

    def with_tags(self) -> PostQuerySet:
        """With their tags in the order of the alphabet."""
        in_order = Tag.objects.order_by("name")
        return self.prefetch_related(models.Prefetch("tags", in_order))

    def whole(self) -> models.QuerySet[Any]:
        """
        With all that is read of a post, in one statement.

        Adds the author's `username` and `full_name`, `comment_count`, `tag_names` (a line
        each, in any order) and the mark of the `edition`.
        """
        # Not joined: MariaDB would begin a list with the authors, and sort all posts.
        author = User.objects.filter(pk=OuterRef("author"))
        tag_names = (
            Tag.objects.filter(posts=OuterRef("pk"))
            .order_by()
            .values("posts")
            .annotate(names=StringAgg("name", Value("\n")))
            .values("names")
        )
        edition = Edition.objects.filter(pk=Edition.ONLY).values("mark")
        counted: models.QuerySet[Any] = self.with_comment_counts().annotate(
            username=Subquery(author.values("username")),
            full_name=Subquery(author.values("full_name")),
            tag_names=Subquery(tag_names),
            edition=Subquery(edition),
        )
        return counted

    def for_lists(self) -> models.QuerySet[Any]:
        """With all that a list shows, and without the texts, which may be long."""
        # Authors on their own: joined, MariaDB begins with them and sorts all posts.
        return (
            self.with_tags()
            .with_comment_counts()
            .prefetch_related("author")
            .defer("body", "body_html")
        )


PostManager = models.Manager.from_queryset(PostQuerySet)


class Post(models.Model):
    """An article of the site's blog: Markdown as written, and HTML made from it once."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="posts")
    status = models.CharField(
        max_length=20,
        choices=PostStatus,
        default=PostStatus.DRAFT,
        editable=False,
    )
    title = models.CharField(max_length=150)
    slug = ExactCharField(
        max_length=100,
        unique=True,
        editable=False,
        help_text="Made from the title; kept from the first publication on.",
    )
    excerpt = models.CharField(
        max_length=300,
        blank=True,
        help_text="For lists and search engines. Left empty, the text's beginning.",
    )
    body = models.TextField(
        blank=True,
        max_length=MAX_BODY,
        validators=[MaxLengthValidator(MAX_BODY)],
        help_text="Markdown.",
    )
    body_html = models.TextField(editable=False)
    summary = models.CharField(max_length=300, editable=False)
    cover = models.ImageField(
        upload_to="covers/",
        blank=True,
        help_text="A JPEG, PNG or WebP of up to 4 MB.",
    )
    cover_width = models.PositiveIntegerField(null=True, editable=False)
    cover_height = models.PositiveIntegerField(null=True, editable=False)
    cover_alt = models.CharField(
        "cover description",
        max_length=250,
        blank=True,
        help_text="What the cover shows, for those who cannot see it.",
    )
    tags = models.ManyToManyField(Tag, related_name="posts", blank=True)
    comments_open = models.BooleanField(default=True)
    published_at = models.DateTimeField(
        null=True, editable=False, help_text="First publication."
    )
    revised_at = models.DateTimeField(
        editable=False, help_text="The latest change that a reader could see."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PostManager()

    comments: RelatedManager[Comment]

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=PostStatus.values), name="post_status_known"
            ),
            models.CheckConstraint(
                condition=~Q(status=PostStatus.PUBLISHED)
                | Q(published_at__isnull=False),
                name="post_published_has_date",
            ),
            models.CheckConstraint(
                condition=Q(cover="") | ~Q(cover_alt=""),
                name="post_cover_has_description",
                violation_error_message=(
                    "Describe the cover for those who cannot see it."
                ),
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "-published_at", "-id"], name="post_newest_first"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("blog:post", args=[self.slug])

    def clean(self) -> None:
        # The constraint says the same, but cannot say it at the field.
        if self.cover and not self.cover_alt:
            raise ValidationError(
                {"cover_alt": "Describe the cover for those who cannot see it."}
            )

    @property
    def is_published(self) -> bool:
        return self.status == PostStatus.PUBLISHED

    @property
    def takes_comments(self) -> bool:
        return self.is_published and self.comments_open

    @property
    def cover_url(self) -> str:
        """Where the cover is served, or nothing."""
        if not self.cover.name:
            return ""
        return reverse("blog:cover", args=[PurePath(self.cover.name).name])


# What every reader sees: approved, in an approved thread of a published post.
SHOWN = (
    Q(status=CommentStatus.APPROVED)
    & (Q(parent__isnull=True) | Q(parent__status=CommentStatus.APPROVED))
    & Q(post__status=PostStatus.PUBLISHED)
)


class CommentQuerySet(models.QuerySet["Comment"]):
    def held(self) -> CommentQuerySet:
        return self.filter(status=CommentStatus.HELD)

    def approved(self) -> CommentQuerySet:
        return self.filter(status=CommentStatus.APPROVED)

    def shown(self) -> CommentQuerySet:
        """What every reader sees: a reply is hidden with what it answers."""
        return self.filter(SHOWN)

    def moderated_by(self, user: User) -> CommentQuerySet:
        """All, for who may write posts: the blog belongs to the site."""
        return self.all() if writes_posts(user) else self.none()

    def visible_to(self, user: User | AnonymousUser) -> CommentQuerySet:
        """What readers see, their own that wait, and whatever they moderate."""
        if isinstance(user, AnonymousUser):
            return self.shown()
        if writes_posts(user):
            return self.all()
        waiting = Q(
            status=CommentStatus.HELD,
            author=user,
            post__status=PostStatus.PUBLISHED,
        )
        return self.filter(SHOWN | waiting)


CommentManager = models.Manager.from_queryset(CommentQuerySet)


class Comment(models.Model):
    """What a signed-in reader says about a post, or answers to another comment."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="comments")
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="replies",
        help_text="The comment this answers; one that answers nothing itself.",
    )
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="comments")
    status = models.CharField(
        max_length=20, choices=CommentStatus, default=CommentStatus.HELD
    )
    body = models.TextField(
        max_length=MAX_COMMENT,
        validators=[MaxLengthValidator(MAX_COMMENT)],
        help_text="Markdown.",
    )
    body_html = models.TextField(editable=False)
    posted_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    status_changed_at = models.DateTimeField()
    moderated_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Nobody, where the author's record decided.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CommentManager()

    replies: RelatedManager[Comment]

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=CommentStatus.values),
                name="comment_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["post", "status"], name="comment_by_post"),
            models.Index(fields=["author", "status"], name="comment_by_author"),
            models.Index(fields=["status", "-id"], name="comment_queue"),
        ]

    def __str__(self) -> str:
        return f"comment {self.public_id}"

    def get_absolute_url(self) -> str:
        return f"{self.post.get_absolute_url()}#comment-{self.public_id}"
