# SPDX-License-Identifier: GPL-2.0-or-later
r"""Look for many literals at once in plain Python: read the text as UTF-16 and let ``re`` hunt for rare pairs of bytes.

A block of ASCII decoded as UTF-16 becomes a string with one character a *pair* of bytes, at next to no cost (14 GB/s).
A character class of ``re`` is then a test of two bytes in one table look-up, however many pairs the class holds.
Each literal gives one rare pair for each of its two alignments, together with the pair that follows it;
``[rare pairs](?=[pairs that follow])`` finds candidates, a dictionary and ``bytes.startswith`` settle them.
Which pairs are rare is learnt from the log itself: from a sample of the first block, and again when there come too many candidates.
That decides how fast the answer comes, never what it is.

Not for lines that come again and again: ``shapes`` answers those first, and is what ``build_scanner`` gives.

What was tried (Python 3.11, one core; 532 driver messages as literals; 256 MB of firewall, audit, USB and bridge messages):

- ``bytes.find`` does 2 to 3 GB/s, so one pass for each literal 5 MB/s; a dozen common substrings do not cover 500 messages.
- One alternation of all literals in ``re``: below 20 MB/s; a first-character set is passed by nearly every byte.
- 8-byte words, ``frozenset.isdisjoint(memoryview.cast("Q"))``: 210 MB/s, but only for literals of 15 bytes and more.
- Masks as large integers (``translate``, ``int.from_bytes``, shift and ``&``): below 140 MB/s before the first candidate is looked at.
- Rare pairs, then an alternation of exact continuations: 80 to 180 MB/s, the more branches the slower.
- Rare pairs and one class for what follows (here): 230 to 300 MB/s; with 622 literals 150 to 190 MB/s, with literals chosen badly
  (613 words, many common) 100 MB/s.

Literals that have no rare pair are looked for by ``bytes.find``, several in one pass where they share a rare string.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

__all__ = ["AnchorScanner"]

PIECE = 1 << 18
"""Bytes decoded at a time: text and block together stay in the cache."""
SAMPLE = 1 << 15
LEARN_AGAIN_AFTER = 1 << 22
MANY_CANDIDATES = 1 / 64
"""Candidates a byte from which a new sample is worth its 15 ms."""
SHORTEST = 5
"""Bytes a literal must have to hold two whole pairs at both alignments."""
SHARED = range(4, 13)
"""Bytes of a string that several literals may be looked for by."""
LINE_FEED = b"\n"
TO_ASCII = bytes(byte & 0x7F for byte in range(256))

# What things cost in ns a byte or a time, measured as above; only their ratios matter.
COST_PASS_PAIRS = 1.6
COST_PASS_FIND = 0.4
COST_FOUND = 300.0
COST_RARE = 130.0
COST_NEXT = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How to look for the literals: some with ``bytes.find``, all others by pairs."""

    needles: Mapping[bytes, tuple[bytes, ...]]
    """A string to find, to the literals that hold it."""
    pattern: re.Pattern[str] | None
    table: Mapping[str, tuple[tuple[int, bytes], ...]]
    """Two pairs as they stand in the decoded text, to the literals that hold them and where (in bytes)."""


def _decode_pairs(data: bytes) -> str:
    """Read bytes as one character a pair; an odd last byte is left out, 8-bit bytes lose their top bit."""
    if not data.isascii():
        data = data.translate(TO_ASCII)
    return data[: len(data) & ~1].decode("utf-16-le")


