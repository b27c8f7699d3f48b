# SPDX-License-Identifier: GPL-2.0-or-later
"""The story of January 2016 as histories: months on Debian 7.8, then three boots on 7.9 that hung within ten minutes each, and an idle twin."""

from nicmedic.model.history import BootEnd, BootRecord, HangRecord, History, PackageChange

__all__ = ["NEW", "OLD", "boot", "here", "twin"]

OLD, NEW = "3.2.68-1+deb7u6", "3.2.73-2+deb7u1"
OLD_XEN, NEW_XEN = "4.1.4-3+deb7u8", "4.1.4-3+deb7u9"


def boot(began: str, package: str | None, hours: float, hang_s: float | None = None, **more: object) -> BootRecord:
    """One boot of which all is covered; with a hang of eth0 so many seconds after its start."""
    hang = HangRecord(interface="eth0", driver="r8169", began=None, uptime_s=hang_s, lines=1, warn_once=True)
    plain = BootRecord(
        host="srv4",
        began=began,
        kernel_release="3.2.0-4-amd64",
        kernel_package=package,
        ran_h=hours,
        covered_h=hours,
        end=BootEnd.CLEAN,
        hangs=() if hang_s is None else (hang,),
        xen=OLD_XEN if package == OLD else NEW_XEN,
        firmware="F.10",
        command_line=f"BOOT_IMAGE=/vmlinuz-{package} root=/dev/md0 ro quiet",
        circumstances={"load": "2 guests" if package == OLD else "5 guests"},
    )
    return BootRecord(**{name: more.get(name, getattr(plain, name)) for name in BootRecord.__dataclass_fields__})  # type: ignore[arg-type]  # as given


def here() -> History:
    """The host that hung."""
    moment = "2016-01-02T08:40:00Z"
    changed = (
        ("linux-image-3.2.0-4-amd64", OLD, NEW),
        ("libc6", "2.13-38+deb7u8", "2.13-38+deb7u9"),
        ("xen-hypervisor-4.1-amd64", OLD_XEN, NEW_XEN),
    )
    return History(
        host="srv4",
        boots=(
            boot("2015-07-01T10:00:00Z", OLD, 800),
            boot("2015-08-20T10:00:00Z", OLD, 620),
            boot("2015-09-20T10:00:00Z", OLD, 700),
            boot("2015-10-25T10:00:00Z", OLD, 480),
            boot("2015-12-01T10:00:00Z", OLD, 500),
            boot("2016-01-02T09:00:00Z", NEW, 0.3, 551.3),
            boot("2016-01-02T09:30:00Z", NEW, 0.3, 600.0),
            boot("2016-01-02T10:00:00Z", NEW, 0.3, 480.0),
        ),
        changes=tuple(
            PackageChange(time=moment, package=name, before=before, after=after, transaction="2016-01-02 09:40:00", source="apt")
            for name, before, after in changed
        ),
    )


def twin() -> History:
    """The same hardware and kernel, without Xen and without load."""
    idle = boot("2016-01-02T09:00:00Z", NEW, 200.0, host="srv5", xen=None, circumstances={"load": "idle"}, end=BootEnd.RUNNING)
    return History(host="srv5", boots=(idle,))
