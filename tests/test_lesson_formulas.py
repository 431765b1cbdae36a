"""The lesson's formulas: all are drawn on the page, read well as text, and are the same in both languages."""

import re
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from looptax.bench.teach.lesson import formulas, notebooks, page, text
from looptax.bench.teach.lesson.breaking import Markdown
from looptax.bench.teach.lesson.chapters import CHAPTERS
from looptax.bench.teach.lesson.page import Writer
from looptax.bench.teach.lesson.text import Block
from looptax.bench.teach.lesson.walk import _Teller
from looptax.bench.teach.lesson.words import Words
from markdown_it import MarkdownIt
from rich.console import Console
from terminal import printed

JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
CODE = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
TYPED = re.compile(r"[⁰¹²³⁴-⁹⁺⁻⁼ⁿ₀-₉₊₋₌ᵀᵃ-ᶻα-ωŷ∑√]| − |`(\w|\w = [^`\n]*)`")  # a formula in Unicode, or as code


def parts(name, language):
    """The blocks of a chapter, and those in its exercise."""
    for block in text.chapter(name, language).blocks:
        yield from text.blocks(block.body) if block.kind == "exercise" else [block]


def shown(name, language):
    """What a chapter shows but code; of its listings and pictures, the captions."""
    for block in parts(name, language):
        if block.kind != "python":
            yield block._replace(kind="text") if block.kind in ("source", "listing", "picture") else block


def latex(block):
    """The formulas of a block, with 1 in place of what was measured."""
    body = JINJA.sub("1", block.body)
    if block.kind == "math":
        return body.splitlines()
    if block.kind == "python":
        return []
    tokens = formulas.reading(MarkdownIt()).parse(body)
    return [
        " ".join(part.content.split())
        for token in tokens
        for part in token.children or ()
        if part.type == "math_inline"
    ]


class TestChapters:
    def test_every_formula_is_drawn_and_read(self, name, language):
        for one in (one for block in parts(name, language) for one in latex(block)):
            drawn, read = formulas.mathml(one), formulas.plain(one)
            assert ElementTree.fromstring(drawn).get("alttext") == read
            assert "merror" not in drawn
            assert not re.search(r"[\\$^_{}]", drawn + read), read

    def test_both_languages_have_the_same(self, name):
        """In another order, or more often, where a sentence has one."""
        english, chinese = ([set(latex(block)) for block in parts(name, language)] for language in ("en", "zh"))
        assert english == chinese

    def test_no_formula_is_typed_in_another_way(self, name, language):
        for block in parts(name, language):
            if block.kind not in ("python", "math"):
                assert not (typed := TYPED.search(JINJA.sub("", block.body))), f"{typed[0]!r} in {block.body}"

    def test_dollar_signs_come_in_pairs(self, name, language):
        """One alone, or one with a space behind it, would be shown."""
        for block in parts(name, language):
            if block.kind == "python":
                assert "$" not in block.body
            else:
                assert CODE.sub("", block.body).count("$") == 2 * len(latex(block)) * (block.kind != "math")

    def test_the_terminal_shows_no_latex(self, name, language, found):
        teller = _Teller(text.chapter(name, language), Words(language), True, Console(), False)
        teller.it = found[name]
        for block in shown(name, language):
            assert not re.search(r"[\\$]", printed(teller._shown(block) or "")), block.body

    def test_the_page_shows_no_latex(self, name, language, found):
        writer = Writer(found[name], Words(language))
        for block in shown(name, language):
            html = writer.guess(block, "g") if block.kind == "guess" else writer.block(block)
            assert not re.search(r"[\\$]", html), html
            assert ("<math " in html) == bool(latex(block)) or block.measured


