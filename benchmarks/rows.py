"""The rows every target serves: the same each time, whoever loads them."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

AUTHORS = 200
POSTS = 2_000
COMMENTS_EACH = 10
COMMENTS = POSTS * COMMENTS_EACH
# Who has a key to the API. Several, as on a site with more than one author.
WRITERS = 20

FIRST_DAY = datetime(2024, 1, 1, 8, tzinfo=UTC)
WORDS = [
    "account",
    "answer",
    "billing",
    "booking",
    "client",
    "credit",
    "customer",
    "deposit",
    "draft",
    "due",
    "euro",
    "figure",
    "invoice",
    "journal",
    "ledger",
    "letter",
    "margin",
    "month",
    "note",
    "number",
    "order",
    "payment",
    "period",
    "price",
    "quarter",
    "receipt",
    "record",
    "refund",
    "reminder",
    "rounding",
    "series",
    "total",
]


@dataclass(frozen=True)
class Author:
    id: int
    username: str
    full_name: str


@dataclass(frozen=True)
class Post:
    id: int
    public_id: uuid.UUID
    author_id: int
    title: str
    slug: str
    excerpt: str
    body: str
    body_html: str
    published_at: datetime


@dataclass(frozen=True)
class Comment:
    id: int
    post_id: int
    author_id: int
    body: str
    posted_at: datetime


def authors() -> Iterator[Author]:
    for number in range(1, AUTHORS + 1):
        yield Author(number, f"author-{number}", f"Author Number {number}")


def posts() -> Iterator[Post]:
    for number in range(1, POSTS + 1):
        # Of each row its own, so that one may be asked for without those before it.
        chance = random.Random(number)  # noqa: S311 - no secret
        body = text(chance, sentences=10)
        yield Post(
            id=number,
            public_id=uuid.UUID(int=chance.getrandbits(128), version=4),
            # The newest is by the first of those who write.
            author_id=number % AUTHORS + 1,
            title=f"{sentence(chance, words=5)[:-1]} {number}",
            slug=slug(number),
            excerpt=text(chance, sentences=2),
            body=body,
            body_html=paragraph(body),
            published_at=FIRST_DAY + timedelta(hours=number),
        )


def comments() -> Iterator[Comment]:
    """As many on each post on average; some have more, and some none."""
    chance = random.Random(COMMENTS)  # noqa: S311 - no secret
    for number in range(1, COMMENTS + 1):
        post = chance.randint(1, POSTS)
        yield Comment(
            id=number,
            post_id=post,
            author_id=chance.randint(1, AUTHORS),
            body=text(chance, sentences=2),
            posted_at=FIRST_DAY + timedelta(hours=post, minutes=number % 60),
        )


def newest_title() -> str:
    *_, newest = posts()
    return newest.title


def slug(number: int) -> str:
    return f"post-{number}"


def text(chance: random.Random, *, sentences: int) -> str:
    return " ".join(sentence(chance, words=8) for _ in range(sentences))


def sentence(chance: random.Random, *, words: int) -> str:
    return f"{' '.join(chance.choices(WORDS, k=words))}.".capitalize()


def paragraph(plain: str) -> str:
    """What Markdown makes of words without marks."""
    return f"<p>{plain}</p>\n"
