"""The lesson's page in a browser: nothing is shown before the guess, and nothing is asked of the network."""

import json
import math

import pytest
from looptax.bench.teach.lesson import guesses, page, text
from looptax.bench.teach.lesson.chapters import CHAPTERS
from looptax.bench.teach.lesson.words import LANGUAGES, Words

QUESTIONS = sum(block.kind == "guess" for name in CHAPTERS for block in text.chapter(name, "en").blocks)


PICTURES = sum(block.kind == "picture" for name in CHAPTERS for block in text.chapter(name, "en").blocks)


@pytest.fixture(scope="module")
def written(found, tmp_path_factory):
    """The page in each language."""
    folder = tmp_path_factory.mktemp("lesson")
    for language in LANGUAGES:
        (folder / f"{language}.html").write_text(page.html(found, language), encoding="utf-8")
    return folder


@pytest.fixture
def opened(browser, written, language):
    browser.open(written / f"{language}.html")
    return browser


def count(browser, selector):
    return browser.run(f"document.querySelectorAll('{selector}').length")


def guess(browser, key, value):
    """Type a guess and press Compare."""
    browser.run(
        f"(() => {{ const form = document.querySelector('form[data-guess=\"{key}\"]');"
        f" form.elements.guess.value = {json.dumps(value)}; form.querySelector('[type=submit]').click(); }})()"
    )


