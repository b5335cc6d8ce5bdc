"""As little as Python can do for these answers: a driver, four statements, JSON."""

import hashlib
import json
import os
import re
import uuid
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlsplit

import MySQLdb

SITE_URL = os.environ["SITE_URL"]
SUMMARY = """
    SELECT p.id, p.public_id, p.slug, p.status, p.title, p.excerpt, p.summary,
        u.username, u.full_name, p.cover_alt, p.comments_open,
        (SELECT COUNT(*) FROM comments c WHERE c.post_id = p.id),
        p.published_at, p.revised_at, p.created_at
"""
# An inner join would let MariaDB begin with the users, and sort and count all posts.
FROM = (
    "FROM posts p LEFT JOIN users u ON u.id = p.author_id WHERE p.status = 'published'"
)
LIST = f"{SUMMARY} {FROM} ORDER BY p.id DESC LIMIT %s"
DETAIL = f"{SUMMARY}, p.body, p.body_html {FROM} AND p.slug = %s"
WRITER = "SELECT id, username, full_name FROM users WHERE token_digest = %s"
INSERT = """
    INSERT INTO posts (public_id, author_id, status, title, slug, excerpt, summary,
        body, body_html, revised_at, created_at)
    VALUES (%s, %s, 'draft', %s, %s, %s, %s, %s, %s, %s, %s)
"""

type Event = dict[str, object]
type Row = tuple[object, ...]


def connected() -> MySQLdb.Connection:
    place = urlsplit(os.environ["DATABASE_URL"])
    return MySQLdb.connect(
        host=place.hostname,
        port=place.port,
        user=place.username,
        password=place.password,
        database=place.path.strip("/"),
        charset="utf8mb4",
        autocommit=True,
    )


connection = connected()


def handler(event, context):  # type: ignore[no-untyped-def] # JSON
    if event["httpMethod"] == "POST":
        return answer(*create(event))
    slug = event["path"].removeprefix("/api/v1/posts/").strip("/")
    return answer(*(detail(slug) if slug else page(event["queryStringParameters"])))


def page(query: dict[str, str] | None) -> tuple[int, Event]:
    size = min(int((query or {}).get("page_size", 10)), 100)
    rows = fetched(LIST, size + 1)
    results = [summary_of(row) for row in rows[:size]]
    following = f"{SITE_URL}/api/v1/posts/?before={rows[size - 1][0]}&page_size={size}"
    more = following if len(rows) > size else None
    return 200, {"next": more, "previous": None, "results": results}


def detail(slug: str) -> tuple[int, Event]:
    rows = fetched(DETAIL, slug)
    if not rows:
        return 404, {"detail": "Not found."}
    *head, body, body_html = rows[0]
    return 200, {**summary_of(tuple(head)), "body": body, "body_html": body_html}


def create(event) -> tuple[int, Event]:  # type: ignore[no-untyped-def] # JSON
    scheme, _, token = event["headers"].get("Authorization", "").partition(" ")
    writers = fetched(WRITER, hashlib.sha512(token.encode()).hexdigest())
    if scheme != "Token" or not writers:
        return 401, {"detail": "A token is needed."}
    (author_id, username, full_name), typed = writers[0], json.loads(event["body"])
    title, excerpt, body = typed["title"], typed["excerpt"], typed["body"]
    key, now = str(uuid.uuid4()), datetime.now(UTC).replace(tzinfo=None)
    slug = re.sub("[^a-z0-9]+", "-", title.lower())[:50].strip("-")
    shown = excerpt or body[:200]
    body_html = f"<p>{escape(body)}</p>\n"
    stored = (key, author_id, title, slug, excerpt, shown, body, body_html, now, now)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, stored)
        row = cursor.lastrowid, key, slug, "draft", title, excerpt, shown
    head = (*row, username, full_name, "", 1, 0, None, now, now)
    return 201, {**summary_of(head), "body": body, "body_html": body_html}


def fetched(statement: str, *values: object) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def summary_of(row: Row) -> Event:
    return {
        "id": row[1],
        "slug": row[2],
        "url": f"{SITE_URL}/blog/{row[2]}/",
        "status": row[3],
        "title": row[4],
        "excerpt": row[5],
        "summary": row[6],
        "author": {"username": row[7], "full_name": row[8]},
        "tags": [],
        "cover": None,
        "cover_alt": row[9],
        "comments_open": bool(row[10]),
        "comment_count": row[11],
        "published_at": moment(row[12]),
        "revised_at": moment(row[13]),
        "created_at": moment(row[14]),
    }


def moment(value) -> str | None:  # type: ignore[no-untyped-def] # JSON
    return value and f"{value.isoformat()}Z"


def answer(status: int, content: Event) -> Event:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(content),
        "isBase64Encoded": False,
    }
