import pytest

from benchmarks import report
from benchmarks.__main__ import DOCS
from tests.benchmarks.results import NODE, OURS, result


def test_table_is_markdown_whose_columns_stand_below_each_other():
    assert report.table(["", "ms"], [["Ours", "1.00"], ["Node", "12.3"]]) == (
        "|      |   ms |\n| ---- | ---: |\n| Ours | 1.00 |\n| Node | 12.3 |"
    )


def test_figures_stand_beside_their_ratio_to_the_node_peer():
    shown = report.summary([OURS, NODE])

    ours, node = shown.splitlines()[2:4]
    assert ours.split("|")[2].strip() == "300 (0.75)"
    assert ours.split("|")[3].strip() == "3.00 (1.50)"
    assert node.split("|")[2].strip() == "400 (1.00)"


def test_without_the_node_peer_there_are_no_ratios():
    assert "(" not in report.summary([OURS]).splitlines()[2]


def test_every_phase_has_its_table():
    shown = report.tables([OURS, NODE])

    assert shown.count("| Ours") == shown.count("| Node & co") == 7
    assert "\\*" not in shown


def test_what_was_disturbed_has_a_star_and_the_star_a_reason():
    shown = report.tables([result("ours", "Ours", disturbed=1.0), NODE])

    assert " 45* |" in shown
    assert "\\* Others used more than" in shown


def test_write_between_replaces_what_stands_between_the_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "Before\n<!-- bench:tables:begin -->\nold\n<!-- bench:tables:end -->\nAfter\n"
    )

    for _ in range(2):
        report.write_between(page, "tables", "new")

    assert page.read_text() == (
        "Before\n<!-- bench:tables:begin -->\nnew\n<!-- bench:tables:end -->\nAfter\n"
    )


def test_write_between_refuses_a_page_without_the_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("Nothing here\n")

    with pytest.raises(report.Unmarked, match="needs a line <!-- bench:tables:begin"):
        report.write_between(page, "tables", "new")

    assert page.read_text() == "Nothing here\n"


def test_the_pages_have_the_markers_that_figures_are_written_between():
    text = DOCS.read_text()

    assert text.count("<!-- bench:tables:begin -->") == 1
    assert text.count("<!-- bench:tables:end -->") == 1
