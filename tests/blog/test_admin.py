import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Event
from blog.models import Comment, Post, Tag
from blog.states import CommentStatus, PostStatus
from tests.factories import (
    CommentFactory,
    MembershipFactory,
    PostFactory,
    TagFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def page(model, name="changelist", *args):
    return reverse(f"admin:blog_{model}_{name}", args=args)


def html(response):
    return response.content.decode()


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def choose(client, model, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(page(model), data)


@pytest.fixture
def desk(client, author):
    """The back office, as an author sees it."""
    client.force_login(author)
    return client


@pytest.fixture
def chief(client, owner):
    """The back office, as an owner sees it."""
    client.force_login(owner)
    return client


@pytest.fixture
def staff(client):
    client.force_login(UserFactory(is_staff=True))
    return client


NEW = {
    "title": "How we invoice",
    "body": "Some *words*.",
    "tags": "Tax, law,",
    "comments_open": "on",
}


# Who may enter


@pytest.mark.parametrize("model", ["post", "comment", "tag"])
@pytest.mark.parametrize(
    ("role", "status"),
    [("owner", 200), ("author", 200), ("accountant", 403), ("viewer", 403)],
)
def test_the_pages_are_for_who_may_write_posts(client, model, role, status):
    client.force_login(MembershipFactory(role=role).user)

    assert client.get(page(model)).status_code == status


def test_staff_write_without_a_membership(staff):
    assert staff.get(page("post", "add")).status_code == 200


# Posts


def test_posts_are_listed_with_what_others_published(desk, author):
    PostFactory(title="Own draft", author=author)
    PostFactory(title="Foreign draft")
    CommentFactory(
        post=PostFactory(title="Foreign post", published=True), approved=True
    )

    listed = desk.get(page("post")).context["cl"].result_list

    assert [(post.title, post.comment_count) for post in listed] == [
        ("Foreign post", 1),
        ("Own draft", 0),
    ]


def test_a_list_of_posts_needs_as_many_queries_for_three_as_for_one(
    chief, django_assert_max_num_queries
):
    def count():
        with django_assert_max_num_queries(30) as captured:
            chief.get(page("post"))
        return len(captured)

    jo = PostFactory(published=True).author
    for_one = count()
    PostFactory.create_batch(2, published=True, author=jo)

    assert count() == for_one


def test_an_author_writes_a_draft(desk, author, photo):
    response = desk.post(
        page("post", "add"), NEW | {"cover": photo, "cover_alt": "A desk."}
    )

    post = Post.objects.get()
    assert response.status_code == 302
    assert (post.author, post.status, post.slug) == (
        author,
        PostStatus.DRAFT,
        "how-we-invoice",
    )
    assert post.body_html == "<p>Some <em>words</em>.</p>\n"
    assert post.cover_width == 40
    assert sorted(tag.name for tag in post.tags.all()) == ["law", "tax"]
    assert Event.objects.get().type == "post.written"
    assert LogEntry.objects.get().object_id == str(post.pk)


def test_a_post_is_changed_by_its_service(desk, author):
    post = PostFactory(author=author, slug="one", published=True)
    post.tags.add(TagFactory(name="law"), TagFactory(name="tax"))
    url = page("post", "change", post.pk)
    assert 'value="law, tax"' in html(desk.get(url))

    desk.post(url, NEW | {"tags": "law", "comments_open": ""})

    post.refresh_from_db()
    assert (post.title, post.slug) == ("How we invoice", "one")
    assert post.body_html == "<p>Some <em>words</em>.</p>\n"
    assert post.comments_open is False
    assert [tag.name for tag in post.tags.all()] == ["law"]
    assert Event.objects.get().type == "post.updated"


def test_a_cover_is_taken_away(desk, author, photo):
    desk.post(page("post", "add"), NEW | {"cover": photo, "cover_alt": "A desk."})
    post = Post.objects.get()

    desk.post(page("post", "change", post.pk), NEW | {"cover-clear": "on"})

    post.refresh_from_db()
    assert (post.cover.name, post.cover_width) == ("", None)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": ""}, "This field is required."),
        ({"tags": "x" * 51}, "A tag has at most 50 characters."),
        ({"body": "x" * 100_001}, "at most 100000 characters"),
    ],
)
def test_a_post_that_does_not_fit_comes_back(desk, fields, sentence):
    response = desk.post(page("post", "add"), NEW | fields)

    assert response.status_code == 200
    assert sentence in html(response)
    assert not Post.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.png", b"not an image", "Upload a valid image."),
        ("a.gif", None, "upload a JPEG, PNG or WebP"),
    ],
)
def test_a_cover_that_is_no_picture_comes_back(desk, name, content, sentence):
    gif = (
        b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,"
        b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    )
    upload = SimpleUploadedFile(name, content or gif)

    response = desk.post(
        page("post", "add"), NEW | {"cover": upload, "cover_alt": "A desk."}
    )

    assert sentence in html(response)
    assert not Post.objects.exists()


