"""Posts, comments and tags in the back office."""

from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Case, Count, Field, Model, QuerySet, Value, When
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin.base import BackOfficeAdmin, button, label
from accounts.admin.days import DaysFilter
from accounts.exceptions import Refusal
from accounts.http import may, person
from accounts.roles import Permission
from blog import images, selectors
from blog.exceptions import InvalidImage
from blog.models import Comment, Post, Tag, tag_names
from blog.services import comments, covers, posts, tags
from blog.states import CommentStatus, PostStatus

POST_COLORS = {PostStatus.DRAFT: "info", PostStatus.PUBLISHED: "success"}
COMMENT_COLORS = {
    CommentStatus.HELD: "warning",
    CommentStatus.APPROVED: "success",
    CommentStatus.SPAM: "danger",
    CommentStatus.TRASH: "info",
}


def may_write(request: HttpRequest) -> bool:
    """What `blog.rights.writes_posts` answers, without a query each time."""
    return person(request).is_staff or may(request, Permission.WRITE_POSTS)


class BlogAdmin(BackOfficeAdmin):
    """Of the site, for those who may write posts, whichever business they come from."""

    business_path = None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_write(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PostForm(ModelForm[Post]):
    tags = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Separated by commas; those not there yet are made.",
    )

    class Meta:
        model = Post
        fields = ["title", "body", "excerpt", "cover", "cover_alt", "comments_open"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["tags"] = ", ".join(
                tag.name for tag in self.instance.tags.order_by("name")
            )

    def clean_tags(self) -> list[str]:
        return tag_names(self.cleaned_data["tags"].split(","))

    def clean_cover(self) -> Any:
        cover = self.cleaned_data["cover"]
        if cover and "cover" in self.changed_data:
            try:
                images.check(cover)
            except InvalidImage as error:
                raise ValidationError(str(error), code=error.code) from error
        return cover


@admin.register(Post)
class PostAdmin(BlogAdmin):
    form = PostForm
    list_display = ("title", "state", "author_name", "published_at", "comment_count")
    list_filter = (
        "status",
        ("author", admin.RelatedOnlyFieldListFilter),
        "tags",
        ("published_at", DaysFilter),
    )
    search_fields = ("title", "author__full_name", "author__username")
    list_filter_submit = True
    ordering = ("-pk",)
    fields = (
        "title",
        "body",
        "excerpt",
        "tags",
        ("cover", "cover_alt"),
        "comments_open",
    )
    actions = ("publish_chosen",)
    actions_detail = ("publish", "unpublish")
    warn_unsaved_form = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        visible = Post.objects.visible_to(person(request)).with_comment_counts()
        return visible.select_related("author")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_write(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is None:
            return self.has_view_permission(request)
        return selectors.may_edit(person(request), obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "body":
            field.widget.attrs["rows"] = 24
        return field

    @label("status", POST_COLORS, ordering="status")
    def state(self, post: Post) -> tuple[str, str]:
        return post.status, post.get_status_display()

    @admin.display(description="author", ordering="author__full_name")
    def author_name(self, post: Post) -> str:
        return post.author.get_full_name()

    @admin.display(description="comments", ordering="comment_count")
    def comment_count(self, post: Any) -> int:
        count: int = post.comment_count
        return count

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        *args: Any,
        **more: Any,
    ) -> HttpResponse:
        upload = request.FILES.get("cover")
        with ExitStack() as stack:
            if upload and self._may_save(request, object_id):
                # Before Django opens a transaction. Of what is no picture, the form says so.
                with suppress(InvalidImage):
                    vars(request)["cover"] = stack.enter_context(covers.stored(upload))
                upload.seek(0)
            return super().changeform_view(request, object_id, *args, **more)

    def _may_save(self, request: HttpRequest, object_id: str | None) -> bool:
        if object_id is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, self.get_object(request, object_id))

    def save_model(
        self, request: HttpRequest, obj: Post, form: PostForm, change: bool
    ) -> None:
        changed = posts.FIELDS & set(form.changed_data)
        fields = {name: form.cleaned_data[name] for name in changed}
        if fields.get("cover"):
            fields["cover"] = vars(request)["cover"]
        author, named = person(request), form.cleaned_data["tags"]
        said: dict[str, Any] = {"fields": fields, "tags": named, "actor": author}
        if change:
            posts.update_post(post=obj, now=timezone.now(), **said)
        else:
            obj.pk = posts.write_post(author=author, now=timezone.now(), **said).pk

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Nothing more: the service has taken the tags too."""

    def delete_model(self, request: HttpRequest, obj: Post) -> None:
        posts.delete_post(post=obj, actor=person(request), now=timezone.now())

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Comments go with their post, whoever may delete the post."""
        listed, counts, _, protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(), protected

    def offered(self, request: HttpRequest, obj: Post) -> Collection[str]:
        if not self.has_change_permission(request, obj):
            return ()
        return ("unpublish",) if obj.is_published else ("publish",)

    @button("Publish", "publish", ActionVariant.PRIMARY)
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        post = self._editable(request, object_id)

        def act() -> str:
            posts.publish_post(post=post, actor=person(request), now=timezone.now())
            return "Published."

        return self.ask(
            request,
            post,
            title="Publish",
            consequence=f"Everybody can read “{post}”, and its address stays for good.",
            act=act,
        )

    @button("Unpublish", "unpublished")
    def unpublish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        post = self._editable(request, object_id)

        def act() -> str:
            posts.unpublish_post(post=post, actor=person(request), now=timezone.now())
            return "Unpublished."

        return self.ask(
            request,
            post,
            title="Unpublish",
            consequence=f"Readers no longer find “{post}” and its comments.",
            act=act,
        )

    @admin.action(description="Publish")
    def publish_chosen(self, request: HttpRequest, queryset: QuerySet[Post]) -> None:
        editable = Post.objects.editable_by(person(request))
        chosen = queryset.filter(pk__in=editable.values("pk"))

        def publish(post: Post) -> None:
            posts.publish_post(post=post, actor=person(request), now=timezone.now())

        _each(request, chosen, publish, "published")

    def _editable(self, request: HttpRequest, object_id: str) -> Post:
        """:raises PermissionDenied: to those who may only look"""
        post: Post = self.get_object(request, object_id)
        if not self.has_change_permission(request, post):
            raise PermissionDenied
        return post


@admin.register(Comment)
class CommentAdmin(BlogAdmin):
    list_display = ("beginning", "state", "author_name", "post", "posted_at")
    list_filter = (
        "status",
        ("author", admin.RelatedOnlyFieldListFilter),
        ("posted_at", DaysFilter),
    )
    list_select_related = ("author", "post")
    search_fields = ("body", "author__full_name", "author__username", "post__title")
    list_filter_submit = True
    fields = (
        "text",
        "author_name",
        "post",
        "answers",
        "posted_at",
        "edited_at",
        "status",
    )
    readonly_fields = fields[:-1]
    actions = ("approve", "hold", "mark_as_spam", "trash")

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """Those that wait for a moderator first, then the newest."""
        waits = Case(When(status=CommentStatus.HELD, then=Value(0)), default=Value(1))
        return waits, "-pk"

    @admin.display(description="comment")
    def beginning(self, comment: Comment) -> str:
        return Truncator(comment.body).chars(80)

    @admin.display(description="comment")
    def text(self, comment: Comment) -> SafeString:
        return mark_safe(comment.body_html)  # noqa: S308 - sanitized when written

    @label("status", COMMENT_COLORS, ordering="status")
    def state(self, comment: Comment) -> tuple[str, str]:
        return comment.status, comment.get_status_display()

    @admin.display(description="author", ordering="author__full_name")
    def author_name(self, comment: Comment) -> str:
        return comment.author.get_full_name()

    @admin.display(description="answers")
    def answers(self, comment: Comment) -> str:
        return Truncator(comment.parent.body).chars(80) if comment.parent else "-"

    def save_model(
        self, request: HttpRequest, obj: Comment, form: Any, change: bool
    ) -> None:
        if "status" in form.changed_data:
            self._moderate(request, obj, form.cleaned_data["status"])

    @admin.action(description="Approve")
    def approve(self, request: HttpRequest, queryset: QuerySet[Comment]) -> None:
        self._moderate_each(request, queryset, CommentStatus.APPROVED)

    @admin.action(description="Hold")
    def hold(self, request: HttpRequest, queryset: QuerySet[Comment]) -> None:
        self._moderate_each(request, queryset, CommentStatus.HELD)

    @admin.action(description="Put away as spam")
    def mark_as_spam(self, request: HttpRequest, queryset: QuerySet[Comment]) -> None:
        self._moderate_each(request, queryset, CommentStatus.SPAM)

    @admin.action(description="Put in the trash")
    def trash(self, request: HttpRequest, queryset: QuerySet[Comment]) -> None:
        self._moderate_each(request, queryset, CommentStatus.TRASH)

    def _moderate_each(
        self, request: HttpRequest, queryset: QuerySet[Comment], status: CommentStatus
    ) -> None:
        _each(
            request,
            queryset.exclude(status=status),
            lambda comment: self._moderate(request, comment, status),
            status.label.lower(),
        )

    def _moderate(self, request: HttpRequest, comment: Comment, status: str) -> None:
        comments.moderate_comment(
            comment=comment,
            status=CommentStatus(status),
            actor=person(request),
            now=timezone.now(),
        )


@admin.register(Tag)
class TagAdmin(BlogAdmin):
    """Who may write posts sees them; what runs through the whole site, its staff change."""

    list_display = ("name", "slug", "post_count")
    search_fields = ("name",)
    ordering = ("name", "pk")
    fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Tag.objects.annotate(post_count=Count("posts"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return person(request).is_staff

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return person(request).is_staff

    @admin.display(description="posts", ordering="post_count")
    def post_count(self, tag: Any) -> int:
        count: int = tag.post_count
        return count

    def save_model(
        self, request: HttpRequest, obj: Tag, form: Any, change: bool
    ) -> None:
        tags.rename_tag(
            tag=obj,
            name=form.cleaned_data["name"],
            actor=person(request),
            now=timezone.now(),
        )

    def delete_model(self, request: HttpRequest, obj: Tag) -> None:
        tags.delete_tag(tag=obj, actor=person(request), now=timezone.now())


def _each[M: Model](
    request: HttpRequest, rows: QuerySet[M], act: Callable[[M], None], done: str
) -> None:
    """Do it to each row; say how often it was done, and each refusal."""
    count = 0
    for row in rows:
        try:
            act(row)
        except Refusal as error:
            messages.error(request, f"{row}: {error}")
        else:
            count += 1
    messages.success(request, f"{count} {done}.")
