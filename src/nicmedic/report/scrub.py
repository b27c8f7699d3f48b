# SPDX-License-Identifier: GPL-2.0-or-later
"""Replace what tells whose host it is: addresses, names of hosts and users, serial numbers, UUIDs, names of wireless networks, keys.

The same original gets the same replacement in all texts that one ``Scrubber`` sees, so that what belongs together can still be told. Hardware
addresses keep their maker; IP addresses of one network stay in one network, now one of documentation (RFC 5737, RFC 3849; when those are used up,
RFC 2544 and 240/4). Kept is what tells nothing: loopback, link-local without a hardware address in it, multicast, netmasks.
First learn from all texts, since a name may be told by one and stand bare in another; then scrub each.
A name that nothing calls a name cannot be known to be one: hand in those that you know.
"""

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping

from nicmedic.persist.secrets import WITHHELD, withhold_secrets
from nicmedic.report.scrub_words import Kind, find_words, is_telling

__all__ = ["SCHEMA", "Kind", "Scrubber"]

SCHEMA = "nicmedic.scrub/1"
_H = "[0-9A-Fa-f]"
_PATTERN = re.compile(
    rf"""
     (?P<mac>(?:(?<![0-9A-Za-z:-])|(?<=[g-z]\d:)){_H}{{2}}(?P<mark>[:-]){_H}{{2}}(?:(?P=mark){_H}{{2}}){{4,30}}(?![0-9A-Za-z:]|-{_H}{{2}}(?![0-9A-Za-z])))
    |(?P<dotted>(?<![\w.]){_H}{{4}}\.{_H}{{4}}\.{_H}{{4}}(?![\w.]))
    |(?P<uuid>(?<![0-9A-Za-z]){_H}{{8}}-?{_H}{{4}}-?{_H}{{4}}-?{_H}{{4}}-?{_H}{{12}}(?![0-9A-Za-z]))
    |(?P<ipv6>(?<![\w:.])(?:{_H}{{0,4}}:){{2,7}}(?:(?:\d{{1,3}}\.){{3}}\d{{1,3}}|{_H}{{1,4}})?(?![\w:]))
    |(?P<ipv4>(?<![\d.])(?<![A-Za-z])(?<![A-Za-z~]-)\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?!\d|\.\d|-[A-Za-z]|[~+]))
    |(?P<key>(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{{43}}=(?![A-Za-z0-9+/=]))
    |(?P<email>(?<![\w.+-])[A-Za-z0-9][\w.+-]{{0,63}}@[A-Za-z0-9][A-Za-z0-9-]{{0,63}}(?:\.[A-Za-z0-9-]{{1,63}}){{1,8}})
    |(?P<embedded>(?:(?<=enx|wlx|wwx)|(?<=lladdr=)|(?<=ksdevice=)|(?<=clientid=)){_H}{{12}}(?!{_H}))
    """,
    re.VERBOSE,
)
"""Candidates: each is looked at again where it is replaced."""
_TOKEN = re.compile(r"\\.|[\w+/=@.:~-]{3,}")
"""An escape of JSON or C, or what may hold a candidate. A log has few that differ, so each is looked at once: ten times faster."""
_MOST_TOKENS = 200_000
_NO_EMAIL = re.compile(
    r"\.(?:service|socket|timer|scope|slice|mount|device|target|path|swap|conf|link|network|journal)\Z"
    r"|@(?:[\w.-]+\.)?(?:debian|kernel|archlinux|alpinelinux|fedoraproject|centos|openwrt|opensuse|gentoo|nixos|raspberrypi|xenproject)\.\w+\Z"
    r"|@(?:[\w.-]+\.)?(?:redhat|ubuntu|canonical|suse|proxmox|oracle|amazon|citrix|intel|amd)\.\w+\Z"
)
"""Units of systemd; who built the kernel, and its authors."""
_BYTES_MESSAGE = re.compile(r"\"(?:MESSAGE|_HOSTNAME)\"\s*:\s*\[")
"""journalctl writes text that is no UTF-8 as a list of numbers."""
_FIRST_MAC = 0xA00001
_MARKED_MAC = re.compile(rf"(?<![0-9A-Za-z:.-]){_H}{{2}}([:-]){_H}{{2}}(?:\1{_H}{{2}}){{4}}(?![0-9A-Za-z:-])")
_BARE_MAC = re.compile(rf"(?<!{_H}){_H}{{12}}(?!{_H})")
_OCTETS = re.compile(rf"(?<=ll header: 00000000: ){_H}{{2}}(?: {_H}{{2}}){{13,15}}(?![0-9A-Za-z])")
"""``print_hex_dump(KERN_WARNING, "ll header: ", DUMP_PREFIX_OFFSET, 16, 1, …)`` of ip_handle_martian_source (net/ipv4/route.c of Linux 6.1)."""
_VERSION = re.compile(r"(?<![A-Za-z])(?:version|firmware|fw|nvm|pkg|driver)[\"']?(?: ?[:=] ?| )\Z", re.IGNORECASE)
"""What stands before four numbers that are no address."""
_UPSTREAM = re.compile(r"(?<![\w.])(?:\d+:)?\d+\.\d+(?:\.\d+)?-\Z")
_JOINED = {Kind.HOST: 2, Kind.SERIAL: 6}
"""What may stand beside an underscore, if it has so many letters and a digit or a hyphen among them."""
_NO_KEY = "| "
"""Before a line, no key of a configuration begins it."""
_WELL_KNOWN = re.compile(
    r"(?:kern|messages|syslog|dmesg|boot|dpkg|history|term|dnf|dnf\.rpm|yum|pacman|apk|journal|journalctl-kernel|ring-buffer|wtmp|zypp|xl-dmesg)"
    r"(?:[.-](?:log|kmsg|json|txt|\d{1,8}))*(?:\.(?:gz|xz|bz2|zst))?"
)
"""Names of logs as distributions and a snapshot have them."""


