"""A headless Chromium, driven over its DevTools protocol."""

import base64
import json
import subprocess
from contextlib import closing, contextmanager

from fresh import soon, started
from needed import program
from websocket import create_connection

FLAGS = (
    *(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--remote-debugging-port=0",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
DOMAINS = ("Page", "Runtime", "Network", "Log")


@contextmanager
def chromium(profile):
    """Yield a page of a new browser that keeps its files in `profile`; without Chromium skip, and fail in CI."""
    command = [program("chromium", "google-chrome"), *FLAGS, f"--user-data-dir={profile}"]
    with (profile / "log").open("w") as log, started(*command, stdout=log, stderr=subprocess.STDOUT) as process:
        address = _address(profile / "DevToolsActivePort", process)
        with closing(create_connection(address, timeout=60, suppress_origin=True)) as socket:
            yield Page(socket)


def _address(file, process):
    def told():
        return file.exists() and len(file.read_text().split()) == 2

    assert soon(lambda: told() or process.poll() is not None), "chromium did not start"
    assert told(), "chromium ended"
    port, path = file.read_text().split()
    return f"ws://127.0.0.1:{port}{path}"


class Page:
    """A tab: what it is told, and the `events` it has sent since it was opened."""

    def __init__(self, socket):
        self.socket, self.last, self.session, self.events = socket, 0, None, []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in DOMAINS:
            self.send(f"{domain}.enable")

    def send(self, method, **parameters):
        """Call a method of the protocol and return its result."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": self.session} if self.session else {})))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.last:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def run(self, script):
        """Return the value of a JavaScript expression, awaited."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def open(self, path, width=1280, height=900, scheme="light", scripts=True):
        """Open a file and wait until the page is drawn."""
        self.events.clear()
        self.size(width, height)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.send("Page.navigate", url=path.as_uri())
        self.wait("document.documentElement?.dataset.drawn" if scripts else "document.readyState == 'complete'")

    def size(self, width, height=900):
        """Make the window as wide as a screen of that width."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def wait(self, condition):
        """Wait until a JavaScript expression is true."""
        true = soon(lambda: self.run(f"Boolean({condition})"))
        assert true, f"waited in vain for {condition}; {self.problems()}"

    def choose(self, name, value):
        """Choose an option of a selector, as a user does, and let the charts follow."""
        self.run(
            f"(async () => {{ const select = document.querySelector('select[name={name}]'); select.value = '{value}';"
            " select.dispatchEvent(new Event('change', {bubbles: true}));"
            " await new Promise((done) => setTimeout(done, 300)); })()"
        )

    def screenshot(self):
        """Return a PNG of the window."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])

    def problems(self):
        """Return the errors and warnings on the console."""
        exceptions = [e["params"] for e in self.events if e["method"] == "Runtime.exceptionThrown"]
        spoken = [e["params"] for e in self.events if e["method"] == "Runtime.consoleAPICalled"]
        logged = [e["params"]["entry"] for e in self.events if e["method"] == "Log.entryAdded"]
        return exceptions + [s for s in spoken if s["type"] in ("error", "warning", "assert")] + logged

    def requests(self):
        """Return the address of everything asked for."""
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
