"""A real Chromium, driven through its debugging pipe: pages as a reader meets them, and everything it complains of."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

NAMES = ("chromium", "chromium-browser", "google-chrome")
COMPLAINTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded", "Network.loadingFailed")


class Visit(NamedTuple):
    """What loading a page brought: all it asked for, all complaints, and the milliseconds until it was loaded."""

    requests: list[str]
    complaints: list[str]
    milliseconds: float


class Browser:
    """One tab; a context manager that ends the process and removes its profile."""

    def __enter__(self) -> Browser:
        program = next((found for name in NAMES if (found := shutil.which(name))), None)
        assert program, "the tests of pages need Chromium; on Debian: apt-get install chromium"
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        (its_input, self.write), (self.read, its_output) = os.pipe(), os.pipe()

        def wire() -> None:  # the browser reads requests from 3 and writes answers to 4
            copies = os.dup(its_input), os.dup(its_output)
            os.dup2(copies[0], 3)
            os.dup2(copies[1], 4)

        arguments = [
            "--headless=new",
            "--remote-debugging-pipe",
            "--disable-gpu",
            "--no-first-run",
            "--hide-scrollbars",
        ]
        arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [program, *arguments, "--disable-dev-shm-usage", f"--user-data-dir={self.profile.name}", "about:blank"],
            preexec_fn=wire,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_input)
        os.close(its_output)
        self.waiting, self.events, self.number, self.session = b"", list[dict[str, Any]](), 0, None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(self, *problem: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.write)
        os.close(self.read)
        self.profile.cleanup()

    # -- the protocol: JSON, each message ended by a zero byte

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while (found := self._message()).get("id") != self.number:
            self.events.append(found)
        assert "error" not in found, (method, found["error"])
        return dict(found["result"])

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self.waiting:
            piece = os.read(self.read, 1 << 20)
            assert piece, "Chromium has ended"
            self.waiting += piece
        text, _, self.waiting = self.waiting.partition(b"\0")
        return dict(json.loads(text))

    # -- what a reader does

    def look(self, width: int = 1000, height: int = 800, **features: str) -> None:
        """Set the size of the window, and media features such as prefers_color_scheme="dark"."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        media = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.ask("Emulation.setEmulatedMedia", features=media)

    def scripts(self, allowed: bool) -> None:
        self.ask("Emulation.setScriptExecutionDisabled", value=not allowed)

    def visit(self, page: Path, fragment: str = "") -> Visit:
        """Load a page, another than the one that is shown."""
        self.events.clear()
        self.ask("Page.navigate", url=page.resolve().as_uri() + fragment)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._message())
        self.value("document.fonts.ready.then(() => 0)")
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        wrong = [json.dumps(e["params"])[:500] for e in self.events if e.get("method") in COMPLAINTS]
        return Visit(asked, wrong, self.value("performance.timing.loadEventEnd - performance.timing.navigationStart"))

    def value(self, script: str) -> Any:
        """What a script, or its promise, gives in the page."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def type(self, text: str) -> None:
        self.ask("Input.insertText", text=text)

    def press(self, key: str) -> None:
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key])

    def picture(self, path: Path, whole: bool = False) -> None:
        found = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))
