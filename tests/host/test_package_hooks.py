# SPDX-License-Identifier: GPL-2.0-or-later
"""apt itself, with a root of its own and packages made here, calls our hook before it unpacks a kernel, and goes on whatever becomes of it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nicmedic.host.package_hooks import HostPackageHooks
from nicmedic.model.errors import StateError
from nicmedic.persist.package_hooks import APT_FILE, DNF_FILE, find_kernel_packages, render_apt_hook

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None, reason="needs apt and dpkg")
KERNEL = "linux-image-9.9.9-test"


class Apt:
    """An apt whose whole world is below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "root"
        for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/lib/apt/lists/partial", "var/log/apt"):
            (self.root / name).mkdir(parents=True)
        for name in ("var/cache/apt/archives/partial", "etc/apt/apt.conf.d", "etc/apt/sources.list.d", "etc/apt/preferences.d"):
            (self.root / name).mkdir(parents=True)
        for name in ("status", "available"):
            (self.root / "var/lib/dpkg" / name).touch()
        self.config = folder / "apt.conf"
        self.config.write_text(
            f'Dir "{self.root}";\nDir::Bin::Methods "/usr/lib/apt/methods";\nDir::Bin::dpkg "{shutil.which("dpkg")}";\n'
            f'DPkg::Options {{ "--root={self.root}"; "--force-not-root"; "--log=/dev/null"; }};\n'
            'APT::Sandbox::User "root";\nDebug::NoLocking "true";\n',
            encoding="utf-8",
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of it."""
        environment = {**os.environ, "APT_CONFIG": str(self.config), "LC_ALL": "C"}
        return subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def build(self, package: str, version: str) -> str:
        """A package with one file and no scripts."""
        tree = self.folder / f"{package}-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/share").mkdir(parents=True)
        (tree / "usr/share" / package).write_text(version, encoding="utf-8")
        control = f"Package: {package}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody <nobody@example.org>\nDescription: made by a test\n"
        (tree / "DEBIAN/control").write_text(control, encoding="utf-8")
        made = f"{tree}.deb"
        subprocess.run(["dpkg-deb", "--build", str(tree), made], check=True, capture_output=True)
        return made

    def is_installed(self, package: str) -> str | None:
        """The version whose file is there."""
        path = self.root / "usr/share" / package
        return path.read_text(encoding="utf-8") if path.exists() else None


def make_program(folder: Path, body: str) -> str:
    """A program in nicmedic's place."""
    path = folder / "nicmedic"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def write_hook(apt: Apt, program: str) -> None:
    """Where apt finds it."""
    text = render_apt_hook([program], None)
    assert text is not None
    (apt.root / APT_FILE.lstrip("/")).write_text(text, encoding="utf-8")


@pytest.fixture
def apt(tmp_path: Path) -> Apt:
    """With nothing installed."""
    return Apt(tmp_path)


def test_apt_calls_it_before_it_unpacks_replaces_and_removes_a_kernel(apt: Apt) -> None:
    seen, was = apt.folder / "seen", apt.folder / "was"
    body = f"cat > {seen}; cat {apt.root}/usr/share/{KERNEL} > {was} 2> /dev/null || echo none > {was}; echo $* > {seen}.words"
    write_hook(apt, make_program(apt.folder, body))

    def install(*paths: str) -> tuple[str, ...]:
        done = apt.run("apt-get", "install", "--yes", *paths)
        assert done.returncode == 0, done.stdout + done.stderr
        return find_kernel_packages(seen.read_text(encoding="utf-8"))

    assert install(apt.build("other", "1")) == ()
    assert install(apt.build(KERNEL, "1"), apt.build("more", "1")) == (KERNEL,)
    assert was.read_text(encoding="utf-8") == "none\n"
    assert install(apt.build(KERNEL, "2")) == (KERNEL,)
    assert was.read_text(encoding="utf-8") == "1", "it is called while the old one is still whole"
    assert apt.is_installed(KERNEL) == "2"
    assert (apt.folder / "seen.words").read_text(encoding="utf-8") == "trial prepare --hook apt\n"
    done = apt.run("apt-get", "purge", "--yes", KERNEL)
    assert done.returncode == 0, done.stderr
    assert find_kernel_packages(seen.read_text(encoding="utf-8")) == (KERNEL,)


@pytest.mark.parametrize("body", ["exit 23", "exec false", "kill -9 $$", "exec < /dev/null; sleep 0.2; exit 1", "cat > /dev/null; exit 50"])
def test_apt_goes_on_whatever_becomes_of_it(apt: Apt, body: str) -> None:
    write_hook(apt, make_program(apt.folder, body))
    done = apt.run("apt-get", "install", "--yes", apt.build(KERNEL, "1"))
    assert (done.returncode, apt.is_installed(KERNEL)) == (0, "1"), done.stdout + done.stderr


def test_apt_goes_on_where_it_hangs_and_does_not_end_when_asked_to(apt: Apt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicmedic.persist.package_hooks._MOST_S", 1)
    monkeypatch.setattr("nicmedic.persist.package_hooks._KILL_S", 1)
    write_hook(apt, make_program(apt.folder, "trap '' TERM; while :; do sleep 1; done"))
    done = apt.run("apt-get", "install", "--yes", apt.build(KERNEL, "1"))
    assert (done.returncode, apt.is_installed(KERNEL)) == (0, "1"), done.stdout + done.stderr


def test_apt_goes_on_where_nicmedic_is_gone(apt: Apt) -> None:
    write_hook(apt, str(apt.folder / "not-there"))
    done = apt.run("apt-get", "install", "--yes", apt.build(KERNEL, "1"))
    assert (done.returncode, apt.is_installed(KERNEL)) == (0, "1"), done.stdout + done.stderr
    assert "not-there" not in done.stderr


def test_it_is_written_where_a_manager_is_and_taken_away_again(apt: Apt) -> None:
    hooks = HostPackageHooks(str(apt.root))
    assert hooks.install() == (f"{apt.root}{APT_FILE}",)
    assert "Pre-Install-Pkgs" in apt.run("apt-config", "dump", "DPkg::Pre-Install-Pkgs").stdout
    (apt.root / DNF_FILE.lstrip("/")).parent.mkdir(parents=True)
    assert hooks.install() == (f"{apt.root}{APT_FILE}", f"{apt.root}{DNF_FILE}")
    assert hooks.remove() == (f"{apt.root}{APT_FILE}", f"{apt.root}{DNF_FILE}")
    assert hooks.remove() == ()


def test_without_a_manager_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="neither apt nor dnf5"):
        HostPackageHooks(str(tmp_path)).install()


def test_a_file_that_apt_does_not_understand_does_not_stay(apt: Apt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nicmedic.host.package_hooks.render_apt_hook", lambda _program, _state: "junk here\n")
    with pytest.raises(StateError, match="apt-config"):
        HostPackageHooks(str(apt.root)).install()
    assert not (apt.root / APT_FILE.lstrip("/")).exists()
