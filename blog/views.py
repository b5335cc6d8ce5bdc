"""The blog's pages: public, but for commenting."""

import json
import mimetypes
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db.models import Max, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.utils.encoding import iri_to_uri
from django.utils.http import http_date
from django.views.decorators.http import (
    conditional_page,
    require_http_methods,
    require_safe,
)
from django.views.generic import ListView

from accounts.exceptions import Refusal
from accounts.http import person
from accounts.models import User
from blog import selectors
from blog.exceptions import NoSuchThread
from blog.forms import CommentForm
from blog.models import Comment, Post, Tag
from blog.services.comments import comment_on_post
from blog.states import CommentStatus

A_YEAR = 365 * 24 * 3600
# What would end a script element, or begin another, inside JSON.
ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&"}


# Published posts are for everyone; so are the lists of them below.
@method_decorator(login_not_required, name="dispatch")
class PostList(ListView[Post]):
    template_name = "blog/index.html"
    paginate_by = 10

    def get_queryset(self) -> QuerySet[Any]:
        return Post.objects.published().newest_first().for_lists()

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        context = super().get_context_data(**context)
        page = context["page_obj"].number
        query = f"?page={page}" if page > 1 else ""
        context["canonical"] = settings.SITE_URL + iri_to_uri(self.request.path) + query
        return context


class TagPosts(PostList):
    template_name = "blog/tag.html"
    allow_empty = False

    def get_queryset(self) -> QuerySet[Any]:
        self.tag = get_object_or_404(Tag, slug=self.kwargs["slug"])
        return super().get_queryset().filter(tags=self.tag)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(tag=self.tag, **context)


class AuthorPosts(PostList):
    template_name = "blog/author.html"
    allow_empty = False

    def get_queryset(self) -> QuerySet[Any]:
        self.author = get_object_or_404(User, username=self.kwargs["username"])
        return super().get_queryset().filter(author=self.author)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(author=self.author, **context)


# Published posts are for everyone; drafts are not found but by those who may see them.
@login_not_required
@require_safe
@conditional_page
def post(request: HttpRequest, slug: str) -> HttpResponse:
    shown = _post_or_404(request, slug)
    form = CommentForm(initial={"parent": request.GET.get("reply_to")})
    return _page(request, shown, form)


@require_http_methods(["GET", "HEAD", "POST"])
def comment(request: HttpRequest, slug: str) -> HttpResponse:
    shown = _post_or_404(request, slug)
    if request.method != "POST":
        # Whoever had to sign in first comes back here by a link.
        return redirect(f"{shown.get_absolute_url()}#comments")
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, shown, form, status=400)
    try:
        posted = comment_on_post(
            post=shown,
            author=person(request),
            body=form.cleaned_data["body"],
            parent=_parent(form.cleaned_data["parent"]),
            now=timezone.now(),
        )
    except Refusal as error:
        form.add_error(None, str(error))
        return _page(request, shown, form, status=409)
    if posted.status == CommentStatus.APPROVED:
        messages.success(request, "Thank you: your comment is published.")
    else:
        messages.success(request, "Thank you: your comment waits for a moderator.")
    return redirect(posted)


# As the posts that they belong to.
@login_not_required
@require_safe
def cover(request: HttpRequest, name: str) -> HttpResponseBase:
    """A cover under its own, never reused name; that of a draft only for who may see it."""
    visible = Post.objects.visible_to(request.user)
    shown = get_object_or_404(visible, cover=f"covers/{name}")
    try:
        response = FileResponse(
            shown.cover.open(), content_type=mimetypes.guess_type(name)[0]
        )
    except FileNotFoundError as error:
        raise Http404 from error
    if shown.is_published:
        patch_cache_control(response, public=True, max_age=A_YEAR, immutable=True)
    else:
        patch_cache_control(response, private=True, no_store=True)
    return response


# Search engines have no account.
@login_not_required
@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = [
        "User-agent: *",
        *(
            f"Disallow: {settings.FORCE_SCRIPT_NAME}/{path}/"
            for path in ("i", "admin", "accounts", "api")
        ),
        f"Sitemap: {settings.SITE_URL}{reverse('blog:sitemap')}",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


def _post_or_404(request: HttpRequest, slug: str) -> Post:
    visible = Post.objects.visible_to(request.user).with_tags()
    return get_object_or_404(visible.select_related("author"), slug=slug)


def _parent(public_id: UUID | None) -> Comment | None:
    """:raises NoSuchThread: if no comment has this id"""
    if public_id is None:
        return None
    try:
        return Comment.objects.get(public_id=public_id)
    except Comment.DoesNotExist as error:
        raise NoSuchThread("The comment that you answer is no longer there.") from error


def _page(
    request: HttpRequest, shown: Post, form: CommentForm, status: int = 200
) -> HttpResponse:
    threads = selectors.threads(shown, request.user)
    url = settings.SITE_URL + shown.get_absolute_url()
    cover_url = settings.SITE_URL + shown.cover_url if shown.cover else ""
    context = {
        "post": shown,
        "threads": threads,
        "comment_count": sum(1 + len(thread.replies) for thread in threads),
        "form": form,
        "answered": _answered(threads, form["parent"].value()),
        "may_edit": selectors.may_edit(request.user, shown),
        "canonical": url,
        "cover_url": cover_url,
        "structured_data": _structured_data(shown, url, cover_url),
    }
    response = render(request, "blog/post.html", context, status=status)
    # Kept by a browser, but asked about each time: a comment may have come.
    patch_cache_control(response, no_cache=True)
    if request.user.is_anonymous:
        response["Last-Modified"] = http_date(_changed_at(shown).timestamp())
    return response


def _answered(threads: list[selectors.Thread], public_id: object) -> Comment | None:
    """The comment that the form would answer, if there is such a thread."""
    for thread in threads:
        if str(thread.comment.public_id) == str(public_id):
            return thread.comment
    return None


def _changed_at(shown: Post) -> datetime:
    comments = shown.comments.aggregate(at=Max("status_changed_at"))
    return max(shown.revised_at, comments["at"] or shown.revised_at)


def _structured_data(shown: Post, url: str, cover_url: str) -> str:
    """What search engines read: JSON-LD that no text in it can break out of."""
    data = {
        "@context": "https://schema.org",
        "@type": "BlogPosting",
        "headline": shown.title,
        "description": shown.summary,
        "url": url,
        "mainEntityOfPage": url,
        "author": {
            "@type": "Person",
            "name": shown.author.get_full_name(),
            "url": settings.SITE_URL
            + reverse("blog:author", args=[shown.author.username]),
        },
        "dateModified": shown.revised_at.isoformat(),
        "keywords": [tag.name for tag in shown.tags.all()],
    }
    if shown.published_at:
        data["datePublished"] = shown.published_at.isoformat()
    if cover_url:
        data["image"] = cover_url
    return json.dumps(data).translate(ESCAPES)
