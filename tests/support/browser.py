"""The site of the documentation, built and served on this machine, and a browser without windows that reads pages."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def mkdocs() -> str:
    """The program, of the venv that `make docs` makes or of the one that runs the tests."""
    beside = Path(sys.executable).parent
    program = shutil.which("mkdocs", path=os.pathsep.join(map(str, (ROOT / ".venv-docs" / "bin", beside))))
    return program or pytest.skip("MkDocs is not installed; `make docs` installs it")


def build_site(folder: Path) -> None:
    done = subprocess.run(
        [mkdocs(), "build", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing: the tests look at what the browser gets."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder behind HTTP; gives its URL, without a slash at the end."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@contextmanager
def browsing(profile: Path) -> Iterator[Any]:
    """A Chromium of selenium, with a profile of its own; it fetches nothing by itself, and notes each request."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None) or pytest.skip("Chromium is not installed")
    driver = shutil.which("chromedriver") or pytest.skip("chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for switch in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "no-first-run",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "window-size=1280,1000",
        f"user-data-dir={profile}",
    ):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


def requested(browser: Any) -> list[str]:
    """The addresses that pages have asked for since the last call, by the browser's own notes of its network."""
    notes = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [note["params"]["request"]["url"] for note in notes if note["method"] == "Network.requestWillBeSent"]


def pale_texts(browser: Any, scheme: str = "") -> dict[str, str]:
    """The colours of texts that do not stand out from their ground, each with one such text: level AA of WCAG 2."""
    found: dict[str, str] = browser.execute_script(PALE, scheme)
    return found


PALE = """
const light = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : Math.pow((c + 0.055) / 1.055, 2.4) }
const luminance = ([r, g, b]) => 0.2126 * light(r) + 0.7152 * light(g) + 0.0722 * light(b)
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true})
const rgba = text => {
  canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1)
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data
  return [r, g, b, a / 255]
}
const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3]))
const behind = node => {
  if (!node || node === document) return [255, 255, 255]
  const colour = rgba(getComputedStyle(node).backgroundColor)
  return colour[3] === 1 ? colour.slice(0, 3) : over(colour, behind(node.parentNode))
}
const still = new CSSStyleSheet()
still.replaceSync('*, *::before, *::after { transition: none !important; animation: none !important }')
document.adoptedStyleSheets = [still]
document.body.dataset.mdColorScheme = arguments[0]
const found = {}
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement
  if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue
  if (!walk.currentNode.data.trim()) continue
  if (['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(element.tagName) || element.closest('svg')) continue
  const style = getComputedStyle(element), back = behind(element), size = parseFloat(style.fontSize)
  const [a, b] = [luminance(over(rgba(style.color), back)), luminance(back)]
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
  const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700)
  if (ratio < (large ? 3 : 4.5)) found[`${style.color} on ${back.map(Math.round)}`] =
    `${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${walk.currentNode.data.trim().slice(0, 30)}`
}
return found
"""
