# SPDX-License-Identifier: GPL-2.0-or-later
"""The page's style sheet: light and dark as the reader has it, one column on a phone, black on white on paper."""

from typing import Final

from nicmedic.report.bug.charts_svg import COLOURS

__all__ = ["STYLE"]

_DARK: Final = {
    "paper": "#15181c",
    "ink": "#e4e7ea",
    "muted": "#a3abb4",
    "rule": "#3a4048",
    "hang": "#ff7a75",
    "treated": "#52c48d",
    "kernel0": "#62adff",
    "kernel1": "#ff9c54",
    "kernel2": "#c5a0f2",
    "kernel3": "#4fcdc4",
    "kernel4": "#d8b44c",
    "kernel5": "#f492c1",
    "kernel6": "#aab5c1",
    "kernel7": "#a0cf70",
    "raised": "#1e2329",
}
_LIGHT: Final = {**{name: colour for colour, name in COLOURS.items()}, "raised": "#f1f2f3"}


def _properties(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())


STYLE: Final = f"""
:root {{ color-scheme: light dark; {_properties(_LIGHT)} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {_properties(_DARK)} }} }}
* {{ box-sizing: border-box; }}
html {{ background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; }}
body {{ max-width: 72rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; margin: 0 0 .75rem; }}
h2 {{ font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: .5rem; border-top: 1px solid var(--rule); }}
h3 {{ font-size: 1rem; margin: 1.5rem 0 .5rem; }}
p, ul, ol, dl, figure, pre, table {{ margin: 0 0 1rem; }}
p, li, dd {{ max-width: 46rem; }}
ul, ol {{ padding-left: 1.4rem; }}
a {{ color: inherit; text-underline-offset: .15em; }}
:focus-visible {{ outline: 3px solid var(--kernel0); outline-offset: 2px; }}
.verdict {{ border-left: .4rem solid var(--muted); background: var(--raised); padding: .75rem 1rem; }}
.verdict {{ font-size: 1.1rem; font-weight: 600; max-width: none; }}
.verdict.proven {{ border-color: var(--hang); }}
.verdict.likely {{ border-color: var(--kernel4); }}
.small, caption, figcaption {{ color: var(--muted); font-size: .875rem; }}
nav ul {{ display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; font-size: .875rem; }}
dl {{ display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .15rem 1rem; }}
dt {{ color: var(--muted); }}
dd {{ margin: 0; }}
pre, code {{ font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .8125rem; }}
pre {{ background: var(--raised); padding: .75rem; white-space: pre-wrap; border-radius: .25rem; }}
code.lines {{ white-space: pre-wrap; }}
mark {{ background: none; color: var(--hang); font-weight: 700; }}
figcaption {{ max-width: 46rem; margin-top: .25rem; }}
svg {{ display: block; width: 100%; height: auto; }}
svg * {{ stroke-linejoin: round; stroke-linecap: butt; }}
svg text {{ font-family: system-ui, sans-serif; }}
.charts {{ display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); align-items: start; }}
.charts figure {{ max-width: 32rem; }}
.narrow {{ max-width: 32rem; }}
.wide {{ display: none; }}
table {{ border-collapse: collapse; width: 100%; font-size: .875rem; }}
caption {{ text-align: left; padding: .25rem 0; }}
th, td {{ text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--rule); }}
thead th {{ overflow-wrap: normal; color: var(--muted); font-weight: 600; }}
tbody th {{ font-weight: 600; }}
.bad {{ color: var(--hang); font-weight: 600; }}
@media screen and (max-width: 43.99rem) {{
  table, caption, tbody, tr, th, td {{ display: block; width: 100%; }}
  thead {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }}
  tr {{ border-bottom: 1px solid var(--rule); padding: .35rem 0; }}
  th, td {{ border: 0; padding: .1rem 0; }}
  td {{ display: grid; grid-template-columns: 9rem 1fr; gap: .5rem; }}
  td.empty {{ display: none; }}
  td::before {{ content: attr(data-label); color: var(--muted); }}
  dl {{ grid-template-columns: 8rem 1fr; }}
}}
@media (min-width: 44rem) {{ td {{ min-width: 4rem; }} tbody th {{ min-width: 7rem; }} .narrow {{ display: none; }} .wide {{ display: block; }} }}
@media print {{
  html {{ font-size: 10pt; }}
  body {{ max-width: none; padding: 0; }}
  nav {{ display: none; }}
  h2, h3, caption {{ break-after: avoid; }}
  figure, tr, li, .verdict {{ break-inside: avoid; }}
  pre {{ border: 1px solid var(--rule); }}
  svg, svg * {{ print-color-adjust: exact; }}
}}
"""
"""Constant: nothing of a log or a host comes into it."""