class TestText:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (r"z = w^\top x + b", "z = wᵀx + b"),
            (r"\hat y = a = \sigma(z) = \frac{1}{1 + e^{-z}}", "ŷ = a = σ(z) = 1/(1 + e⁻ᶻ)"),
            (r"L(a, y) = -(y \ln a + (1 - y) \ln(1 - a))", "L(a, y) = −(y ln a + (1 − y) ln(1 − a))"),
            (r"J(w, b) = \frac{1}{m} \sum_{i=1}^{m} L(a_i, y_i)", "J(w, b) = 1/m ∑ᵢ₌₁ᵐ L(aᵢ, yᵢ)"),
            (r"w := w - \alpha \frac{dJ}{dw}", "w := w − α dJ/dw"),
            (r"\frac{dL}{da} = -\frac{y}{a} + \frac{1 - y}{1 - a}", "dL/da = −y/a + (1 − y)/(1 − a)"),
            (r"\frac{dL}{da} \cdot a(1 - a)", "dL/da · a(1 − a)"),
            (r"dw_1 = x_1\,dz \qquad db = dz", "dw₁ = x₁ dz        db = dz"),
            (r"\left(\frac{x}{2m}\right)^2", "(x/(2m))²"),
            (r"\frac{dJ}{dw_1}", "dJ/dw₁"),
            (r"10^{-8}", "10⁻⁸"),
            (r"\sigma' = \sigma(1 - \sigma)", "σ′ = σ(1 − σ)"),
            (r"e^{-\frac{1}{2}} \ne x_{w}", "e^(−1/2) ≠ x_(w)"),  # no small letters for these
            ("a < b", "a < b"),
        ],
    )
    def test_reads_as_one_would_write_it(self, given, expected):
        assert formulas.plain(given) == expected

    @pytest.mark.parametrize("broken", [r"\frac{1}{", r"\fraction{1}{2}", "a^", "(1 + {a)"])
    def test_what_is_broken_is_refused(self, broken):
        for read in (formulas.mathml, formulas.plain, lambda one: Writer.said(SimpleNamespace(it=None), f"${one}$")):
            with pytest.raises(ValueError, match="cannot be set"):
                read(broken)

    @pytest.mark.parametrize("tall", [r"\sqrt{x}", r"\vec x", r"\begin{matrix} a & b \end{matrix}"])
    def test_what_has_no_text_is_refused(self, tall):
        """Until `linear` has a line for it: half a formula would be shown."""
        with pytest.raises(ValueError, match="no way to write m"):
            formulas.plain(tall)

    def test_a_picture_is_named_by_its_caption_as_text(self):
        caption = Writer.said(SimpleNamespace(it=None), r"*The* slope of $\frac{1}{1 - x^2}$, seen from $x < 1$.")
        assert page._label(caption) == "The slope of 1/(1 − x²), seen from x < 1."

    def test_money_and_code_are_no_formulas(self):
        assert latex(Block("text", (), "from $5 to $6 or\n\n`$x$` or \\$x\\$")) == []
        assert latex(Block("text", (), "把 $x^2$ 的导数写成$x$。")) == ["x^2", "x"]

    def test_html_in_a_formula_is_shown_and_not_obeyed(self):
        drawn = formulas.mathml(r"a < b > c \text{<script>}")
        assert "<script" not in drawn
        assert ElementTree.fromstring(drawn).get("alttext") == "a < b > c<script>"

    def test_the_terminal_sets_them_in_italics(self):
        console = Console(force_terminal=True, width=60, color_system="standard")
        with console.capture() as captured:
            console.print(Markdown("so $w^\\top X$ becomes $Xw$"))
        assert "\x1b[3mwᵀX\x1b[0m becomes \x1b[3mXw\x1b[0m" in captured.get()


class TestNotebooks:
    @pytest.mark.parametrize("name", ["cost", "graph", "vectorize"])
    def test_formulas_are_latex_between_dollar_signs(self, name, language):
        cells = [cell.source for cell in notebooks.notebook(name, language).cells if cell.cell_type == "markdown"]
        fences = [block for block in parts(name, language) if block.kind == "math"]
        for block in fences:
            assert "\n\n".join(f"$${line}$$" for line in latex(block)) in cells
        inline = {one for block in parts(name, language) if not block.measured for one in latex(block)} - {
            one for block in fences for one in latex(block)
        }
        assert inline
        assert all(any(f"${one}$" in cell for cell in cells) for one in inline)

    def test_those_with_what_was_measured_are_drawn(self, found, monkeypatch, language):
        monkeypatch.setattr(notebooks, "measure", lambda name, quick: found[name])
        lesson = notebooks.Lesson("simd", language)
        place = [block.kind for block in lesson.chapter.blocks].index("math")
        drawn = lesson.show(place).data
        assert drawn.count("<math ") == 2
        assert f"<mn>{found['simd'].left:.17g}</mn>" in drawn


def test_some_chapters_have_formulas():
    assert sum(len(latex(block)) for name in CHAPTERS for block in parts(name, "en")) > 100
