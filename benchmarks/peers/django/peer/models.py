"""The three tables of benchmarks/peers/schema.sql."""

import uuid

from django.db import models


class User(models.Model):
    username = models.CharField(max_length=50, unique=True)
    full_name = models.CharField(max_length=150)
    token_digest = models.CharField(max_length=128, null=True, unique=True)  # noqa: DJ001 - unique, and most have none

    is_authenticated = True

    class Meta:
        db_table = "users"

    def __str__(self) -> str:
        return self.username


class Post(models.Model):
    public_id = models.CharField(max_length=36, unique=True, default=uuid.uuid4)
    # With null, the join is an outer one. An inner one lets MariaDB begin with the users,
    # and sort and count for every post there is.
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True)
    status = models.CharField(max_length=20, default="draft")
    title = models.CharField(max_length=150)
    slug = models.SlugField(max_length=100, unique=True)
    excerpt = models.CharField(max_length=300, blank=True)
    summary = models.CharField(max_length=300)
    body = models.TextField()
    body_html = models.TextField()
    cover_alt = models.CharField(max_length=250, blank=True)
    comments_open = models.BooleanField(default=True)
    published_at = models.DateTimeField(null=True)
    revised_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "posts"

    def __str__(self) -> str:
        return self.title


class Comment(models.Model):
    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(User, on_delete=models.PROTECT)
    body = models.TextField()
    posted_at = models.DateTimeField()

    class Meta:
        db_table = "comments"

    def __str__(self) -> str:
        return f"comment {self.pk}"