class Scrubber:
    """Replaces consistently over many texts, and keeps the map."""

    def __init__(self, known: Mapping[Kind, Iterable[str]] | None = None) -> None:
        """``known``: names that are known from elsewhere: this host's, its users', serial numbers; hardware addresses, also without marks."""
        self._map: dict[tuple[Kind, str], tuple[str, str]] = {}
        self._counts: dict[Kind, int] = {}
        self._networks: dict[tuple[Kind, str], int] = {}
        self._network_counts: dict[Kind, int] = {}
        self._words: dict[str, Kind] = {}
        self._tokens: dict[str, str | None] = {}
        self._macs: set[str] = set()
        for kind, words in (known or {}).items():
            for word in words:
                self._learn(kind, word)

    def learn(self, text: str) -> None:
        """Take up what a text calls a name, a serial number or a wireless network, and the hardware addresses, which may stand elsewhere bare."""
        for kind, word in find_words(text):
            self._learn(kind, word)
        for found in _MARKED_MAC.finditer(text):
            self._learn(Kind.MAC, found[0])

    def _learn(self, kind: Kind, word: str) -> None:
        if kind is Kind.MAC:
            digits = re.sub(r"[^0-9a-f]", "", word.casefold())
            if len(digits) == 12 and digits.strip("0"):
                self._macs.add(digits)
            return
        if not is_telling(kind, word):
            return
        self._words.setdefault(word.casefold(), kind)
        if kind is Kind.HOST and "-" in word:  # as LVM writes it in /dev/mapper
            self._words.setdefault(word.casefold().replace("-", "--"), kind)
        if kind is Kind.HOST and "." in word:
            short, _, domain = word.partition(".")
            self._learn(Kind.HOST, short)
            if "." in domain:
                self._learn(Kind.DOMAIN, domain)

    def scrub(self, text: str) -> str:
        """The same text with everything replaced that is known or looks like it, and secrets withheld."""
        if _BYTES_MESSAGE.search(text):
            text = "\n".join(line for line in text.split("\n") if not _BYTES_MESSAGE.search(line))
        return self.scrub_name(withhold_secrets(text))

    def scrub_prose(self, text: str) -> str:
        """The same for lines of a log and for sentences, which may begin with such a word as "Key" and yet hold none. No line is left out."""
        lines = (WITHHELD if _BYTES_MESSAGE.search(line) else line for line in text.split("\n"))
        held = withhold_secrets("\n".join(f"{_NO_KEY}{line}" for line in lines))
        return self.scrub_name("\n".join(line.removeprefix(_NO_KEY) for line in held.split("\n")))

    def scrub_name(self, name: str) -> str:
        """The same for the name of a file."""
        replaced = _TOKEN.sub(self._replace_token, name)
        if self._macs:
            replaced = _BARE_MAC.sub(lambda found: self._replace_mac(found[0]) if found[0].casefold() in self._macs else found[0], replaced)
        replaced = _OCTETS.sub(self._replace_octets, replaced)
        return self.scrub_names(replaced)

    def name_file(self, path: str) -> str:
        """What a file whose name somebody chose is called: a log of a well-known name by that, any other by a number."""
        base = path.rstrip("/").rpartition("/")[2]
        if _WELL_KNOWN.fullmatch(base):
            return base
        return self._keep(Kind.FILE, path, f"{Kind.FILE}{self._number(Kind.FILE, path)}")

    def render_map(self) -> str:
        """What was replaced by what, as JSON. It undoes all of the work: it stays with its owner."""
        rows = [{"kind": kind, "original": original, "replacement": new} for (kind, _), (original, new) in self._map.items()]
        return json.dumps({"schema": SCHEMA, "replaced": rows}, indent=1, ensure_ascii=True) + "\n"

    def scrub_names(self, text: str) -> str:
        """Only what is known by name, such as a host: four numbers are no address where versions stand."""
        folded = text.casefold()
        there = sorted((word for word in self._words if word in folded), key=lambda word: (-len(word), word))
        if not there:
            return text
        return re.sub("|".join(map(re.escape, there)), self._replace_found, text, flags=re.IGNORECASE)

    def _replace_found(self, found: re.Match[str]) -> str:
        """A word that stands alone: between anything but letters, digits and underscores, or behind an escape.

        The name of a host that no word of the kernel looks like may have underscores beside it, and so may a serial number: ``centos_nas7-root``.
        """
        text, begin, end = found.string, found.start(), found.end()
        least = _JOINED.get(self._words.get(found[0].casefold(), Kind.USER))
        joins = least is not None and len(found[0]) >= least and re.search(r"[\d-]", found[0]) is not None
        before, after = text[begin - 1 : begin], text[end : end + 1]
        alone = not (before.isalnum() or (before == "_" and not joins)) or text[max(0, begin - 2) : begin] in ("\\n", "\\r", "\\t")
        return self._replace_word(found[0]) if alone and not (after.isalnum() or (after == "_" and not joins)) else found[0]

    def _replace_token(self, found: re.Match[str]) -> str:
        token = found[0]
        new = self._tokens.get(token, "")
        if new == "":
            replaced = _PATTERN.sub(self._replace, token)
            new = None if replaced != token and token[0].isdigit() and token.count(".") == 3 else replaced
            if len(self._tokens) < _MOST_TOKENS:
                self._tokens[token] = new
        if new is None:  # four numbers: an address, or the version of a kernel before 3.0
            version = _VERSION.search(found.string[max(0, found.start() - 32) : found.start()]) is not None
            return token if version else _PATTERN.sub(self._replace, token)
        return new

    def _replace_word(self, word: str) -> str:
        kind = self._words.get(word.casefold())
        if kind is None:  # letters whose case folds in more than one way
            return word
        if kind is Kind.HOST and "." in word:
            return self._keep(kind, word, f"{self._replace_word(word.split('.', 1)[0])}.example")
        if kind is Kind.HOST and "--" in word and self._words.get(word.casefold().replace("--", "-")) is kind:
            return self._replace_word(word.replace("--", "-"))
        number = self._number(kind, word)
        return self._keep(kind, word, f"{kind}{number}.example" if kind is Kind.DOMAIN else f"{kind}{number}")

    def _keep(self, kind: Kind, original: str, new: str) -> str:
        return self._map.setdefault((kind, original.casefold()), (original, new))[1]

    def _number(self, kind: Kind, original: str) -> int:
        """The next number of a kind; not taken again for what is already known."""
        if (kind, original.casefold()) not in self._map:
            self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]

    def _replace(self, found: re.Match[str]) -> str:
        text = found[0]
        kind = found.lastgroup
        if kind in ("mac", "mark", "dotted", "embedded"):
            return self._replace_mac(text)
        if kind == "uuid":
            return self._replace_uuid(text)
        if kind == "ipv4":
            return text if self._is_version(found) else self._replace_ipv4(text)
        if kind == "ipv6":
            return self._replace_ipv6(text)
        if kind == "key":
            return self._keep(Kind.KEY, text, f"<key{self._number(Kind.KEY, text)}>")
        if _NO_EMAIL.search(text):
            return text
        return self._keep(Kind.EMAIL, text, f"user@mail{self._number(Kind.EMAIL, text)}.example")

    def _replace_mac(self, text: str) -> str:
        """Each digit's place keeps its case and marks; a longer one (InfiniBand, EUI-64, WWN) loses all behind the maker."""
        digits = re.sub(r"[^0-9a-f]", "", text.lower())
        if len(digits) == 14 and digits.startswith("01"):  # BOOTIF=01-…: the type of hardware stands before the address
            return text[:3] + self._replace_mac(text[3:])
        if set(digits) <= {"0"} or set(digits) <= {"f"} or (len(digits) == 12 and int(digits[1], 16) & 1):
            return text
        new = self._mac_digits(digits)
        left = iter(new.upper() if re.search("[A-F]", text) else new)
        return re.sub(_H, lambda _: next(left), text)

    def _mac_digits(self, digits: str) -> str:
        number = self._number(Kind.MAC, digits) + _FIRST_MAC
        tail = f"{number:06x}"
        if digits.endswith(tail):
            self._counts[Kind.MAC] += 1
            tail = f"{number + 1:06x}"
        return self._keep(Kind.MAC, digits, digits[:6] + tail.rjust(len(digits) - 6, "0"))

    @staticmethod
    def _is_version(found: re.Match[str]) -> bool:
        """Four numbers in the version of a package: behind another version, or of a kernel before 3.0 with a revision."""
        behind = _UPSTREAM.search(found.string[max(0, found.start() - 48) : found.start()]) is not None
        return behind or (found[0].startswith("2.6.") and found.string[found.end() : found.end() + 1] == "-")

    def _replace_octets(self, found: re.Match[str]) -> str:
        """The header of a frame, in hex: the address that it goes to, and that it is from."""
        octets = found[0].split()
        told = [self._replace_mac(":".join(octets[at : at + 6])).replace(":", " ") for at in (0, 6)]
        return " ".join([*told, *octets[12:]])

    def _replace_uuid(self, text: str) -> str:
        digits = text.replace("-", "").lower()
        if len(set(digits)) < 3:
            return text
        number = self._number(Kind.UUID, digits)
        new = self._keep(Kind.UUID, digits, f"{number:08x}00004000800{number:013x}")
        left = iter(new)
        return re.sub(_H, lambda _: next(left), text)

    def _replace_ipv4(self, text: str) -> str:
        parts = [int(part) for part in text.split(".")]
        if max(parts) > 255 or parts[0] in (0, 127, 255) or 224 <= parts[0] < 240 or parts[:2] == [169, 254]:
            return text
        network = ".".join(map(str, parts[:3]))
        new = _network_of_documentation(self._network(Kind.IPV4, network))
        if new == network:
            del self._networks[Kind.IPV4, network]
            new = _network_of_documentation(self._network(Kind.IPV4, network))
        return self._keep(Kind.IPV4, text, f"{new}.{parts[3]}")

    def _network(self, kind: Kind, network: str) -> int:
        if (kind, network) not in self._networks:
            self._networks[kind, network] = self._network_counts.get(kind, 0)
            self._network_counts[kind] = self._networks[kind, network] + 1
        return self._networks[kind, network]

    def _replace_ipv6(self, text: str) -> str:
        try:
            address = ipaddress.IPv6Address(text)
        except ValueError:
            return text
        if address.ipv4_mapped is not None:
            return f"::ffff:{self._replace_ipv4(str(address.ipv4_mapped))}"
        host = address.packed[8:]
        local = address.is_link_local or address.is_multicast
        if address.is_loopback or address.is_unspecified:
            return text
        if address.is_multicast:  # solicited-node addresses end like the address that is sought
            return text if not text.lower().startswith("ff02::1:ff") else "ff02::1:ff00:0"
        if host[3:5] == b"\xff\xfe":
            digits = self._mac_digits(bytes([host[0] ^ 2, host[1], host[2], *host[5:]]).hex())
            mac = bytes.fromhex(digits)
            new_host = bytes([mac[0] ^ 2, mac[1], mac[2], 0xFF, 0xFE, *mac[3:]])
        elif local:
            return text
        else:
            new_host = (0 if not any(host) else self._number(Kind.IPV6, str(address))).to_bytes(8, "big")
        number = self._network(Kind.IPV6, address.packed[:8].hex())
        prefix = address.packed[:8] if local else bytes.fromhex(f"20010db8{number % (1 << 32):08x}")
        return self._keep(Kind.IPV6, str(address), str(ipaddress.IPv6Address(prefix + new_host)))


def _network_of_documentation(number: int) -> str:
    """The first three octets.

    >>> [_network_of_documentation(number) for number in (0, 2, 3, 515)]
    ['192.0.2', '203.0.113', '198.18.0', '240.0.0']
    """
    if number < 3:
        return ("192.0.2", "198.51.100", "203.0.113")[number]
    number -= 3
    if number < 512:
        return f"198.{18 + number // 256}.{number % 256}"
    number -= 512
    return f"{240 + number // 65536 % 15}.{number // 256 % 256}.{number % 256}"
