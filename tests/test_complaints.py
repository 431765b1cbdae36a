"""What a wrong argument is told in Chinese: all of it but the frame, which is Typer's, and what the system says."""

import ast
import re
import string
from pathlib import Path

import pytest
from chinese import chinese, english
from looptax.bench import options, teach
from looptax.bench.teach import complaints
from looptax.bench.teach.lesson.chapters import ChapterError
from looptax.bench.teach.lesson.words import known
from terminal import command

CHINESE = known("zh", complaints.__package__)
HERE = Path(teach.__file__).parent


def said(*arguments):
    """What a command says of a wrong argument, in a line, without the frame."""
    done = command(*arguments, "--lang", "zh", columns=300)
    assert done.exit_code in (1, 2), done.output
    return " ".join(re.sub("[│╭╮╰╯─]", " ", re.split("(?m)─ Error ─|^Error: ", done.output)[-1]).split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["teach", "--terminal", "--notebooks", "x"], "--terminal：--terminal 和 --notebooks 只能给一个"),
        (["teach", "-o", "x.pdf"], "--output：x.pdf 不以 .html 结尾"),
        (["teach", "-o", "nowhere/x.html"], "--output：无法写入文件夹"),
        (["teach", "--notebooks", "a.py/x"], "--notebooks：无法写入文件夹 a.py/x：Not a directory"),
        (["teach", "--notebooks", "full"], "--notebooks：full/01-cost.ipynb 已经存在"),
        (["grade"], "TARGET：请给出要评分的文件或模块，或者 --new 或 --family"),
        (["grade", "--gaps"], "--gaps：它与 --new 一起用"),
        (["grade", "--new", "numpy"], "FILE：请给出要写的文件，例如 --new numpy my_step.py"),
        (["grade", "--new", "nump", "b.py"], "--new：'nump' 不在其中：loops, numpy, numba, cython"),
        (["grade", "--new", "numpy", "b.pyx"], "--new：b.pyx 不以 .py 结尾，而 numpy 的文件必须如此"),
        (["grade", "--new", "numpy", "a.py"], "--new：a.py 已经存在，保持原样"),
        (["grade", "--new", "numpy", "nowhere/b.py"], "--new：无法写入 nowhere/b.py：No such file or directory"),
        (["grade", "a.py", "--accuracy", "x"], "--accuracy：'x' 不在其中：relative, absolute, notes"),
        (["grade", "a.py", "--seconds", "0"], "--seconds：0.0 不是正的秒数"),
        (["grade", "a.py", "--memory", "-1"], "--memory：-1.0 不是正的 GB 数"),
        (["grade", "a.py", "--shape", "3"], "--shape：'3' 不是形状；应为“样本数x特征数”，例如 1000x10"),
        (["grade", "a.py", "--jobs", "2"], "--jobs：它与文件夹一起用"),
        (["grade", "full", "--jobs", "2"], "--jobs：要计时的只能一个接一个；同时做几个，请加 --no-time"),
        (["grade", "full", "--csv", "a.pdf"], "--csv：a.pdf 不以 .csv 结尾"),
    ],
)  # fmt: skip
def test_a_wrong_argument(arguments, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "01-cost.ipynb").touch()
    assert said(*arguments).startswith(expected)


def test_what_is_not_installed(monkeypatch):
    monkeypatch.setattr(options, "_packages", lambda extra: ("numpy", "numpy-stl"))
    assert said("teach") == "lesson：需要 numpy-stl，这里没有安装：pip install 'looptax[lesson]'"


def test_a_chapter_that_cannot_be_measured(monkeypatch, tmp_path):
    def fail(*_):
        raise ChapterError("the chapter cost cannot be measured: ZeroDivisionError: of mine")

    monkeypatch.setattr("looptax.bench.teach.lesson.command.measure", fail)
    assert said("teach", "--quick", "-o", str(tmp_path / "x.html")).endswith(
        "错误：cost 这一章无法测量：ZeroDivisionError: of mine"
    )


def test_english_stays_as_it_was():
    assert "Invalid value for --output: x.pdf does not end in .html" in command("teach", "-o", "x.pdf").output
    assert complaints.again("x.pdf does not end in .html", "en") == "x.pdf does not end in .html"
    assert complaints.again("nobody says this", "zh") == "nobody says this"


def test_every_sentence_about_an_argument_has_its_chinese():
    """But that on --lang itself, of which one cannot know in which language to say it."""
    files = (*HERE.rglob("command.py"), HERE / "grade" / "folder.py")
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    sentences = [filled(one.args[0]) for one in calls if getattr(one.func, "attr", "") == "BadParameter"]
    assert len(sentences) > 8
    missing = [one for one in sentences if one and complaints.again(one, "zh") == one]
    assert not missing


def filled(node):
    """A literal, or what an f-string may come to; nothing of what is made elsewhere."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "x" for one in node.values)
    return ""


@pytest.mark.parametrize("phrase", CHINESE)
def test_all_that_is_filled_in_is_there(phrase):
    ours, theirs = (
        {field for _, field, *_ in string.Formatter().parse(text) if field} for text in (phrase, CHINESE[phrase])
    )
    assert ours == theirs
    assert chinese(CHINESE[phrase])
    assert not english(CHINESE[phrase])


def test_the_more_exact_come_first():
    """No phrase catches what a later one says."""
    phrases = list(CHINESE)
    for place, phrase in enumerate(phrases):
        assert complaints.again(phrase, "zh") == CHINESE[phrase].format("{0}", "{1}", "{2}"), place
