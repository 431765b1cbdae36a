"""Random calls of everything that is compiled, without an end: ``python tests/fuzz.py --seed 1 --calls 10000000``.

Cases are numbered, and number k of a seed is the same for ever: a failure is told by its number, and ``--seed S --from
K --calls 1`` makes its calls again. They are made in a process of its own, which says before each call what it is. So a
crash is told with the call that it was in, and a call that does not return is ended and told too; then it goes on with
the next case. ``--resume FILE`` goes on where that file says, and keeps there how far it came and what was found.
"""

import argparse
import json
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from last_words import LastWords, words_in

ROUND = 0.5  # seconds after which the process says how far it came
IMPORTS = 300  # seconds that it has before it begins
MANY = 20  # failures that end it


def work(seed, first, calls, seconds, planted, file):
    """Make calls from case `first` on, in this process; print how far it came, and what is wrong."""
    from bits import WrongError
    from fuzz_calls import tried
    from looptax.kernels.choose import team

    team.set_quota(0)
    team.pretend(4)
    say, made, index, end = LastWords(file).say, 0, first, time.monotonic() + seconds
    told = 0.0  # at once, for who watches is more patient before
    while made < calls and time.monotonic() < end:
        if time.monotonic() > told + ROUND:
            told = time.monotonic()
            print(json.dumps({"next": index, "calls": made}), flush=True)
        try:
            made += tried(seed, index, planted, say)
        except WrongError as error:
            made += 1
            print(json.dumps({"case": index, "wrong": str(error)}), flush=True)
        index += 1
    print(json.dumps({"next": index, "calls": made, "over": True}), flush=True)


class State:
    """How far a seed came: the next case, calls, seconds and failures; in a file, where there is one."""

    def __init__(self, seed, first, file):
        self.file = file
        self.kept = {"seed": seed, "next": first, "calls": 0, "seconds": 0.0, "failures": []}
        if file and file.exists():
            self.kept = json.loads(file.read_text("utf-8"))

    def save(self):
        """Write the file anew, whole or not at all."""
        if self.file:
            new = self.file.with_name(f"{self.file.name}.new")
            new.write_text(json.dumps(self.kept, indent=1) + "\n", "utf-8")
            new.replace(self.file)

    def failed(self, case, how):
        """Keep and print a failure."""
        self.kept["failures"].append({"case": case, "how": how})
        print(f"case {case}: {how}", flush=True)


def watch(state, calls, seconds, patience, planted):
    """Make calls until there are so many, or for so many seconds; return when that is done or much has failed."""
    began, spent, before = time.monotonic(), state.kept["seconds"], state.kept["calls"]

    def left():
        return calls - (state.kept["calls"] - before), seconds - (time.monotonic() - began)

    while min(left()) > 0 and len(state.kept["failures"]) < MANY:
        _one_process(state, *left(), patience, planted)
        state.kept["seconds"] = spent + time.monotonic() - began
        state.save()


def _one_process(state, calls, seconds, patience, planted):
    """Watch a process until it has made its calls, died, or said nothing for too long."""
    kept, first = state.kept, state.kept["next"]
    before = kept["calls"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "words")
        command = [sys.executable, "-W", "ignore", __file__, "--seed", str(kept["seed"]), "--from", str(first)]
        command += ["--calls", str(calls), "--seconds", str(seconds), "--words", str(file)]
        command += ["--planted", planted] if planted else []
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            how = _listen(process, state, before, patience)
        words = words_in(file)
    if how:
        case = int(words.partition(", case ")[2].partition(":")[0] or first)
        state.failed(case, f"{how} in {words or 'nothing'}")
        kept["next"], kept["calls"] = max(case, first) + 1, kept["calls"] + 1


def _listen(process, state, before, patience):
    """Take what a process tells; return how it ended, and nothing where it ended well."""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        wait = max(IMPORTS, patience)
        while selector.select(wait):
            wait = patience
            line = process.stdout.readline()
            if not line:
                process.wait()
                return signal.Signals(-process.returncode).name if process.returncode < 0 else "an error of its own"
            told = json.loads(line)
            if "wrong" in told:
                state.failed(told["case"], told["wrong"])
                continue
            state.kept["next"], state.kept["calls"] = told["next"], before + told["calls"]
            state.save()
            if "over" in told:
                return None
    process.kill()
    return f"no return for {patience} seconds"


def main():
    """Fuzz from the command line; the status is 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", type=int, default=1, dest="first", help="case to begin with")
    parser.add_argument("--calls", type=int, default=1 << 62)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument(
        "--resume", type=Path, help="a file: goes on where it says, with its seed, and keeps there how far it came"
    )
    parser.add_argument("--patience", type=float, default=120, help="seconds after which a call hangs")
    parser.add_argument("--planted", choices=("wrong", "crash", "hang"), help="a fault, to see it found")
    parser.add_argument("--words", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.words:
        return work(given.seed, given.first, given.calls, given.seconds, given.planted, given.words)
    state = State(given.seed, given.first, given.resume)
    failed = len(state.kept["failures"])
    watch(state, given.calls, given.seconds, given.patience, given.planted)
    kept = state.kept
    reached = f"{kept['calls']:,} calls, up to case {kept['next'] - 1:,}, in {kept['seconds']:,.0f} s"
    print(f"seed {kept['seed']}: {reached}, {len(kept['failures'])} failed")
    return len(kept["failures"]) > failed


if __name__ == "__main__":
    sys.exit(main())