def _take_sample(block: bytes) -> bytes:
    """Take four stretches from a block: a log often begins with messages that never come again."""
    if len(block) <= SAMPLE:
        return block
    step = len(block) // 4
    return b"".join(block[start : start + SAMPLE // 4] for start in range(0, 4 * step, step))


def _compile_class(pairs: Collection[str]) -> str:
    return "[" + "".join(re.escape(pair) for pair in sorted(pairs)) + "]"


def _count_pairs(sample: bytes) -> Mapping[str, float]:
    """Tell how often each pair stands at a given place of the sample (a probability)."""
    counts = Counter(_decode_pairs(sample))
    counts.update(_decode_pairs(sample[1:]))
    total = max(1, counts.total())
    return defaultdict(float, {pair: count / total for pair, count in counts.items()})


def _choose_anchor(literal: bytes, alignment: int, often: Mapping[str, float]) -> tuple[float, int, str]:
    """Choose two neighbouring pairs of a literal: what they cost in ns a byte, where they stand, and the pairs as text."""
    pairs = _decode_pairs(literal[alignment:])
    rest = often.get
    cost, index = min(
        (0.5 * (COST_RARE * rest(pairs[index], 0.0) + COST_NEXT * rest(pairs[index + 1], 0.0)), index) for index in range(len(pairs) - 1)
    )
    return cost, alignment + 2 * index, pairs[index : index + 2]


def _make_plan(literals: Collection[bytes], sample: bytes) -> _Plan:
    """Choose for each literal what is cheaper in text like the sample."""
    often = _count_pairs(sample)
    anchors: dict[bytes, list[tuple[float, int, str]]] = {}
    by_pair: defaultdict[str, set[bytes]] = defaultdict(set)
    for literal in literals:
        if len(literal) >= SHORTEST:
            anchors[literal] = [_choose_anchor(literal, alignment, often) for alignment in (0, 1)]
            for _, _, text in anchors[literal]:
                by_pair[text[0]].add(literal)
    for pair, users in by_pair.items():
        if 0.5 * COST_RARE * often.get(pair, 0.0) > COST_PASS_FIND * len(users):
            for literal in users:
                anchors.pop(literal, None)
    pairs_cost = COST_PASS_PAIRS + sum(cost for chosen in anchors.values() for cost, _, _ in chosen)
    if COST_PASS_FIND * len(anchors) <= pairs_cost:
        anchors.clear()
    table: defaultdict[str, list[tuple[int, bytes]]] = defaultdict(list)
    for literal, chosen in anchors.items():
        for _, offset, text in chosen:
            table[text].append((offset, literal))
    pattern = None
    if table:
        pattern = re.compile(f"{_compile_class({text[0] for text in table})}(?={_compile_class({text[1] for text in table})})")
    return _Plan(
        needles=_share_needles([literal for literal in literals if literal not in anchors], sample),
        pattern=pattern,
        table={text: tuple(entries) for text, entries in table.items()},
    )


def _share_needles(literals: Collection[bytes], sample: bytes) -> Mapping[bytes, tuple[bytes, ...]]:
    """Find strings that stand in several literals and are rare in the sample: one pass then serves all of these."""
    holders: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for literal in literals:
        for length in SHARED:
            for start in range(len(literal) - length + 1):
                holders[literal[start : start + length]].add(literal)
    shared = sorted(
        (needle for needle in holders if len(holders[needle]) > 1), key=lambda needle: (-len(holders[needle]), -len(needle), needle)
    )
    left = set(literals)
    groups: dict[bytes, tuple[bytes, ...]] = {}
    for needle in shared:
        users = holders[needle] & left
        if len(users) > 1 and COST_FOUND * sample.count(needle) / len(sample) < COST_PASS_FIND * (len(users) - 1):
            groups[needle] = tuple(sorted(users))
            left -= users
    return groups | {literal: (literal,) for literal in sorted(left)}


def _find_needle(block: bytes, needle: bytes, literals: Collection[bytes]) -> Iterator[int]:
    """Give the starts of all lines with one of some literals, by a string that stands in all of them."""
    at = block.find(needle)
    while 0 <= at < len(block):
        start = block.rfind(LINE_FEED, 0, at) + 1
        end = block.find(LINE_FEED, at)
        if end < 0:
            end = len(block)
        if any(block.find(literal, start, end) >= 0 for literal in literals):
            yield start
        at = block.find(needle, end + 1)


class AnchorScanner:
    """Finds lines by rare pairs of bytes; see the module's text. Implements ``LineScanner``."""

    name = "python"
    releases_gil = False

    def __init__(self, literals: Collection[bytes]) -> None:
        """Take the literals; what is rare is learnt from the first block."""
        self._literals = tuple(dict.fromkeys(literal for literal in literals if LINE_FEED not in literal))
        self._plan: _Plan | None = None
        self._scanned = 0
        self._candidates = 0

    def find_hits(self, block: bytes) -> list[int]:
        """See ``LineScanner``."""
        if not block:
            return []
        plan = self._plan
        if plan is None or (self._scanned >= LEARN_AGAIN_AFTER and self._candidates > self._scanned * MANY_CANDIDATES):
            plan = self._plan = _make_plan(self._literals, _take_sample(block))
            self._scanned = self._candidates = 0
        self._scanned += len(block)
        hits = self._find_by_pairs(block, plan, plan.pattern) if plan.pattern else []
        if not plan.needles:
            return hits
        return sorted({*hits, *(start for needle, literals in plan.needles.items() for start in _find_needle(block, needle, literals))})

    def _find_by_pairs(self, block: bytes, plan: _Plan, pattern: re.Pattern[str]) -> list[int]:
        hits: list[int] = []
        table, candidates, done_to = plan.table, 0, 0
        for base in range(0, len(block), PIECE):
            text = _decode_pairs(block[base : base + PIECE + 2])
            for match in pattern.finditer(text):
                candidates += 1
                at = match.start()
                entries = table.get(text[at : at + 2])
                if entries is None or base + 2 * at < done_to:
                    continue
                for offset, literal in entries:
                    start = base + 2 * at - offset
                    if start >= 0 and block.startswith(literal, start):
                        hits.append(block.rfind(LINE_FEED, 0, start) + 1)
                        end = block.find(LINE_FEED, start)
                        done_to = end + 1 if end >= 0 else len(block)
                        break
        self._candidates += candidates - len(hits)
        return hits
