import pytest

from blog.exceptions import InvalidTransition
from blog.states import (
    COMMENT_TRANSITIONS,
    POST_TRANSITIONS,
    CommentStatus,
    PostStatus,
    check_comment_editable,
    check_comment_transition,
    check_post_transition,
)


def test_every_status_has_its_transitions():
    assert set(POST_TRANSITIONS) == set(PostStatus)
    assert set(COMMENT_TRANSITIONS) == set(CommentStatus)


@pytest.mark.parametrize("current", PostStatus)
@pytest.mark.parametrize("new", PostStatus)
def test_a_post_moves_only_to_the_other_status(current, new):
    if current != new:
        assert check_post_transition(current, new) is None
    else:
        with pytest.raises(InvalidTransition, match=f"already {new.label.lower()}"):
            check_post_transition(current, new)


@pytest.mark.parametrize("current", CommentStatus)
@pytest.mark.parametrize("new", CommentStatus)
def test_a_comment_moves_to_any_other_status(current, new):
    if current != new:
        assert check_comment_transition(current, new) is None
    else:
        with pytest.raises(InvalidTransition, match=f"already {new.label.lower()}"):
            check_comment_transition(current, new)


@pytest.mark.parametrize("status", ["held", "approved"])
def test_a_comment_is_its_authors_to_edit(status):
    assert check_comment_editable(status) is None


@pytest.mark.parametrize("status", ["spam", "trash"])
def test_a_comment_put_away_is_no_longer_its_authors(status):
    with pytest.raises(InvalidTransition, match="A moderator has removed"):
        check_comment_editable(status)
