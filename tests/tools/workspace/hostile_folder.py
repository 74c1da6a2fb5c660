"""Runs every verb on every entry of a hostile folder, in a process of its own whose memory can be told.

python hostile_folder.py FOLDER ENTRIES          prints one JSON line: seconds of each call, growth of memory, outcomes
"""

import contextlib
import json
import os
import socket
import sys
import time

from agentlab.errors import WorkspaceError
from agentlab.tools.workspace import DiskWorkspace

SPARSE_BYTES = 10 * 1024**3
MOST_BYTES = 1024 * 1024


def make(folder, entries):
    """Everything that could make a reader hang, loop or fill the memory; gives what could be made."""
    inside = {
        name: os.path.join(folder, name) for name in ("pipe", "sparse", "zero", "tty", "random", "socket")
    }
    os.mkfifo(inside["pipe"])
    with open(inside["sparse"], "wb") as sparse:
        sparse.truncate(SPARSE_BYTES)
    with contextlib.suppress(OSError):  # only root may make devices
        os.mknod(inside["zero"], 0o20666, os.makedev(1, 5))
        os.mknod(inside["random"], 0o20666, os.makedev(1, 8))
        os.mknod(inside["tty"], 0o20666, os.makedev(5, 0))
    here = os.getcwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket")
        links = {
            "to-zero": "/dev/zero",
            "to-environ": "/proc/self/environ",
            "to-root": "/proc/self/root",
            "to-fd": "/proc/self/fd/0",
            "to-kmsg": "/proc/kmsg",
            "loop": "loop",
            "ping": "pong",
            "pong": "ping",
            "here": ".",
            "above": "..",
            "nowhere": "no/such/place",
        }
        for name, target in links.items():
            os.symlink(target, name)
        os.mkdir("many")
        for number in range(entries):
            os.close(os.open(f"many/{number:07d}", os.O_CREAT | os.O_WRONLY))
        os.mkdir("names")
        for name in (
            b"caf\xe9",
            b"bell\x07",
            b"back\\slash",
            b"new\nline",
            b"\xff" * 250,
            b"nul.txt",
            b"...",
        ):
            os.close(os.open(b"names/" + name, os.O_CREAT | os.O_WRONLY))
        os.mkdir(b"names/folder\xff")
        deep = "deep"
        for _ in range(200):
            os.mkdir(deep)
            deep += "/d"
    finally:
        os.chdir(here)
    return sorted(os.listdir(folder))


def calls(workspace, name, seconds):
    yield "info", lambda: workspace.info(name)
    yield "children", lambda: workspace.children(name, 50)
    yield "walk", lambda: walked(workspace, name, seconds)
    yield "read", lambda: len(workspace.read(name, MOST_BYTES).data)
    yield "read below", lambda: workspace.read(f"{name}/etc/passwd", MOST_BYTES)
    yield "write", lambda: workspace.write(name, b"x", "0" * 64)
    yield "write below", lambda: workspace.write(f"{name}/0000001", b"x")
    yield "touch", lambda: workspace.touch(name)
    yield "make_folder", lambda: workspace.make_folder(f"{name}/new")
    yield "move", lambda: workspace.move(workspace.move(name, "moved").path, name)
    yield "remove", lambda: workspace.restore(workspace.remove(name).id)


def walked(workspace, name, seconds):
    """Go through a folder to the end, and keep the longest time between two entries; gives how many there were."""
    count, longest, last = 0, 0.0, time.perf_counter()
    for _ in workspace.walk(name):
        now = time.perf_counter()
        longest, count, last = max(longest, now - last), count + 1, now
    seconds[f"one step of a walk of {name}"] = longest
    return count


def listed(workspace):
    start = time.perf_counter()
    workspace.children("many", 50)
    return time.perf_counter() - start


def megabytes():
    """The most memory this process ever held; `ru_maxrss` would begin with what the process that started it held."""
    with open("/proc/self/status") as status:
        (line,) = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main(folder, entries):
    names = make(folder, int(entries))
    seconds, outcomes = {}, {}
    with DiskWorkspace(folder) as workspace:
        workspace.write("first", b"x")  # the journal is made, the trash is
        workspace.remove("first")
        shown = [info.path for info in workspace.walk("names")]
        before = megabytes()
        for name in ["", *names]:
            for verb, call in calls(workspace, name, seconds):
                start = time.perf_counter()
                try:
                    answer = call()
                    outcomes[f"{verb} {name}"] = answer if verb in {"walk", "read"} else "done"
                except WorkspaceError as error:
                    outcomes[f"{verb} {name}"] = str(error)
                if verb != "walk":
                    seconds[f"{verb} {name}"] = time.perf_counter() - start
        # A neighbour may hold the processor; what hangs hangs every time.
        seconds["children many"] = min(seconds["children many"], *(listed(workspace) for _ in range(4)))
        many = workspace.children("many", 50)
        report = {
            "slowest": sorted(((took, what) for what, took in seconds.items()), reverse=True)[:5],
            "growth_megabytes": megabytes() - before,
            "outcomes": outcomes,
            "many": [len(many.entries), many.left, many.is_complete],
            "names": shown,
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