def test_a_cover_without_description_comes_back(desk, photo):
    response = desk.post(page("post", "add"), NEW | {"cover": photo})

    assert "Describe the cover for those who cannot see it." in html(response)
    assert not Post.objects.exists()


def test_a_published_post_does_not_lose_its_text(desk, author):
    post = PostFactory(author=author, published=True)

    response = desk.post(page("post", "change", post.pk), NEW | {"body": ""})

    assert "This post has no text yet; write some, then publish." in html(response)
    assert Post.objects.get().body == "Text."


def test_a_foreign_post_is_looked_at_only(desk):
    post = PostFactory(published=True)
    url = page("post", "change", post.pk)

    assert desk.get(url).status_code == 200
    assert desk.post(url, NEW).status_code == 403
    assert desk.post(page("post", "unpublish", post.pk)).status_code == 403
    assert (
        desk.post(page("post", "delete", post.pk), {"post": "yes"}).status_code == 403
    )
    assert desk.get(page("post", "change", PostFactory().pk)).status_code == 404


def test_a_post_is_published_after_a_question(desk, author):
    post = PostFactory(author=author)
    url = page("post", "publish", post.pk)

    desk.get(url)
    assert Post.objects.get().status == PostStatus.DRAFT

    response = desk.post(url)
    assert Post.objects.get().status == PostStatus.PUBLISHED
    assert said(response) == ["Published."]


def test_a_post_is_taken_back_after_a_question(desk, author):
    post = PostFactory(author=author, published=True)

    response = desk.post(page("post", "unpublish", post.pk))

    assert Post.objects.get().status == PostStatus.DRAFT
    assert said(response) == ["Unpublished."]


def test_a_post_offers_the_buttons_that_fit(desk, author):
    draft = PostFactory(author=author)
    published = PostFactory(author=author, published=True)
    foreign = PostFactory(published=True)

    def offered(post):
        shown = html(desk.get(page("post", "change", post.pk)))
        return {
            name
            for name in ("publish", "unpublish")
            if page("post", name, post.pk) in shown
        }

    assert offered(draft) == {"publish"}
    assert offered(published) == {"unpublish"}
    assert offered(foreign) == set()


def test_chosen_posts_are_published_if_they_may_be(desk, author):
    draft = PostFactory(author=author)
    empty = PostFactory(author=author, title="Empty", body="", body_html="")
    foreign = PostFactory(published=True)

    response = choose(desk, "post", "publish_chosen", draft, empty, foreign)

    assert set(Post.objects.published()) == {draft, foreign}
    assert said(response) == [
        "Empty: This post has no text yet; write some, then publish.",
        "1 published.",
    ]


def test_a_post_is_deleted_with_its_comments(desk, author):
    post = CommentFactory(post__author=author).post
    url = page("post", "delete", post.pk)
    assert post.title in html(desk.get(url))

    desk.post(url, {"post": "yes"})

    assert not Post.objects.exists()
    assert Event.objects.get().type == "post.deleted"


