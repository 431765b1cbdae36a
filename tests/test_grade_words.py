"""``looptax grade --lang zh``: all that it says is Chinese, but code, names and numbers."""

import ast
import inspect
import re
import string
from pathlib import Path

import made_up
import pytest
from chinese import chinese, english
from graded import RIGHT, body, graded
from looptax.bench.show.tables import LADDER, LADDER_LEGEND
from looptax.bench.teach.grade import (
    checks,
    diagnose,
    document,
    grading,
    mistakes,
    sheet,
    show,
    start,
    timing,
    words,
    worker,
)
from looptax.bench.teach.lesson.words import known
from rich.console import Console
from terminal import command

HERE = Path(words.__file__).parent
CHINESE = known("zh", words.__package__)
SAME = {"GFLOP/s", "GB/s"}  # in both languages


def constants():
    """Every text in the program of the grade."""
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def asked():
    """What is said by name: literally in a call of `say`, in the templates, and from the tables."""
    for path in HERE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "say":
                first = node.args[0]
                for one in (first.body, first.orelse) if isinstance(first, ast.IfExp) else [first]:
                    if isinstance(one, ast.Constant):
                        yield one.value
    for path in HERE.glob("templates/*"):
        yield from re.findall(r"""say\(["'](.*?)["'][,)]""", path.read_text(encoding="utf-8"))
    yield from (said for one in mistakes.MISTAKES for said in (one.kind, one.says))
    yield from (kind for kind, _ in diagnose.CHECKS)
    yield from (*words.FOREIGN, *document.ACCURACIES.values(), *grading.ADVICE, *grading.ADVICE.values())
    yield from (*timing.RESOURCES.values(), *sheet.COLUMNS, *sheet.VERDICTS, *(one.what for one in start.STARTERS))
    yield from (checks.FORMS, checks.CLOSE, checks.NOTES, worker.REUSED, LADDER_LEGEND, mistakes.MEANS[1])
    yield from (one for one in LADDER if one not in (*SAME, "technique", "interval"))
    yield from (*mistakes.ENDS, mistakes.REACHES[0], "buffer reused", "gaps left", "yours", "over budget", "failed")


def test_there_is_chinese_for_all_that_is_said():
    assert not [one for one in asked() if one not in CHINESE]


def test_nothing_else_is_translated():
    used = {*constants(), *asked(), *(line.value for line in vars(checks).values() if isinstance(line, ast.Constant))}
    others = {"done", "not run", "unavailable", "not measured", "too few sweeps"}  # what the rest of the project says
    rest = {one for one in CHINESE if one not in used | others and not one.startswith("More than 100%")}
    assert not rest


@pytest.mark.parametrize("phrase", CHINESE)
def test_nothing_is_filled_in_that_is_not_there(phrase):
    fields, ours = ([field for _, field, *_ in string.Formatter().parse(text)] for text in (CHINESE[phrase], phrase))
    assert {*fields} <= {*ours, None}
    assert chinese(CHINESE[phrase]) or not re.search("[a-z]{3}", CHINESE[phrase])
    assert not english(CHINESE[phrase])


def test_a_language_ends_with_its_block():
    with words.speaking("zh"):
        assert words.listed(["cost", "dw", "db"]) == "cost、dw和db"
    assert words.listed(["cost", "dw", "db"]) == "cost, dw and db"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("dw has shape (3,), not (4,)", "dw 的形状是 (3,)，不是 (4,)"),
        ("raised ValueError: too bad", "抛出了 ValueError: too bad"),
        ("cost is 1, expected 2 within 3e-16", "cost 是 1，应为 2，允许误差 3e-16"),
        ("cost is float of no dtype, not float64", "cost 的类型是 float，没有 dtype，不是 float64"),
        ("300 × 5, float64, C order, 1 thread", "300 × 5, float64，C 顺序，1 个线程"),
        ("A/A: yours takes 0.993 (0.876 – 1.108) of its own time", "A/A：你的 与自己相比为 0.993（0.876 – 1.108）"),
        ("nobody said this", "nobody said this"),
    ],
)
def test_what_others_say_is_said_again(said, expected):
    with words.speaking("zh"):
        assert words.translated(said) == expected


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (RIGHT, {}),
        (body("while True: pass"), {"seconds": 0.5}),
        (body("import ctypes; ctypes.string_at(0)"), {}),
        (body("raise SystemExit(3)"), {}),
        (body("import os; os._exit(0)"), {}),
        ("import os; os._exit(4)", {}),
        ("step = 3", {}),
        ("def step(X, y, w): pass", {}),
        ("def other(X, y, w, b): pass", {}),
    ],
)
def test_no_english_is_left_in_a_grade(text, more, tmp_path):
    found = graded(tmp_path, text, language="zh", **more)
    said = [found.error or ""]
    if failure := found.failure:
        said += [failure.explanation, failure.problem, failure.line or "", failure.input.X]
    if not found.passed:
        assert chinese("".join(said))
    assert not [one for one in map(english, said) if one]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (RIGHT.replace("/ m\n    dz", "\n    dz"), ["未通过", "漏了 1/m", "返回值", "期望值", "最小输入"]),
        (body("print('hello')", "return None"), ["没有返回值", "它最后打印的内容：", "hello"]),
        ("import nothing_at_all", ["错误："]),
    ],
)
def test_no_english_is_left_on_a_terminal(text, says, tmp_path):
    (tmp_path / "mine.py").write_text(text)
    done = command("grade", tmp_path / "mine.py", "--no-time", "--lang", "zh", columns=200)
    shown = done.output
    assert all(one in shown for one in says), shown
    code = re.compile(r"^(import|from|X|y|w|b|_, X|#) .*$|^.*Traceback.*$|^.*(Error:|File ).*$", re.MULTILINE)
    assert not english(code.sub("", shown))


def test_the_help_has_the_languages():
    assert "--lang" in command("grade", "--help").output


def test_the_documents_words_for_programs_stay_english(tmp_path):
    found = graded(tmp_path, body("return None"), language="zh")
    assert (found.failure.kind, found.failure.stage) == ("nothing returned", "conformance")
    assert inspect.cleandoc(found.failure.explanation).startswith("这一步返回了 None")


def test_no_english_is_left_in_what_was_timed():
    """But names of rungs and units."""
    slow, fast = made_up.figure("python-array", 4.0), made_up.figure("yours", 2.0)
    failed = made_up.figure("numba-simd", None)
    failed.status, failed.reason = "over budget", "3 calls would need more than 1 s"
    section = made_up.section(slow, fast, failed, limits=made_up.limits())
    with words.speaking("zh"):
        found = document.Grade("mine.py", 0, "relative", {}, {}, True, document.Cases(9, 9), exit_code=0)
        found.timing = timing.described(section, "10x3")
        console = Console(width=120)
        with console.capture() as captured:
            show.show(found, section, console)
    assert not english(captured.get())
    assert "超出时间预算：3 次调用需要超过 1 秒" in captured.get()
    assert "1 个线程" in captured.get()
    assert chinese(found.timing.standing)
