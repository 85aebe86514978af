"""Validates a BagIt bag by RFC 8493, sharing nothing with the product: `bagit.py FOLDER` prints each fault on a line of its own.

It is the fallback for the Library of Congress's bagit module where that is absent, a reader in another language than the
product's; where the module is installed, both judge (bagit.ts).

Exit code 0: valid. 1: not. It asks for one thing more than the RFC: that the tag manifest names every other tag file.
Names are compared as bytes, as the file system has them.
"""

import hashlib
import os
import re
import stat
import sys

ALGORITHMS = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}


def file_names(root):
    """The relative path (bytes) of every file below root, and a fault for everything that is neither file nor folder."""
    files, faults = set(), []
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if stat.S_ISREG(mode):
                files.add(os.path.relpath(path, root))
            elif not stat.S_ISDIR(mode):
                faults.append("%r is neither a file nor a folder" % os.path.relpath(path, root))
    return files, faults


def digest(path, algorithm):
    state = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            state.update(chunk)
    return state.hexdigest()


def lines_of(content):
    """Lines end with LF, CR or CRLF."""
    return [line for line in re.split(b"\r\n|\r|\n", content) if line]


def decode_path(path):
    """Section 2.1.3: in a manifest only CR, LF and '%' itself are written as %0D, %0A and %25."""
    return re.sub(b"%(0[DdAa]|25)", lambda found: bytes([int(found[1], 16)]), path)


def is_safe(path):
    segments = path.split(b"/")
    return path != b"" and not any(segment in (b"", b".", b"..") for segment in segments) and not path.startswith(b"~")


def read_manifest(root, name, faults):
    """Path -> checksum of one manifest."""
    entries = {}
    with open(os.path.join(root, name), "rb") as file:
        content = file.read()
    for line in lines_of(content):
        parts = re.fullmatch(rb"([0-9A-Fa-f]+)[ \t]+(.+)", line, re.DOTALL)
        if parts is None:
            faults.append("%r: not a manifest line: %r" % (name, line))
            continue
        written = parts[2]
        if re.search(b"%(?!0[DdAa]|25)", written):
            faults.append("%r: a bare '%%' in %r" % (name, written))
        path = decode_path(written)
        try:
            path.decode("utf-8")
        except UnicodeDecodeError:
            faults.append("%r: %r is not UTF-8" % (name, path))
        if not is_safe(path):
            faults.append("%r: %r leads out of the bag or is not plain" % (name, path))
            continue
        if path in entries:
            faults.append("%r: %r is named twice" % (name, path))
        entries[path] = parts[1].decode().lower()
    return entries


def check_checksums(root, name, algorithm, entries, files, faults):
    for path, expected in sorted(entries.items()):
        if path not in files:
            faults.append("%r: %r is not in the bag" % (name, path))
            continue
        found = digest(os.path.join(root, path), algorithm)
        if found != expected:
            faults.append("%r: %r has the checksum %s, not %s" % (name, path, found, expected))


def check_declaration(root, faults):
    with open(os.path.join(root, b"bagit.txt"), "rb") as file:
        content = file.read()
    if not re.fullmatch(rb"BagIt-Version: 1\.0(\r\n|\r|\n)Tag-File-Character-Encoding: UTF-8(\r\n|\r|\n)?", content):
        faults.append("bagit.txt is not the declaration of a BagIt 1.0 bag in UTF-8: %r" % content)


def check_bag_info(root, octets, streams, faults):
    with open(os.path.join(root, b"bag-info.txt"), "rb") as file:
        text = file.read().decode("utf-8")
    labels = []
    for line in re.split("\r\n|\r|\n", text):
        if line[:1] in (" ", "\t") and labels:
            labels[-1] = (labels[-1][0], labels[-1][1] + line)
        elif line:
            label, colon, value = line.partition(":")
            if not colon or label != label.strip() or not value.startswith((" ", "\t")):
                faults.append("bag-info.txt: not a label: %r" % line)
            labels.append((label, value.strip()))
    sums = [value for label, value in labels if label.lower() == "payload-oxum"]
    if sums != ["%d.%d" % (octets, streams)]:
        faults.append("bag-info.txt: Payload-Oxum is %s; the payload is %d.%d" % (sums, octets, streams))
    dates = [value for label, value in labels if label.lower() == "bagging-date"]
    if any(not re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates) or len(dates) > 1:
        faults.append("bag-info.txt: Bagging-Date is %s" % dates)


def validate(root):
    files, faults = file_names(root)
    if not os.path.isdir(os.path.join(root, b"data")):
        faults.append("there is no folder data/")
    if b"bagit.txt" not in files:
        return faults + ["there is no bagit.txt: this is no bag"]
    check_declaration(root, faults)
    if b"fetch.txt" in files:
        faults.append("fetch.txt: parts of the bag are elsewhere")

    payload = {path for path in files if path.startswith(b"data/")}
    tags = files - payload
    manifests = 0
    for name in sorted(tags):
        parts = re.fullmatch(rb"(tag)?manifest-([a-z0-9]+)\.txt", name)
        if parts is None:
            continue
        algorithm = parts[2].decode()
        if algorithm not in ALGORITHMS:
            faults.append("%r: unknown algorithm" % name)
            continue
        entries = read_manifest(root, name, faults)
        check_checksums(root, name, algorithm, entries, files, faults)
        if parts[1]:
            wanted = {tag for tag in tags if not re.fullmatch(rb"tagmanifest-[a-z0-9]+\.txt", tag)}
        else:
            manifests += 1
            wanted = payload
        faults += ["%r does not name %r" % (name, path) for path in sorted(wanted - entries.keys())]
        faults += ["%r must not name %r" % (name, path) for path in sorted(entries.keys() & files - wanted)]
    if manifests == 0:
        faults.append("there is no payload manifest")

    if b"bag-info.txt" in files:
        octets = sum(os.path.getsize(os.path.join(root, path)) for path in payload)
        check_bag_info(root, octets, len(payload), faults)
    return faults


if __name__ == "__main__":
    found = validate(os.fsencode(sys.argv[1]))
    for fault in found:
        print(fault)
    sys.exit(1 if found else 0)
