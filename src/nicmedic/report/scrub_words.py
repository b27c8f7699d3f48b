# SPDX-License-Identifier: GPL-2.0-or-later
"""Find what a text itself calls the name of a host, a user or a wireless network, or a serial number. For ``report/scrub.py``."""

import re
from collections.abc import Iterator
from enum import StrEnum

from nicmedic.persist.yaml_lines import Node, parse_yaml

__all__ = ["Kind", "find_words", "is_telling"]


class Kind(StrEnum):
    """What a replaced piece of text was."""

    MAC = "mac"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    HOST = "host"
    DOMAIN = "domain"
    USER = "user"
    SERIAL = "serial"
    SHARE = "share"
    FILE = "file"
    UUID = "uuid"
    SSID = "ssid"
    KEY = "key"
    EMAIL = "email"


_TOLD: tuple[tuple[Kind, str, re.Pattern[str]], ...] = (
    (
        Kind.SERIAL,
        "serial",
        re.compile(
            r"(?<![A-Za-z])serial(?:[ _-]?(?:number|no|short))?[\"']?[ \t]*[:=][ \t]*[\"']?([A-Za-z0-9][\w./-]{3,63})", re.IGNORECASE
        ),
    ),
    (Kind.SERIAL, "s/n", re.compile(r"(?<![\w/])S/N[ \t]*[:=]?[ \t]*([A-Za-z0-9][\w./-]{5,63})")),
    (Kind.SERIAL, "sn=", re.compile(r"(?<![\w-])SN=[\"']?([A-Za-z0-9][\w./-]{3,63})")),
    (Kind.SERIAL, "by-id/", re.compile(r"by-id/[a-z]+-[^\s/\"',]*?_([A-Za-z0-9-]{6,40}?)(?:[-_]part\d+|-\d+:\d+)?(?![\w:-])")),
    (
        Kind.SERIAL,
        "by-id/",
        re.compile(r"by-id/(?:scsi|virtio|lvm-pv-uuid|md-uuid|dm-uuid)-([A-Za-z0-9:-]{6,100}?)(?:-part\d+)?(?![\w:-])"),
    ),
    (Kind.SERIAL, "", re.compile(r"\b((?:wwn-0x|naa\.|eui\.)[0-9A-Fa-f]{16,32})(?![0-9A-Fa-f])")),
    (Kind.SERIAL, "iqn.", re.compile(r"\b(iqn\.\d{4}-\d\d\.[\w.:-]{2,220})")),
    (Kind.SERIAL, "serial '", re.compile(r"\bserial '([^'\n]{4,63})'")),
    (Kind.USER, "requested-by: ", re.compile(r"Requested-By: (\S{2,32}) \(\d+\)")),
    (Kind.USER, "user", re.compile(r"(?:session opened for user |\bfor user |\buser=|\bUSER=)[\"']?([a-z_][a-z0-9_.-]{1,31})")),
    (Kind.USER, "acct=", re.compile(r"\bacct=\\?[\"']([a-z_][a-z0-9_.-]{1,31})")),
    (Kind.USER, "uid=", re.compile(r"\b(?:A|E|S|FS|O|I)?UID=\\?[\"']([a-z_][a-z0-9_.-]{1,31})")),
    (
        Kind.USER,
        "identity",
        re.compile(
            r"^[ \t]*(?:wpa-)?(?:anonymous[-_]?)?identity(?:[ \t]*[:=]|[ \t])[ \t]*[\"']?([\w.@\\-]{2,64})", re.IGNORECASE | re.MULTILINE
        ),
    ),
    (Kind.USER, "username", re.compile(r"^[ \t]*option[ \t]+username[ \t]+[\"']?([^\s\"']{2,64})", re.MULTILINE)),
    (Kind.HOST, "host", re.compile(r"(?<![A-Za-z])host[-_]?name[\"']?[ \t]*=>?[ \t]*\\?[\"'<]?([A-Za-z0-9][\w.-]{1,254})", re.IGNORECASE)),
    (Kind.HOST, "hostname", re.compile(r"(?:Hostname set to|[Ss]et hostname to) <([\w.-]{2,255})>")),
    (
        Kind.HOST,
        "server ",
        re.compile(
            r"\b(?:nfs\d?|lockd|cifs|smb\d?)\b[^\n]{0,20}?\bserver ([A-Za-z0-9][\w.-]{1,254}),? (?:(?:is |has )?not respond|OK\b|error|timed out)",
            re.IGNORECASE,
        ),
    ),
    (Kind.HOST, "cifs", re.compile(r"\bCIFS\b[^\n]{0,80}?[\\/]{2,4}([A-Za-z0-9][\w.-]{1,254})(?=[\\/ ])")),
    (Kind.SHARE, "cifs", re.compile(r"\bCIFS\b[^\n]{0,80}?[\\/]{2,4}[A-Za-z0-9][\w.-]{1,254}[\\/]{1,2}([\w.$-]{2,80})")),
    (Kind.HOST, "drbd ", re.compile(r"\bdrbd [\w-]{1,64}(?:/\d+ drbd\d+)? (?!tcp|rdma|lb-tcp)([A-Za-z][\w.-]{1,254}): ")),
    (Kind.DOMAIN, "domain_name", re.compile(r"\bdomain_name(?:_search)?[ \t]*=>?[ \t]*\\?[\"']([^\"'\n]{3,300})")),
    (Kind.SSID, "ssid '", re.compile(r"\bSSID '([^'\n]{2,32})'")),
    (Kind.HOST, "ip=", re.compile(r"(?<![\w-])ip=(?:(?:\[[^\]\s]*\]|[^\s:\[]*):){4}([\w.-]{2,255}):")),
    (Kind.DOMAIN, "endpoint", re.compile(r"^[ \t]*Endpoint[ \t]*=[ \t]*([A-Za-z0-9.-]{3,255}):\d", re.IGNORECASE | re.MULTILINE)),
    (Kind.DOMAIN, "://", re.compile(r"://(?:[^\s/\"']{0,256}@)?([A-Za-z0-9][A-Za-z0-9.-]{2,254})")),
    (
        Kind.SSID,
        "ssid",
        re.compile(
            r"(?:^|[\s,{\"])(?:wpa-)?e?ssid[\"']?[ \t]*[:=][ \t]*[\"']?([^\"'\n;,]{2,32}?)[\"']?[ \t]*(?:$|,)", re.IGNORECASE | re.MULTILINE
        ),
    ),
    (
        Kind.SSID,
        "ssid",
        re.compile(r"^[ \t]*(?:option[ \t]+ssid|wpa-ssid|wireless-essid)[ \t]+[\"']?(.{2,32}?)[\"']?[ \t]*$", re.MULTILINE),
    ),
    (
        Kind.DOMAIN,
        "",
        re.compile(
            r"^[ \t]*[\"']?(?:dns-search|dns-domain|search|domains?)[\"']?[ \t]*[:=][ \t]*([^\n#]{3,300})", re.IGNORECASE | re.MULTILINE
        ),
    ),
    (Kind.DOMAIN, "", re.compile(r"^[ \t]*(?:option[ \t]+domain|dns-search|dns-domain)[ \t]+([^\n#]{3,300})", re.MULTILINE)),
    (
        Kind.HOST,
        "host",
        re.compile(
            r"(?:^|[{,])[ \t]*[\"']?(?:(?:dhcp[-_])?host[-_]?name|_HOSTNAME)[\"']?[ \t]*[:=][ \t]*[\"']?([\w.-]{2,255})",
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (Kind.HOST, "hostname", re.compile(r"^[ \t]*(?:option[ \t]+hostname|hostname)[ \t]+[\"']?([\w.-]{2,255})", re.MULTILINE)),
    (
        Kind.HOST,
        "kernel",
        re.compile(
            r"^(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT\S+) ([\w.-]{2,255}) (?:kernel|systemd)(?:\[\d+\])?:", re.MULTILINE
        ),
    ),
)
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_PUBLIC = re.compile(
    r"(?:\A|\.)(?:debian|kernel|archlinux|alpinelinux|fedoraproject|centos|openwrt|opensuse|gentoo|nixos|raspberrypi|xenproject|freedesktop|github"
    r"|redhat|ubuntu|canonical|suse|proxmox|oracle|amazon|citrix|intel|amd|realtek|broadcom)\.(?:org|com|net|io)\Z",
    re.IGNORECASE,
)
"""Where distributions and makers of cards are at home: this tells of nobody."""
_WIFI_PROFILE = re.compile(r"^type=(?:wifi|802-11-wireless)[ \t]*$", re.MULTILINE)
_PROFILE_ID = re.compile(r"^id=(.{2,64})$", re.MULTILINE)
_COMMON = (
    "localhost localhost.localdomain localdomain (none) root kernel true false yes no auto none linux route null anonymous ip6-localhost "
    "debian ubuntu fedora centos rhel redhat rocky almalinux arch archlinux alpine gentoo nixos opensuse suse sles raspbian raspberrypi proxmox "
    "pve openwrt linuxmint mint kali devuan manjaro armbian slackware mageia amzn oracle "
    "xen kvm qemu vmware hyperv virtualbox gnu smp amd64 x86_64 arm64 aarch64 boot log firmware driver network ethernet eth0 eth1 "
    "admin user test guest pi vagrant ec2-user cloud-user opc server host router nas pc laptop desktop"
)
_NOT_NAMES = frozenset(_COMMON.split())
"""Words that are in the same place on many hosts, such as the users of a distribution's images: they tell of nobody, and much else is called so."""
_COMMON_SHARES = "data public share shared home homes users backup media ipc$ c$ d$ admin$ print$ netlogon sysvol"
_NOT_SHARES = frozenset(_COMMON_SHARES.split())
_NOT_SERIALS = frozenset(["unknown", "default", "none", "null", "specified", "8250/16550", "driver", "console", "0123456789"])


def is_telling(kind: Kind, word: str) -> bool:
    """Whether a word is worth replacing: not one that half of all hosts have in the same place."""
    bare = word.casefold()
    if (
        len(bare) < 2
        or bare in _NOT_NAMES
        or (kind is Kind.SHARE and bare in _NOT_SHARES)
        or (kind is not Kind.SERIAL and re.fullmatch(r"[\d.:]+", bare))
    ):
        return False
    return kind is not Kind.SERIAL or (len(bare) > 3 and bare not in _NOT_SERIALS and len(set(bare)) > 1)


def find_words(text: str) -> Iterator[tuple[Kind, str]]:
    """Each with what it is; may come more than once."""
    folded = text.casefold()
    for kind, hint, pattern in _TOLD:
        if hint not in folded:
            continue
        for found in pattern.finditer(text):
            if kind is Kind.DOMAIN:
                yield from ((kind, name) for name in _DOMAIN.findall(found[1]) if not _PUBLIC.search(name))
            else:
                yield kind, found[1].strip(" .\"'")
    if _WIFI_PROFILE.search(text):
        yield from ((Kind.SSID, found[1].strip()) for found in _PROFILE_ID.finditer(text))
    if "access-points" in text and not isinstance(node := parse_yaml(text), str):
        yield from ((Kind.SSID, name) for name in _list_access_points(node, 0))


def _list_access_points(node: Node, depth: int) -> Iterator[str]:
    if depth > 8:
        return
    for key, value in node.items():
        if key == "access-points":
            yield from (name for name, _ in value.items())
        else:
            yield from _list_access_points(value, depth + 1)
