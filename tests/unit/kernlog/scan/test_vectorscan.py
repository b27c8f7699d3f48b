# SPDX-License-Identifier: GPL-2.0-or-later
"""What is particular to Hyperscan: it may be missing, it may refuse, and it serves several threads."""

import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import pytest

from nicmedic.kernlog.scan import build_scanner, vectorscan
from nicmedic.kernlog.scan.vectorscan import MANY_MATCHES, UnavailableError, VectorScanner


def test_without_the_package_python_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    scanner = build_scanner([b"Tx timeout"])
    assert scanner.find_hits(b"a\nTx timeout\n") == [2]
    assert (scanner.name, scanner.releases_gil) == ("python", False)


def test_asking_for_it_without_the_package_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    with pytest.raises(UnavailableError, match="cannot be loaded"):
        build_scanner([b"Tx timeout"], fast=True)


def test_literals_that_it_refuses_are_an_error_of_the_same_kind() -> None:
    pytest.importorskip("hyperscan")
    with pytest.raises(UnavailableError, match="cannot compile"):
        VectorScanner([b""])


def test_a_refusal_falls_back_to_python_unless_hyperscan_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_literals: Collection[bytes]) -> VectorScanner:
        raise UnavailableError("not on this processor")

    monkeypatch.setattr(vectorscan, "VectorScanner", refuse)
    monkeypatch.setattr(vectorscan, "load_library", lambda: None)
    assert build_scanner([b"Tx timeout"]).name == "python"
    with pytest.raises(UnavailableError, match="this processor"):
        build_scanner([b"Tx timeout"], fast=True).find_hits(b"")


def test_threads_may_scan_at_the_same_time() -> None:
    pytest.importorskip("hyperscan")
    scanner = VectorScanner([b"Tx timeout", b"nobody cared"])
    few = b"all is well\n" * 5_000 + b"eth0: Tx timeout\n"
    many = b"irq 18: nobody cared\n" * (2 * MANY_MATCHES)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(scanner.find_hits, [few, many] * 20))
    assert answers == [[60_000], list(range(0, len(many), 21))] * 20
