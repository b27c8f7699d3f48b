# SPDX-License-Identifier: GPL-2.0-or-later
"""The HTML report in a real browser: on a phone and at a desk nothing sticks out sideways, charts are there, and no policy is broken."""

import dataclasses
import functools
import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.cli.chart_folder import open_chart_folder
from nicmedic.report.bug.html import render_html
from tests.unit.evidence.story import NEW, OLD, here
from tests.unit.report.bug.test_html import full, report_of

WIDTHS = (320, 360, 768, 1280)
HARNESS = """<!DOCTYPE html><meta charset="utf-8"><body><script>
const pages = [%s], widths = [%s], told = [];
async function look(page, width) {
  const frame = document.createElement("iframe");
  frame.style.width = width + "px"; frame.style.height = "800px"; frame.srcdoc = page;
  await new Promise(done => { frame.onload = done; document.body.append(frame); });
  const root = frame.contentDocument.documentElement;
  const wide = [...root.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > width + 1).map(one => one.tagName);
  const seen = [...root.querySelectorAll("svg")].filter(one => one.getBoundingClientRect().width > 0).length;
  const text = [...root.querySelectorAll("svg text")].map(one => one.getBoundingClientRect().height).filter(height => height > 0);
  told.push([width, root.scrollWidth, wide.length, seen, Math.round(Math.min(...text))].join(" "));
  frame.remove();
}
(async () => { for (const page of pages) for (const width of widths) await look(page, width); document.title = told.join(";"); })();
</script>"""


@functools.cache
def find_browser() -> str:
    """Chromium, as Debian and others call it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or pytest.skip("needs chromium: apt-get install chromium")


def browse(page: Path, folder: Path) -> str:
    """The page as the browser has it when it is done."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}"]
    argv = [find_browser(), *options, "--virtual-time-budget=60000", "--dump-dom", page.as_uri()]
    environment = {**os.environ, "HOME": str(folder)}
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300, check=True).stdout


def script_text(page: str) -> str:
    """As a string of JavaScript that no end of a script hides in."""
    return "".join(("`", re.sub(r"[\\`$]", r"\\\g<0>", page).replace("</", "<\\/").replace("<!--", "<\\!--"), "`"))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The story, and one in which every text is a word of 300 letters."""
    long = full(lambda place: (place + "x" * 300)[:300])
    wide = dataclasses.replace(long, blame=dataclasses.replace(long.blame, before=OLD, after=NEW))
    with open_chart_folder():
        return {"story": render_html(report_of(here())), "long words": render_html(wide)}


def test_nothing_sticks_out_on_a_phone_or_at_a_desk(pages: dict[str, str], tmp_path: Path) -> None:
    harness = tmp_path / "harness.html"
    harness.write_text(HARNESS % (",".join(map(script_text, pages.values())), ",".join(map(str, WIDTHS))))
    match = re.search(r"<title>(.*?)</title>", browse(harness, tmp_path))
    assert match, "the harness did not come to its end"
    told = [[int(word) for word in row.split()] for row in html.unescape(match[1]).split(";")]
    assert len(told) == len(pages) * len(WIDTHS)
    for width, scrolled, sticking_out, charts, letters in told:
        assert scrolled <= width, told
        assert not sticking_out, told
        assert charts in (3, 4), told  # of each timeline the narrow or the wide drawing
        assert letters >= 9, told


def test_the_browser_takes_the_page_as_it_was_written(pages: dict[str, str], tmp_path: Path) -> None:
    """It mends what is not well-formed, and says in its log what the policy forbids: there is nothing of either."""
    page = tmp_path / "page.html"
    page.write_text(pages["story"], encoding="utf-8")
    seen = browse(page, tmp_path)
    assert seen.count("<svg") == pages["story"].count("<svg") > 3
    for word in ("<tr", "<th", "<td", "<section", "<path", "<text"):
        assert seen.count(word) == pages["story"].count(word), word
