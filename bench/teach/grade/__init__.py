"""``looptax grade``: a reader's own step tried, explained where it is wrong, and put on the ladder.

The step runs in a process of its own, with limits of time and memory: a crash, a hang or a ``sys.exit``
there is reported, not suffered, and on Linux nothing that it started outlives the grade. What it prints, or writes into
every open file, is no message to the grader. This is isolation against accidents and simple cheating. It is NOT a
security sandbox: the step is judged in its own process, so code that goes through the interpreter's frames can speak
for the judge, and it may read and write whatever its user may. Code that is not trusted does not belong here.

The way of a grade: `command` → `grading` starts a process (`watch`, `keeper`) → `worker` loads the step (`target`) and
tries it on each case (`suite`, `trial`) → `diagnose` explains the first failure (`checks`, `mistakes`) →
`timing` puts it on the ladder → `show`. Of a folder: `folder` → `submissions` → `together` grades several at a time →
`sheet`. Every sentence is said by `words`, in the reader's language.
"""
