"""What two other readers make of archives: `tar-peers.py FOLDER COUNT` reads FOLDER/0.tar and on, and prints one JSON list.

For each archive an object: `python` is the list of entries that tarfile reads, `gnu` the same of GNU tar; null where it refuses.
Names are Latin-1, so that each byte is one character. GNU tar gives no hash of one file, so it has one of all contents together.
"""

import codecs
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile

ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ["PATH"]}
LINE = re.compile(rb'(.)\S* \S+ +(\S+) .*? "((?:[^"\\]|\\.)*)"')


def latin(name):
    return os.fsencode(name).decode("latin-1")


def by_python(content):
    entries = []
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
            for entry in archive:
                body = archive.extractfile(entry).read() if entry.isreg() else b""
                entries.append({"name": latin(entry.name), "size": len(body), "sha256": hashlib.sha256(body).hexdigest()})
    except (tarfile.TarError, ValueError, OverflowError, EOFError):
        return None
    return entries


def gnu(path, *words):
    command = ["tar", "--numeric-owner", "--file", path, *words]
    return subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=False)


def by_gnu(path):
    listing = gnu(path, "--list", "--verbose", "--full-time", "--quoting-style=c")
    contents = gnu(path, "--extract", "--to-stdout")
    if listing.returncode != 0 or contents.returncode != 0:
        return None
    entries = []
    for line in listing.stdout.splitlines():
        kind, size, name = LINE.match(line).groups()
        name = codecs.escape_decode(name)[0].decode("latin-1")
        entries.append({"name": name, "size": int(size) if kind in b"-C" else 0})
    return {"entries": entries, "sha256": hashlib.sha256(contents.stdout).hexdigest()}


def main():
    folder, count = sys.argv[1], int(sys.argv[2])
    answers = []
    for number in range(count):
        path = os.path.join(folder, "%d.tar" % number)
        with open(path, "rb") as file:
            content = file.read()
        answers.append({"python": by_python(content), "gnu": by_gnu(path)})
    json.dump(answers, sys.stdout)


main()