# Comments


def test_comments_that_wait_come_first(desk):
    held = CommentFactory(body="Held")
    CommentFactory(body="Approved", approved=True)
    newer = CommentFactory(body="Newer")

    listed = list(desk.get(page("comment")).context["cl"].result_list)

    assert listed[:2] == [newer, held]
    assert len(listed) == 3


def test_a_list_of_comments_needs_as_many_queries_for_three_as_for_one(
    desk, django_assert_max_num_queries
):
    def count():
        with django_assert_max_num_queries(30) as captured:
            desk.get(page("comment"))
        return len(captured)

    post = CommentFactory().post
    for_one = count()
    CommentFactory.create_batch(2, post=post)

    assert count() == for_one


@pytest.mark.parametrize(
    ("action", "status", "sentence"),
    [
        ("approve", CommentStatus.APPROVED, "2 approved."),
        ("mark_as_spam", CommentStatus.SPAM, "2 spam."),
        ("trash", CommentStatus.TRASH, "2 trash."),
    ],
)
def test_chosen_comments_are_moderated(desk, author, action, status, sentence):
    comments = CommentFactory.create_batch(2)
    already = CommentFactory(status=status)

    response = choose(desk, "comment", action, *comments, already)

    assert {comment.status for comment in Comment.objects.all()} == {status}
    assert {event.actor for event in Event.objects.all()} == {author}
    assert Event.objects.count() == 2
    assert said(response) == [sentence]


def test_chosen_comments_are_held_again(desk):
    comment = CommentFactory(approved=True)

    choose(desk, "comment", "hold", comment)

    assert Comment.objects.get().status == CommentStatus.HELD


def test_a_comment_is_read_and_moderated_on_its_page(desk, author):
    thread = CommentFactory(body="The question", approved=True)
    reply = CommentFactory(
        post=thread.post, parent=thread, body_html="<p>The <em>answer</em></p>"
    )
    url = page("comment", "change", reply.pk)

    shown = html(desk.get(url))
    desk.post(url, {"status": "approved", "body": "Forged"})

    assert "<p>The <em>answer</em></p>" in shown
    assert "The question" in shown
    reply.refresh_from_db()
    assert (reply.status, reply.moderated_by) == (CommentStatus.APPROVED, author)
    assert reply.body != "Forged"


def test_saving_a_comment_as_it_is_changes_nothing(desk):
    comment = CommentFactory()

    desk.post(page("comment", "change", comment.pk), {"status": "held"})

    assert not Event.objects.exists()


def test_comments_are_neither_written_nor_deleted_here(desk):
    comment = CommentFactory()

    assert desk.get(page("comment", "add")).status_code == 403
    assert desk.post(page("comment", "delete", comment.pk)).status_code == 403


# Tags


def test_tags_are_counted_and_renamed_by_staff(staff):
    tag = TagFactory(name="tax", slug="tax")
    PostFactory().tags.add(tag)

    [listed] = staff.get(page("tag")).context["cl"].result_list
    staff.post(page("tag", "change", tag.pk), {"name": "Taxes"})

    assert listed.post_count == 1
    tag.refresh_from_db()
    assert (tag.name, tag.slug) == ("taxes", "tax")
    assert Event.objects.get().type == "tag.renamed"


def test_tags_are_deleted_by_staff(staff):
    first, second = TagFactory.create_batch(2)

    staff.post(page("tag", "delete", first.pk), {"post": "yes"})

    assert list(Tag.objects.all()) == [second]
    assert Event.objects.get().type == "tag.deleted"


def test_tags_are_only_looked_at_by_authors(desk):
    tag = TagFactory(name="tax")

    desk.post(page("tag", "change", tag.pk), {"name": "law"})
    desk.post(page("tag", "delete", tag.pk), {"post": "yes"})

    assert Tag.objects.get().name == "tax"
