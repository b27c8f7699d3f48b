# SPDX-License-Identifier: GPL-2.0-or-later
"""The connection by which the operator came in, and the proof that it goes through the treated card now.

The proof is this: a line is written to the terminal, the other end of that very connection acknowledges at least as many bytes, and packets of the
connection are seen on the card meanwhile, out and in.
"""

import contextlib
import ipaddress
import os
import secrets
import select
import socket
import stat
import time

from nicmedic.host.devices import is_nic
from nicmedic.host.nics import NET
from nicmedic.host.packet_watch import Watch, find_ports, ip_of
from nicmedic.host.present import find_interface
from nicmedic.host.rtnl_asks import find_route_interface
from nicmedic.host.side_by_side import ask_side_by_side
from nicmedic.host.sysfs import Folder
from nicmedic.host.tcp_counters import Connection, list_connections, read_connection
from nicmedic.host.terminals import Login, NoLogin, find_login
from nicmedic.host.uppers import find_above
from nicmedic.model.plan import Identity
from nicmedic.ports.probes import Proof

__all__ = ["find_connection", "find_session_interface", "prove_session"]

_WITHIN_S = 3.0
_MARGIN_S = 1.0
_TURN_S = 0.02
_MARK = "nicmedic: does this line arrive? "


def _hinted(found: list[Connection]) -> Connection:
    """Of several connections of one process, as with forwarded ports: that of SSH_CONNECTION if it holds that, else the oldest."""
    words = os.environ.get("SSH_CONNECTION", "").split()
    for one in found:
        if words == [one.peer, str(one.peer_port), one.local, str(one.local_port)]:
            return one
    return found[0]


def find_connection(number: int) -> tuple[Login, Connection] | NoLogin:
    """Of the login by which a process' terminal came in."""
    login = find_login(number)
    if isinstance(login, NoLogin):
        return login
    try:
        by_inode = {one.inode: one for one in list_connections()}
    except OSError as error:
        return NoLogin(why=f"the kernel does not list its connections (sock_diag): {error.strerror or error}")
    found = [by_inode[inode] for inode in login.sockets if inode in by_inode]
    if not found and login.name.startswith("mosh-server"):
        return NoLogin(why="mosh speaks UDP, of which the kernel does not know what arrived")
    if not found:
        return NoLogin(why=f"{login.name} (process {login.process}) holds no TCP connection of this machine")
    return login, _hinted(found)


def _find_route(connection: Connection) -> str | None:
    """Name of the interface over which its packets leave; None: there is none."""
    peer, local = ipaddress.ip_address(connection.peer), ipaddress.ip_address(connection.local)
    index = find_route_interface(peer, local)
    net = Folder().folder(NET)
    return None if index is None else next((name for name in net.names() if net.number(f"{name}/ifindex") == index), None)


def find_session_interface(number: int) -> str | None:
    """Over which interface the session of a process leaves this host; None: it is not known. May wait for the lock of all networking."""
    found = find_connection(number)
    return None if isinstance(found, NoLogin) else _find_route(found[1])


def _tell_elsewhere(words: str, connection: Connection, card: str) -> Proof:
    """The bytes arrived, but not over the card."""
    interface = _find_route(connection)
    text = f"{words}: its bytes are acknowledged, but its packets do not pass {card}"
    if interface is None or interface in {card, *find_above(card)}:
        return Proof(through=False, detail=text)
    folder = Folder().folder(f"{NET}/{interface}")
    below = any(name.startswith("lower_") for name in folder.names())
    if is_nic(folder) or below:
        return Proof(through=False, detail=f"{text}; they leave over {interface}")
    return Proof(through=None, detail=f"{text}; they leave over {interface}, and what carries that is not known")


def _write(login: Login, out: int | None) -> int:
    """Write a visible line to the terminal, and return its length. Random signs, which a compressing ssh cannot make short."""
    line = f"{_MARK}{secrets.token_hex(16)}\n".encode("ascii")
    if login.has_terminal:
        terminal = os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            return os.write(terminal, line)
        finally:
            os.close(terminal)
    if out is None:
        raise OSError(None, "neither output goes to the session")
    return os.write(out, line)


