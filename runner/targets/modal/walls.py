"""Walls around a strange process, of what Linux gives every user. Each is there as far as the system has it.

    Landlock           it reads system libraries, certificates and this Python, writes into its own folder, and cannot
                       signal a process outside, or read its environment or memory
    a mount namespace  in which Flowberth's data folder has nothing but its own folder: no socket of the database

Nothing keeps it from using the network: it is there to speak to Modal. Sources: linux/landlock.h, landlock(7),
user_namespaces(7). Imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of system calls; the same on all architectures, as of all that are so new."""
_GIVE_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVILEGES = 38
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL = 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
_RIGHTS_BY_VERSION = ((5, 16), (3, 15), (2, 14), (1, 13))
"""From this version of Landlock on, so many rights can be taken away."""
_SCOPES_VERSION = 6
_SCOPES = 3
"""Abstract sockets and signals."""

READABLE = (
    *(
        "/usr",
        "/lib",
        "/lib64",
        "/bin",
        "/sbin",
        "/opt",
        "/nix/store",
        "/proc",
        "/dev/urandom",
        "/dev/random",
        "/dev/zero",
    ),
    *("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types"),
    *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services"),
    *("/etc/passwd", "/etc/group", "/etc/protocols", "/run/systemd/resolve"),
)


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


_libc = ctypes.CDLL(None, use_errno=True)


def stand_behind_walls(own: Path, hidden: Path) -> None:
    """Put this process, which has one thread, and all that come from it behind what walls there are.

    Args:
        own: its folder, which it may change; inside `hidden`.
        hidden: a folder that nothing else of is seen.
    """
    if sys.platform != "linux":
        return
    try:
        _own_mounts(hidden)
    except OSError:  # not for every user everywhere
        pass
    else:
        _hide(own, hidden)
    with contextlib.suppress(OSError):  # a kernel before 5.13, or one without it
        _wall_in(own)


def _own_mounts(hidden: Path) -> None:
    """Be somebody who may mount what nobody else sees."""
    user, group = os.geteuid(), os.getegid()
    _checked(_libc.unshare(_NEW_USER | _NEW_MOUNTS))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _mount("none", "/", None, _RECURSIVE | _PRIVATE)
    _mount(str(hidden), str(hidden), None, _BIND)  # whether it may: some systems forbid it here, and not before


def _hide(own: Path, hidden: Path) -> None:
    inside = os.open(own, os.O_PATH | os.O_DIRECTORY)  # still to be found once the folder above it is covered
    _mount("tmpfs", str(hidden), "tmpfs", 0, "mode=700,size=1m")
    own.mkdir(parents=True)
    _mount(f"/proc/self/fd/{inside}", str(own), None, _BIND)
    os.close(inside)
    os.chdir(own)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    encoded = (None if text is None else text.encode() for text in (source, target, kind))
    _checked(_libc.mount(*encoded, ctypes.c_ulong(flags), None if options is None else options.encode()))


def _wall_in(own: Path) -> None:
    version = _checked(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _GIVE_VERSION))
    rights = (1 << next(count for since, count in _RIGHTS_BY_VERSION if version >= since)) - 1
    scoped = version >= _SCOPES_VERSION
    rules = _Rules(files=rights, network=0, scopes=_SCOPES if scoped else 0)
    size = ctypes.sizeof(_Rules) if scoped else ctypes.sizeof(ctypes.c_uint64)
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0))
    package = Path(__file__).parents[2]
    certificates = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    for place in (*READABLE, sys.prefix, sys.base_prefix, str(package), *certificates):
        if place:
            _allow(ruleset, place, _READ & rights)
    _allow(ruleset, str(package.parent), _READ_DIR)  # to find the package in it
    _allow(ruleset, "/dev/null", (_READ_FILE | _WRITE_FILE) & rights)
    _allow(ruleset, str(own), rights)
    _checked(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _checked(_libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, place: str, rights: int) -> None:
    try:
        parent = os.open(place, os.O_PATH)
    except OSError:  # not on every system
        return
    try:
        allowed = rights if Path(place).is_dir() else rights & _OF_FILES
        beneath = _Beneath(allowed=allowed, parent=parent)
        _checked(_libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(beneath), 0))
    finally:
        os.close(parent)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
