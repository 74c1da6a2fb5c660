"""Texts that try to lead out of a folder: ours, from a grammar, and those of a folder named by the environment.

`AGENTLAB_TRAVERSALS` names a folder with the files `Directory Traversal/Intruder/*.txt` of PayloadsAllTheThings (23,058
lines). They are read where they are, and are no part of this project.
"""

from __future__ import annotations

import itertools
import os
import random
from pathlib import Path

FOLDER = os.environ.get("AGENTLAB_TRAVERSALS", "")

DOTS = (
    "..", "...", "....", ".. ", ". .", " ..", "..;", "..\t", "..%00", "..\x00",
    "%2e%2e", "%252e%252e", "%25252e%25252e", ".%2e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%f0%80%80%ae%f0%80%80%ae",
    "%uff0e%uff0e", "%u002e%u002e", "&#46;&#46;", "\\u002e\\u002e", "0x2e0x2e",
    "\uff0e\uff0e", "\u2024\u2024", "\u2025", "\u3002\u3002", "\ufe52\ufe52", "..\u200d", "\u200b..", "..\u202e", "..\ufeff",
    "\udcc0\udcae\udcc0\udcae", "\xc0\xae\xc0\xae", ".\u0338.", "..\u2028",
)  # fmt: skip
SEPARATORS = (
    "/", "\\", "//", "\\\\", "/./", "\\/", "/\\", "%2f", "%5c", "%252f", "%255c", "%c0%af", "%c1%9c", "%u2215", "%u2216",
    "\uff0f", "\u2215", "\u2044", "\uff3c", "\u29f5", "\u2571", ";/", "/;", "/%00/", "/\x00/", "?/", "#/", "\n/", "\r\n", "/\u200b",
)  # fmt: skip
BEGINNINGS = (
    "", "", "", "/", "//", "///", "./", ".//", "docs/", "docs/a.txt/", "out/", "secret/", "C:", "C:/", "c:\\", "/C:/", "docs/c:/",
    "\\\\host\\share\\", "//host/share/", "//?/C:/", "\\\\.\\", "\\\\?\\", "//./", "file://", "file:///", "~", "~/", "~root/",
    "$HOME/", "${HOME}/", "%SystemRoot%/", "`pwd`/", "/proc/self/root/", "/proc/self/cwd/", "/dev/fd/0/", "x" * 256 + "/",
    "\u00e9" * 128 + "/", "a/" * 2100,
)  # fmt: skip
TARGETS = (
    "secret.txt", "outside/secret.txt", "root_evil/secret.txt", "etc/passwd", "windows/win.ini", "boot.ini", "proc/self/environ",
    "dev/zero", ".agentlab-workspace/trash", "etc/passwd\x00.txt", "etc/passwd%00", "etc/passwd.", "etc/passwd ", "",
)  # fmt: skip
DEVICES = (
    "CON", "con", "Con.txt", "docs/nul", "NUL.tar.gz", "aux.c", "prn ", "COM1", "com9.log", "COM\u00b9", "LPT1:", "lpt\u00b3.x", "CONIN$",
    "conout$.txt", "clock$", "docs/com0", "nul:", "nul .txt", "aux:stream",
)  # fmt: skip
OWN = (
    ".agentlab-workspace", ".agentlab-workspace/writers/x", ".AGENTLAB-WORKSPACE/trash", ".agentlab-workspace-1234", ".Agentlab-Workspace ",
    ".agentlab-work\u200bspace/trash", "\u200c.agentlab-workspace", "\uff0eagentlab-workspace", ".agentlab\uff0dworkspace",
    "docs/.agentlab-workspace-x", ".agentlab-wor\u212aspace",
)  # fmt: skip


def own_traversals(count: int = 300) -> tuple[str, ...]:
    """So many texts, each another, the same on every run: what names a device or the trash, then draws from the grammar."""
    drawn = random.Random(20)
    texts = dict.fromkeys((*DEVICES, *OWN))
    grid = itertools.product(DOTS, SEPARATORS)
    for dots, separator in drawn.sample(list(grid), len(DOTS) * len(SEPARATORS)):
        if len(texts) == count:
            break
        climb = (dots + separator) * drawn.choice((1, 1, 2, 3, 4, 8))
        texts[drawn.choice(BEGINNINGS) + climb + drawn.choice(TARGETS)] = None
    return tuple(texts)


def public_traversals() -> tuple[str, ...]:
    """Every line of the files in the folder that `AGENTLAB_TRAVERSALS` names."""
    lines: list[str] = []
    for path in sorted(Path(FOLDER).glob("*.txt")):
        raw = path.read_bytes().removesuffix(b"\n")
        lines += [line.decode("utf-8", "surrogateescape") for line in raw.split(b"\n")]
    return tuple(lines)
