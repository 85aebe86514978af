"""Prints what is below the folder given, one JSON object a line: the truth that a bag is compared with.

Paths are bytes, so they are printed as base64; regular files are read whole for their SHA-256.
"""

import base64
import hashlib
import json
import os
import stat
import sys

TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symbolic-link",
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}

ROOT = os.fsencode(sys.argv[1])


def sha256(name):
    state = hashlib.sha256()
    with open(name, "rb") as file:
        while chunk := file.read(1 << 20):
            state.update(chunk)
    return state.hexdigest()


def describe(name, path):
    """`name` is relative to the working folder, since a path may be too long for one system call."""
    facts = os.lstat(name)
    kind = TYPES[stat.S_IFMT(facts.st_mode)]
    thing = {
        "path": base64.b64encode(path).decode(),
        "type": kind,
        "size": facts.st_size,
        "mode": "0" + oct(stat.S_IMODE(facts.st_mode))[2:],
        "uid": facts.st_uid,
        "gid": facts.st_gid,
        "mtimeSeconds": facts.st_mtime_ns // 1_000_000_000,
        "inode": str(facts.st_ino),
    }
    if kind == "file":
        thing["sha256"] = sha256(name)
    if kind == "symbolic-link":
        thing["target"] = base64.b64encode(os.readlink(name)).decode()
    print(json.dumps(thing))
    return kind


def walk(path):
    """Everything in the working folder, whose path below ROOT is `path`."""
    for name in sorted(os.listdir(b".")):
        inner = path + b"/" + name if path else name
        if describe(name, inner) == "directory":
            os.chdir(name)
            walk(inner)
            os.chdir(b"..")


sys.setrecursionlimit(10_000)
os.chdir(ROOT)
describe(b".", b"")
walk(b"")
