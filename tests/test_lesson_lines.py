"""Chinese in the terminal: lines as full as English ones, none too wide, none that begins with a comma."""

from itertools import pairwise

import pytest
from looptax.bench.teach.lesson import breaking, text
from looptax.bench.teach.lesson.breaking import CLOSING, OPENING, Markdown, Wrapped, breaks
from looptax.bench.teach.lesson.chapters import CHAPTERS
from rich.cells import cell_len
from rich.text import Text
from terminal import printed

WIDTHS = (24, 40, 60, 79, 80)
PARAGRAPH = (
    "现在轮到全部 m 个样本。课程笔记用一个循环走遍它们：对每个样本先前向，再反向，把结果加到代价和导数上。"
    "里面还有两个遍历 n 个特征的循环（`numpy_stable.step` 没有）。ﾊﾝｶｸ 是半角的，全角的：ＡＢＣ１２３。"
)


def lines(shown, width):
    return [line.rstrip() for line in printed(shown, width=width).splitlines()]


def ragged(found, width):
    """Lines, but the last, after which the first piece of the next would still have had room."""
    return [
        one for one, after in pairwise(found)
        if cell_len(one) + 1 + cell_len(next(breaking._pieces(after, width)).rstrip()) <= width
    ]  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
class TestParagraph:
    def test_is_full_and_not_too_wide(self, width):
        found = lines(Wrapped(PARAGRAPH), width)
        assert max(map(cell_len, found)) <= width
        assert not ragged(found, width)
        assert "".join(found).replace(" ", "") == PARAGRAPH.replace(" ", "")

    def test_no_line_begins_with_a_comma_or_ends_with_a_bracket(self, width):
        found = lines(Wrapped(PARAGRAPH), width)
        assert not [one for one in found if one[0] in CLOSING or one[-1] in OPENING]

    def test_no_english_word_is_cut(self, width):
        found = " ".join(lines(Wrapped(PARAGRAPH), width))
        assert "numpy_stable.step" in found

    @pytest.mark.parametrize("name", CHAPTERS)
    def test_so_is_every_one_of_the_lesson(self, width, name):
        for block in text.chapter(name, "zh").blocks:
            if block.kind == "text" and not block.measured:
                for paragraph in block.body.split("\n\n"):
                    if not paragraph.startswith(("#", "-", "|", "`", "1.")):
                        found = lines(Markdown(paragraph), width)
                        assert max(map(cell_len, found)) <= width
                        assert not ragged(found, width), paragraph

    def test_english_breaks_as_ever(self, width):
        english = "Take more features and fewer samples, so that X stays as large: it’s “no matter”."
        assert lines(Wrapped(english), width) == lines(Text(english), width)


def test_styles_stay():
    shown = Wrapped(Text.assemble(("未通过", "bold"), "，用例：第一个。"))
    assert lines(shown, 8) == ["未通过，", "用例：第", "一个。"]


def test_what_is_wider_than_a_line_is_cut():
    assert breaks("中" + "x" * 25, 10) == [1, 11, 21]


def test_letters_are_two_cells_wide():
    assert breaks("中文字", 4) == [2]
    assert breaks("中文字", 5) == [2]
    assert breaks("中a文字", 5) == [3]
    assert breaks("ｶﾅ中文", 4) == [3]
