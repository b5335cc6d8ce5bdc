"""
Markdown in, HTML that is safe to show out.

The libraries load when somebody writes: reading a page pays for neither of them.
"""

from __future__ import annotations

import html
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from django.utils.html import strip_tags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_PARAGRAPH: Final = re.compile(r"<p>(.*?)</p>", re.DOTALL)

# fmt: off
COMMENT_TAGS: Final = frozenset({
    "a", "blockquote", "br", "code", "em", "li", "ol", "p", "pre", "s", "strong", "ul",
})
POST_TAGS: Final = COMMENT_TAGS | {
    "abbr", "caption", "cite", "dd", "del", "details", "div", "dl", "dt", "figcaption",
    "figure", "h2", "h3", "h4", "h5", "h6", "hr", "img", "ins", "kbd", "mark", "q",
    "small", "span", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr",
}
# fmt: on
ATTRIBUTES: Final = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
SCHEMES: Final = {"http", "https", "mailto"}
# What scrolls sideways must be reachable by keyboard.
ADDED: Final = {"pre": {"tabindex": "0"}}


def post_html(source: str) -> str:
    """HTML in the source is kept as far as it can do no harm."""
    parser = _post_parser()
    tokens = parser.parse(source)
    _leave_h1_to_the_title(tokens)
    rendered = parser.renderer.render(tokens, parser.options, {})
    return _clean(rendered, POST_TAGS, rel="noopener")


def comment_html(source: str) -> str:
    """HTML in the source is shown as text; links earn their author nothing."""
    rendered = _comment_parser().render(source)
    return _clean(rendered, COMMENT_TAGS, rel="nofollow ugc noopener")


def plain_text(rendered: str, length: int) -> str:
    """
    The words of some HTML's paragraphs, or of all of it where there are none, on one
    line, cut between words to at most `length` characters.
    """
    paragraphs = " ".join(_PARAGRAPH.findall(rendered)) or rendered
    words = " ".join(html.unescape(strip_tags(paragraphs)).split())
    if len(words) <= length:
        return words
    start = words[: length - 1]
    return f"{start.rpartition(' ')[0] or start}…"


def _clean(rendered: str, tags: frozenset[str], rel: str) -> str:
    import nh3

    return nh3.clean(
        rendered,
        tags=set(tags),
        attributes={tag: ATTRIBUTES[tag] for tag in tags & ATTRIBUTES.keys()},
        url_schemes=SCHEMES,
        link_rel=rel,
        set_tag_attribute_values={tag: ADDED[tag] for tag in tags & ADDED.keys()},
    )


@cache
def _post_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@cache
def _comment_parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    return parser.enable("strikethrough").disable(["heading", "lheading", "image"])


def _leave_h1_to_the_title(tokens: Sequence[Token]) -> None:
    headings = [token for token in tokens if token.type.startswith("heading_")]
    if not any(token.tag == "h1" for token in headings):
        return
    for token in headings:
        level = int(token.tag.removeprefix("h"))
        token.tag = f"h{min(level + 1, 6)}"
