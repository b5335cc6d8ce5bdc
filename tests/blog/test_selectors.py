import pytest
from django.contrib.auth.models import AnonymousUser

from blog import selectors
from blog.selectors import Thread
from blog.states import CommentStatus
from tests.factories import CommentFactory, MembershipFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_may_edit_is_for_the_author_who_still_writes():
    author = MembershipFactory(role="author").user
    post = PostFactory(author=author)

    assert selectors.may_edit(author, post)
    assert not selectors.may_edit(MembershipFactory(role="author").user, post)
    assert not selectors.may_edit(AnonymousUser(), post)


def test_threads_group_answers_below_what_they_answer():
    post = PostFactory(published=True)
    first, second = CommentFactory.create_batch(2, post=post, approved=True)
    late = CommentFactory(
        post=post, parent=first, approved=True, posted_at="2026-02-03T00:00Z"
    )
    early = CommentFactory(post=post, parent=first, approved=True)

    assert selectors.threads(post, AnonymousUser()) == [
        Thread(first, [early, late]),
        Thread(second, []),
    ]


def test_threads_hide_what_is_not_approved_and_other_posts():
    post = PostFactory(published=True)
    CommentFactory(post=post)
    CommentFactory(approved=True)
    put_away = CommentFactory(post=post, status=CommentStatus.TRASH)
    CommentFactory(post=post, parent=put_away, approved=True)

    assert selectors.threads(post, UserFactory()) == []


def test_threads_show_people_their_own_that_wait():
    waiting = CommentFactory()

    assert selectors.threads(waiting.post, waiting.author) == [Thread(waiting, [])]


def test_threads_show_no_waiting_answer_to_what_was_put_away():
    put_away = CommentFactory(status=CommentStatus.TRASH)
    waiting = CommentFactory(post=put_away.post, parent=put_away)

    assert selectors.threads(put_away.post, waiting.author) == []
