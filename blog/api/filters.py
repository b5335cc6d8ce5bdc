"""Which rows of a list."""

from django_filters import rest_framework as filters

from blog.states import CommentStatus, PostStatus


class PostFilter(filters.FilterSet):
    author = filters.CharFilter("author__username", label="A username.")
    tag = filters.CharFilter("tags__slug", label="A tag's slug.")
    status = filters.ChoiceFilter(choices=PostStatus.choices)


class CommentFilter(filters.FilterSet):
    post = filters.CharFilter("post__slug", label="A post's slug.")
    author = filters.CharFilter("author__username", label="A username.")
    status = filters.ChoiceFilter(choices=CommentStatus.choices)