class TestPage:
    def test_no_console_errors_and_no_network(self, opened):
        assert opened.problems() == []
        assert all(address.startswith("file:") and address.endswith(".html") for address in opened.requests())

    def test_has_every_chapter_picture_and_exercise(self, opened, language):
        assert count(opened, "section.chapter") == count(opened, "nav li") == len(CHAPTERS)
        assert count(opened, ".chart svg") == PICTURES
        assert count(opened, ".exercise") == count(opened, ".remember") == len(CHAPTERS)
        assert opened.run("document.documentElement.lang") == {"en": "en", "zh": "zh-Hans"}[language]
        titles = opened.run("[...document.querySelectorAll('h2')].map((h) => h.lastChild.textContent)")
        assert titles == [text.chapter(name, language).title for name in CHAPTERS]

    def test_the_answer_to_an_exercise_can_be_opened(self, opened):
        assert count(opened, ".exercise details:not([open])") == len(CHAPTERS)
        assert opened.run("document.querySelector('.solution p').checkVisibility()") is False
        opened.run("document.querySelector('.solution summary').click()")
        assert opened.run("document.querySelector('.solution p').checkVisibility()") is True
        assert opened.problems() == []

    def test_formulas_are_drawn(self, opened):
        """A fraction's parts and a sum's limits are where they belong."""
        tops = "[...document.querySelector('.formulas {}').children].map((one) => one.getBoundingClientRect().top)"
        above, below = opened.run(tops.format("mfrac"))
        assert above < below
        middle, below, above = opened.run(tops.format("munderover"))
        assert above < middle < below
        assert count(opened, "merror") == 0
        assert count(opened, "math:not([alttext])") == 0

    def test_pictures_and_tables_say_what_they_are(self, opened):
        assert count(opened, "[role=img]:not([aria-label])") == 0
        assert count(opened, "[role=region]:not([aria-label])") == 0
        assert opened.run(
            "[...document.querySelectorAll('[role=img], [role=region]')].every((e) => e.ariaLabel.length > 5)"
        )

    def test_nothing_is_shown_before_the_guess(self, opened):
        keys = opened.run("[...document.querySelectorAll('form.guess')].map((form) => form.dataset.guess)")
        without = QUESTIONS - len(keys)  # a number: on one CPU, or where the machine was too busy to decide
        assert len(set(keys)) == len(keys) >= QUESTIONS - 3
        shown = "[...document.querySelectorAll('.numbers')].filter((e) => !e.closest('.sealed')?.hidden).length"
        assert opened.run(shown) <= without

    def test_a_guess_reveals_and_is_judged(self, opened, language, found):
        measured = found["vectorize"].most
        guess(opened, "vectorize-most", f"{measured * 3:.0f}")
        assert opened.run("document.querySelector('[data-sealed=\"vectorize-most\"]').hidden") is False
        assert opened.run("document.querySelector('[data-sealed=\"vectorize-exp_ratio\"]').hidden") is True
        said = opened.run("document.querySelector('[data-guess=\"vectorize-most\"] .verdict p').textContent")
        assert Words(language)("the right order of magnitude") in said
        assert guesses.UNITS["times"].write(measured) in said
        assert "1" in opened.run("document.getElementById('score').textContent")
        left = opened.run(
            "['yours', 'theirs'].map((name) => parseFloat(document.querySelector("
            '`[data-guess="vectorize-most"] .${name}`).style.left))'
        )
        assert left[0] > left[1] > 0
        assert opened.problems() == []

    @pytest.mark.parametrize(
        ("key", "typed", "shown"),
        [
            ("vectorize-most", "100x", "100×"),
            ("vectorize-exp_ratio", " 30 ", "30×"),
            ("loop-element", "50ns", "50 ns"),
            ("one_pass-fraction", "40 %", "40%"),
            ("slopes-worst", "1e-8", "1e-8"),
        ],
    )
    def test_a_guess_is_shown_with_its_unit_once(self, opened, key, typed, shown, language):
        guess(opened, key, typed)
        said = opened.run(f"document.querySelector('[data-guess=\"{key}\"] .verdict p').textContent")
        assert {"en": f"You guessed {shown}, measured", "zh": f"你猜 {shown}，实测"}[language] in said

    def test_a_guess_is_judged_as_python_judges(self, opened, language, found):
        """And only one of the right order of magnitude counts as near."""
        measured, words = found["vectorize"].most, Words(language)
        for factor in (1.1, 3, 8.8, 1234):
            assert opened.run(f"verdict({math.log10(factor)})").replace(",", "") == guesses.verdict(
                measured * factor, measured, words
            ).replace(",", "")
        guess(opened, "vectorize-most", f"{measured * 8.8}")
        assert "0" in opened.run("document.getElementById('score').textContent")

    def test_what_is_no_number_is_asked_for_again(self, opened):
        guess(opened, "loop-element", "a lot")
        assert opened.run("document.querySelector('[data-guess=\"loop-element\"] .wrong').hidden") is False
        assert opened.run("document.querySelector('[data-sealed=\"loop-element\"]').hidden") is True
        guess(opened, "loop-element", "100")
        assert opened.run("document.querySelector('[data-guess=\"loop-element\"] .wrong').hidden") is True
        assert opened.run("document.querySelector('[data-sealed=\"loop-element\"]').hidden") is False

    def test_a_reader_may_look_without_guessing(self, opened):
        opened.run("document.querySelectorAll('.skip').forEach((button) => button.click())")
        assert count(opened, ".sealed[hidden]") == 0
        assert opened.run("document.getElementById('score').textContent") == ""

    def test_the_script_reads_guesses_as_python_does(self, opened):
        typed = [
            "30",
            " 1e-8 ",
            "10^-8",
            "1,000",
            "100x",
            "50%",
            "2^3",
            "",
            "many",
            "-3",
            "0",
            "nan",
            "Infinity",
            "^3",
            "2^",
        ]
        read = opened.run(f"{json.dumps(typed)}.map((one) => String(parse(one)))")
        for one, value in zip(typed, read, strict=True):
            try:
                expected = guesses.parse(one)
            except ValueError:
                assert value == "NaN", one
            else:
                assert float(value) == pytest.approx(expected), one

    @pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light"), (320, "dark")])
    def test_fits_the_window(self, browser, written, language, width, scheme):
        browser.open(written / f"{language}.html", width=width, scheme=scheme)
        browser.run("document.querySelectorAll('.skip').forEach((button) => button.click())")
        assert browser.run("document.documentElement.scrollWidth") <= width
        if width >= 390:  # no picture is cut on a phone
            assert browser.run("[...document.querySelectorAll('.canvas')].every((e) => e.scrollWidth <= e.clientWidth)")
        assert browser.problems() == []

    def test_without_scripts_all_is_shown_and_nothing_asked(self, browser, written, language):
        browser.open(written / f"{language}.html", scripts=False)
        text_ = browser.send("DOM.getDocument", depth=-1)
        outer = browser.send("DOM.getOuterHTML", nodeId=text_["root"]["nodeId"])["outerHTML"]
        assert outer.count('class="sealed"') > 20
        assert not [part for part in outer.split('class="sealed"')[1:] if "hidden" in part.partition(">")[0]]
        forms = outer.split('<form class="guess"')[1:]
        assert forms
        assert all("hidden" in form.partition(">")[0] for form in forms)
