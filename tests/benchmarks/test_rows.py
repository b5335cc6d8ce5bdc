"""Every target serves the same rows, whoever loads them and whenever."""

from itertools import islice

from benchmarks import rows


def test_rows_are_the_same_each_time():
    assert list(islice(rows.posts(), 20)) == list(islice(rows.posts(), 20))
    assert list(islice(rows.comments(), 20)) == list(islice(rows.comments(), 20))
    assert list(rows.authors()) == list(rows.authors())


def test_rows_are_those_that_the_figures_name():
    posts, comments = list(rows.posts()), list(rows.comments())

    assert (len(list(rows.authors())), len(posts), len(comments)) == (200, 2000, 20000)
    assert len({post.public_id for post in posts}) == rows.POSTS
    assert {post.id for post in posts} >= {comment.post_id for comment in comments}


def test_the_newest_post_is_by_the_first_who_may_write():
    *_, newest = rows.posts()

    assert (newest.author_id, newest.title) == (1, rows.newest_title())
