# SPDX-License-Identifier: GPL-2.0-or-later
"""matplotlib's drawings as part of a page: colours are the page's, light and dark; text stays text; nothing differs from run to run.

Not for what is drawn: that is in ``charts_rates``, ``charts_survival`` and ``charts_timeline``.

matplotlib is optional and imported nowhere else. It reads a ``matplotlibrc`` of the working folder, so every setting is put back to its default
before anything is drawn. That it leaves files in a home folder is prevented by who calls us.
"""

import io
import re
import xml.etree.ElementTree as ET  # reads only what matplotlib just wrote
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from nicmedic.report.bug.html_tree import tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "HANG",
    "INK",
    "KERNELS",
    "MUTED",
    "PAPER",
    "RULE",
    "TREATED",
    "Drawing",
    "add_axes",
    "draw_svg",
    "has_library",
    "label",
]

PAPER: Final = "#fdfdfc"
INK: Final = "#1b1f23"
MUTED: Final = "#565d66"
RULE: Final = "#d4d7db"
HANG: Final = "#b4141e"
TREATED: Final = "#127a4b"
KERNELS: Final = ("#0a5fa8", "#b85600", "#77449b", "#00756f", "#94690a", "#a83a72", "#55606b", "#3f6b1d")
"""Told apart by those who see no red or no green as well; each stands beside its kernel's name all the same."""
COLOURS: Final = {
    PAPER: "paper",
    INK: "ink",
    MUTED: "muted",
    RULE: "rule",
    HANG: "hang",
    TREATED: "treated",
    **{colour: f"kernel{number}" for number, colour in enumerate(KERNELS)},
}
"""Each by the name of its custom property in the page's style sheet."""
_SVG: Final = "{http://www.w3.org/2000/svg}"
_XLINK: Final = "{http://www.w3.org/1999/xlink}"
_COLOUR: Final = re.compile("|".join(COLOURS))
_FONT: Final = re.compile(r"font-family: [^;]*;?|'DejaVu Sans'[^;]*")
_REFERENCE: Final = re.compile(r"#([A-Za-z0-9_-]+)")
_DROPPED: Final = frozenset({f"{_SVG}metadata", f"{_SVG}style"})

Drawing = Callable[["Figure"], None]
"""Draws into an empty figure."""


def has_library() -> bool:
    """Whether charts can be drawn here.

    Not where matplotlib is not installed, finds no folder to write to, or stumbles over a ``matplotlibrc`` of the working folder.
    """
    try:
        import matplotlib as library
        from matplotlib.backends import backend_svg as backend
    except (ImportError, OSError, UnicodeError):
        return False
    return bool(library) and bool(backend)


def label(text: str, most: int = 40) -> str:
    r"""A text of a log or a host as a label: short, and in letters that every font has.

    >>> label("6.1.0-1\n"), label("x" * 50, 8)
    ('6.1.0-1\\n', 'xxxxxxx~')
    """
    plain = text.encode("unicode_escape").decode("ascii")
    return plain if len(plain) <= most else f"{plain[: most - 1]}~"


def add_axes(figure: "Figure", *, left: float = 8, top: float = 4, sides: Iterable[str] = ("bottom",)) -> "Axes":
    """Axes with a frame on the named sides only, and a light grid across.

    Margins are fixed (in units of which a letter has 10), for no label of a log may push the drawing aside; below there is room for two lines.
    """
    width, height = 72 * figure.get_size_inches()
    axes = figure.add_axes((left / width, 34 / height, 1 - (left + 20) / width, 1 - (34 + top) / height))
    for side, spine in axes.spines.items():
        spine.set_visible(side in sides)
        spine.set_color(MUTED)
    axes.tick_params(colors=MUTED, labelcolor=INK, length=3)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    return axes


def draw_svg(name: str, draw: Drawing, *, size: tuple[float, float], title: str, description: str) -> ET.Element:
    """A drawing as an ``svg`` element.

    Args:
        name: for the element's ids; no two of a page may have the same.
        draw: what draws it.
        size: in inches of 72 units, of which a letter has 10.
        title: for whoever does not see it.
        description: what it shows, in a sentence or two.
    """
    import matplotlib as library
    from matplotlib.figure import Figure

    with library.rc_context():
        library.rcdefaults()
        library.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": name, "text.parse_math": False})
        library.rcParams.update({"font.size": 10.0, "hatch.linewidth": 0.7, "text.color": INK, "axes.labelcolor": INK})
        figure = Figure(figsize=size, facecolor="none")
        draw(figure)
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return _adopt(ET.fromstring(written.getvalue()), name, title, description)  # noqa: S314  # our own, written a moment ago


def _adopt(drawn: ET.Element, name: str, title: str, description: str) -> ET.Element:
    """Into the page: only ids that something refers to, no style sheet, no name spaces, which HTML knows for itself."""
    used = {found for element in drawn.iter() for value in element.attrib.values() for found in _REFERENCE.findall(value)}
    svg = _copy(drawn, used)
    svg.attrib.clear()
    svg.attrib.update({"viewBox": drawn.get("viewBox", ""), "role": "img", "aria-labelledby": f"{name}-title {name}-desc"})
    svg.insert(0, tag("desc", description, id=f"{name}-desc"))
    svg.insert(0, tag("title", title, id=f"{name}-title"))
    return svg


def _copy(drawn: ET.Element, used: set[str]) -> ET.Element:
    """An element and what is in it."""
    given = {key.replace(_XLINK, "xlink:"): value for key, value in drawn.attrib.items() if key != "id" or value in used}
    style = "; ".join([given.pop("style", ""), *(f"{key}: {given.pop(key)}" for key in ("fill", "stroke") if key in given)])
    if style := _FONT.sub("", _COLOUR.sub(lambda found: f"var(--{COLOURS[found[0]]})", style)).strip("; "):
        given["style"] = style
    made = ET.Element(drawn.tag.replace(_SVG, ""), given)
    made.text, made.tail = drawn.text, drawn.tail
    made.extend(_copy(child, used) for child in drawn if child.tag not in _DROPPED)
    return made