def _watch_card(stack: contextlib.ExitStack, card: str, connection: Connection) -> Watch | str:
    out_ports = connection.local_port, connection.peer_port

    def is_ours(data: bytes, out: bool) -> bool:  # noqa: FBT001  # as Watch calls it
        return find_ports(data) == (out_ports if out else out_ports[::-1])

    try:
        patterns = ip_of(ipaddress.ip_address(connection.peer), socket.IPPROTO_TCP)
        return stack.enter_context(Watch(card, patterns, is_ours))
    except OSError as error:
        return error.strerror or str(error)


def _await_bytes(connection: Connection, wanted: int, watch: Watch | str) -> Connection | None:
    """The connection when so many bytes have been acknowledged, or when the time is over; None: it ended."""
    until = time.monotonic() + _WITHIN_S
    now: Connection | None = connection
    while now is not None and (now.bytes_acked or 0) < wanted and time.monotonic() < until:
        select.select([] if isinstance(watch, str) or watch.passed else [watch], [], [], _TURN_S)
        if isinstance(watch, Watch):
            watch.read()
        now = read_connection(connection)
    if isinstance(watch, Watch):
        watch.read()
    return now


def _prove(nic: Identity, number: int, out: int | None) -> Proof:
    found = find_connection(number)
    if isinstance(found, NoLogin):
        return Proof(through=False if found.local else None, detail=found.why)
    login, connection = found
    words = f"{login.name} from {connection.peer}"
    card = find_interface(nic)
    if card is None:
        return Proof(through=False, detail=f"{words}: {nic.interface} has no interface now")
    if ipaddress.ip_address(connection.peer).is_loopback:
        return Proof(through=None, detail=f"{words}: it comes from this machine itself, and what hands it on is not known")
    with contextlib.ExitStack() as stack:
        watch = _watch_card(stack, card, connection)
        before = read_connection(connection)
        if before is None:
            return Proof(through=False, detail=f"{words}: the connection has ended")
        if before.bytes_acked is None:
            return Proof(through=None, detail=f"{words}: this kernel does not count acknowledged bytes (since Linux 4.1)")
        length = _write(login, out)
        wanted = before.bytes_acked + before.waiting_bytes + length
        after = _await_bytes(before, wanted, watch)
    if after is None:
        return Proof(through=False, detail=f"{words}: the connection has ended")
    if (after.bytes_acked or 0) < wanted:
        return Proof(through=False, detail=f"{words}: {length} bytes were written, and not acknowledged within {_WITHIN_S:g} s")
    if isinstance(watch, str):
        return Proof(through=None, detail=f"{words}: bytes are acknowledged, but packets on {card} cannot be watched: {watch}")
    if not watch.passed:
        return _tell_elsewhere(words, after, card)
    return Proof(through=True, detail=f"{words} over {card}: {(after.bytes_acked or 0) - before.bytes_acked} bytes were acknowledged")


def _find_output() -> int | None:
    """A copy of what this process writes to, if that may lead to an sshd: a pipe or a socket. The caller closes it."""
    for handle in (2, 1):
        try:
            mode = os.fstat(handle).st_mode
        except OSError:
            continue
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            return os.dup(handle)
    return None


_THROUGH = {"yes": True, "no": False, "unknown": None}


def prove_session(nic: Identity) -> Proof:
    """``nicmedic.ports.probes.Prober.prove_session``. In a child: a terminal, and a driver, may keep who asks for ever."""
    number, out = os.getpid(), _find_output()

    def prove() -> str:
        proof = _prove(nic, number, out)
        return next(word for word, through in _THROUGH.items() if through is proof.through) + " " + proof.detail

    try:
        (said,) = ask_side_by_side([prove], _WITHIN_S + _MARGIN_S, () if out is None else (out,))
    finally:
        if out is not None:
            os.close(out)
    if isinstance(said, OSError):
        return Proof(through=None, detail=f"whose session this is could not be found out: {said.strerror}")
    word, _, detail = said.partition(" ")
    return Proof(through=_THROUGH[word], detail=detail)
