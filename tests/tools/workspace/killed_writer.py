"""Kills writers: for each kill a fresh process that writes one file over and over, or once up to its n-th system call.

    python killed_writer.py random FOLDER KILLS SEED     kills at random moments
    python killed_writer.py sweep FOLDER                 kills before the first, second, third... call of `os` in a write

Prints one JSON line a kill: the moment, the file's content afterwards, the strays, and the strays after opening it anew.
"""

import hashlib
import json
import os
import random
import signal
import sys
import time

from agentlab.tools.workspace import DiskWorkspace

SIZE = 64 * 1024
CALLS = ("open", "write", "fsync", "replace", "fchmod", "fstat", "stat", "close", "unlink", "mkdir")


def content(version):
    """Bytes that tell whether they are whole: a digest before a body that hangs on the version."""
    body = (b"%08d" % version) * (SIZE // 8)
    return hashlib.sha256(body).hexdigest().encode() + body


def is_whole(data):
    return data[:64] == hashlib.sha256(data[64:]).hexdigest().encode() and len(data) == SIZE + 64


def strays(folder):
    return [
        name for _, _, names in os.walk(folder) for name in names if name.startswith(".agentlab-workspace-")
    ]


def write_for_ever(folder):
    workspace = DiskWorkspace(folder)
    version = 0
    while True:
        version += 1
        workspace.write("docs/target", content(version))


def write_up_to(folder, last):
    """Write once, and die before the `last`-th call of `os`; ends well if there are fewer."""
    workspace = DiskWorkspace(folder)
    made = 0

    def counted(real):
        def call(*args, **options):
            nonlocal made
            made += 1
            if made == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **options)

        return call

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    workspace.write("docs/target", content(2))


def state(folder):
    with open(os.path.join(folder, "docs/target"), "rb") as file:
        data = file.read()
    left = len(strays(folder))
    with DiskWorkspace(folder) as workspace:
        shown = [info.path for info in workspace.walk()]
    journals = os.listdir(os.path.join(folder, ".agentlab-workspace/writers"))
    return {
        "is_whole": is_whole(data),
        "version": int(data[64:72]),
        "strays": left,
        "strays_after_opening": len(strays(folder)),
        "journals_after_opening": len(journals),
        "shown": shown,
    }


def killed(folder, work, *, after=None):
    """Run `work` in a process of its own, kill it after so many seconds; gives its state and the folder's."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return {"was_killed": os.WIFSIGNALED(status), **state(folder)}


def main(mode, folder, *rest):
    with DiskWorkspace(folder) as workspace:
        workspace.write("docs/target", content(1))
    if mode == "sweep":
        for last in range(1, 1000):
            report = killed(folder, lambda last=last: write_up_to(folder, last))
            print(json.dumps({"moment": last, **report}), flush=True)
            if not report["was_killed"]:
                return
    kills, seed = int(rest[0]), int(rest[1])
    drawn = random.Random(seed)
    for _ in range(kills):
        moment = drawn.uniform(0.0, 0.03)
        report = killed(folder, lambda: write_for_ever(folder), after=moment)
        print(json.dumps({"moment": moment, **report}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
