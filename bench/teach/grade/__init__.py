"""``looptax grade``: a reader's own step tried, explained where it is wrong, and put on the ladder.

The step runs in a process of its own, with limits of time and memory: a crash, a hang or a ``sys.exit``
there is reported, not suffered. This is isolation against accidents. It is NOT a security sandbox: that
process may read and write whatever its user may, so code that is not trusted does not belong here.

``--json`` prints one document, `grade.Grade`:

- ``target``, ``seed``, ``accuracy``: what was asked for
- ``versions``: of Python, NumPy, looptax, and of Numba and Cython where they are installed
- ``passed``: whether every case was right and nothing went wrong afterwards
- ``cases``: ``run`` and ``total``
- ``failure``: null, or ``stage`` ("conformance", "repeat" or "timing"), ``family``, ``case``, ``dtype``,
  ``layout``, ``outputs`` (those that are wrong), ``problem`` (what was found, in one line), ``kind`` (the
  name of the mistake; "unknown" where no known mistake explains it), ``explanation``, ``line`` (of the
  reader's code, where it stopped), ``input`` (``X``, ``y``, ``w``, ``b`` in words, ``python`` where it is
  small enough to be typed, ``shrunk``, ``again``: how to make the case anew), ``returned`` and ``expected``.
  Numbers in the last three are text, so that NaN, infinity and every digit survive
- ``error``: null, or why it could not be run
- ``limits``: ``seconds`` (of a case), ``load_seconds``, ``memory_gb``, ``memory_limited``
- ``output``: the last of what the code printed
- ``timing``: null, or ``shape``, ``standing`` (a sentence), ``rungs`` (with ``name``, ``status``,
  ``reason``, ``seconds``, ``ns_per_element``, ``gflops``, ``gbytes``, ``limit``, ``limit_fraction``),
  from the slowest to the fastest; the reader's own is called "yours"
- ``exit_code``: 0 passes, 1 fails, 2 cannot be run
"""
