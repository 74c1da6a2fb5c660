"""An attacker: another process that exchanges folders and files with links, as fast as it can, until it is killed.

    python exchanging.py FOLDER NAME FOLDER NAME ...      each four: two entries that change places

Folders are held, so that the attacker itself never acts through one of its links.
"""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

EXCHANGE = 2


def exchange(renameat2, folder, name, other_folder, other_name):
    return renameat2(folder, name, other_folder, other_name, EXCHANGE)


def attack(words):
    renameat2 = ctypes.CDLL(None).renameat2
    held = [os.open(word, os.O_RDONLY | os.O_DIRECTORY) for word in words[::2]]
    names = [os.fsencode(word) for word in words[1::2]]
    pairs = list(zip(held[::2], names[::2], held[1::2], names[1::2], strict=True))
    parent = os.getppid()
    print("ready", flush=True)
    while os.getppid() == parent:
        for _ in range(1000):
            for pair in pairs:
                exchange(renameat2, *pair)


@contextmanager
def attacked(pairs) -> Iterator[None]:
    """Let each pair of entries, `(folder, name, folder, name)`, change places while the block runs."""
    words = [str(word) for pair in pairs for word in pair]
    with subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, *words], stdout=subprocess.PIPE, text=True
    ) as attacker:
        try:
            assert attacker.stdout.readline() == "ready\n"
            yield
        finally:
            attacker.kill()


if __name__ == "__main__":
    attack(sys.argv[1:])
