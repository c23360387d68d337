"""A headless Chromium, driven through chromedriver by plain W3C WebDriver.

Source: W3C WebDriver 2; `goog:loggingPrefs` and `/goog/cdp/execute` are chromedriver's own.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

PATIENCE = 60
"""Seconds that a page may take for anything; what takes longer hangs."""
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-device-scale-factor=1",
)


class Refused(Exception):
    """The driver answered with an error."""


class Browser:
    """One browser session. Use it in a `with`."""

    def __init__(self, profile: Path) -> None:
        """Start chromedriver on a port that it chooses, and a browser with an empty profile."""
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            self._port = self._wait_for_port()
            self._session = ""
            chrome = {"args": [*_FLAGS, f"--user-data-dir={profile}"], "binary": shutil.which("chromium")}
            wanted = {"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}
            made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{made['sessionId']}"
            self._command("timeouts", {"script": PATIENCE * 1000, "pageLoad": PATIENCE * 1000})
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Browser:
        """Return the browser."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the browser and its driver."""
        self.close()

    def close(self) -> None:
        """End the session, then the driver."""
        try:
            if self._session:
                self._call("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(timeout=PATIENCE)
            assert self._driver.stdout is not None
            self._driver.stdout.close()

    def open(self, path: Path, *, width: int = 1280, height: int = 900, **media: str) -> None:
        """Open a file in a viewport of this size; `media` are features such as prefers_color_scheme."""
        self.resize(width, height)
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.devtools("Emulation.setEmulatedMedia", features=features, media="")
        self.log()
        self._command("url", {"url": path.as_uri()})

    def resize(self, width: int, height: int) -> None:
        """Give the viewport this size, in CSS pixels."""
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function in the page and return what it returns."""
        return self._command("execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, expression: str) -> Any:
        """Wait until an expression is truthy, and return it."""
        script = (
            "const done = arguments[0]; const look = () => { const found = (" + expression + ");"
            " if (found) done(found); else setTimeout(look, 20); }; look();"
        )
        return self._command("execute/async", {"script": script, "args": []})

    def find(self, selector: str) -> str:
        """Return the first element that a CSS selector finds."""
        found = self._command("element", {"using": "css selector", "value": selector})
        return str(found[_ELEMENT])

    def click(self, selector: str) -> None:
        """Click an element as a person does: it must be visible and not covered."""
        self._command(f"element/{self.find(selector)}/click", {})

    def type(self, selector: str, text: str) -> None:
        """Type into an element."""
        self._command(f"element/{self.find(selector)}/value", {"text": text})

    def keys(self, *keys: str) -> None:
        """Press and release keys, one after the other, wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._command("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def log(self) -> list[str]:
        """Return what the console says since the last call: errors, warnings, refusals of the policy."""
        entries = self._command("se/log", {"type": "browser"})
        return [f"{entry['level']}: {entry['message']}" for entry in entries]

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Write a PNG of the viewport, or of the whole page."""
        shot = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """Print the page."""
        return base64.b64decode(self._command("print", {}))

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Call the DevTools protocol."""
        return self._command("goog/cdp/execute", {"cmd": command, "params": parameters})

    def _command(self, name: str, body: dict[str, Any]) -> Any:
        return self._call("POST", f"{self._session}/{name}", body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2 * PATIENCE)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise Refused(f"{answer['error']}: {answer['message']}")
        return answer

    def _wait_for_port(self) -> int:
        deadline = time.monotonic() + PATIENCE
        assert self._driver.stdout is not None
        while time.monotonic() < deadline:
            line = self._driver.stdout.readline()
            if found := re.search(r"started successfully on port (\d+)", line):
                return int(found[1])
            if not line:
                break
        raise Refused("chromedriver did not start")
