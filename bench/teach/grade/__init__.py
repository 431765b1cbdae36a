"""``looptax grade``: a reader's own step tried, explained where it is wrong, and put on the ladder.

The step runs in a process of its own, with limits of time and memory: a crash, a hang or a ``sys.exit``
there is reported, not suffered. This is isolation against accidents. It is NOT a security sandbox: that
process may read and write whatever its user may, so code that is not trusted does not belong here.

The way of a grade: `command` → `grading` starts a process (`watch`) → `worker` loads the step (`target`) and
tries it on each case (`suite`, `trial`) → `diagnose` explains the first failure (`checks`, `mistakes`) →
`timing` puts it on the ladder → `show`.
"""
