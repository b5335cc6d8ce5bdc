from xml.etree import ElementTree

from benchmarks import drawing
from tests.benchmarks.results import NODE, OURS

SVG = "{http://www.w3.org/2000/svg}"


def drawn(found):
    return ElementTree.fromstring(drawing.svg(found))  # noqa: S314 - our own


def test_every_target_has_a_bar_in_every_panel():
    bars = list(drawn([OURS, NODE]).iter(f"{SVG}rect"))

    assert [bar.get("class") for bar in bars] == ["ours", "peer"] * 4


def test_a_bar_is_as_long_as_its_figure():
    ours, node = list(drawn([OURS, NODE]).iter(f"{SVG}rect"))[:2]

    assert float(ours.get("width")) / float(node.get("width")) == 0.75


def test_figures_are_told_in_words_too():
    title = drawn([OURS, NODE]).find(f"{SVG}title").text

    assert "Cold start, ms: Ours 300, Node & co 400" in title


def test_everything_is_within_the_picture():
    picture = drawn([OURS, NODE])
    height = float(picture.get("height"))

    assert all(float(text.get("y")) < height for text in picture.iter(f"{SVG}text"))
    assert all(
        float(bar.get("x")) + float(bar.get("width")) <= drawing.WIDTH - drawing.RIGHT
        for bar in picture.iter(f"{SVG}rect")
    )
