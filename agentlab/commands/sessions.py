"""`agentlab sessions`: the conversations that are kept: list, show, search, branch, compare, write out, read in."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from agentlab.commands.chat import add_session_options, chat_in_session
from agentlab.commands.parser import Commands
from agentlab.commands.session_rows import (
    BRANCH_HEADINGS,
    HIT_HEADINGS,
    SESSION_HEADINGS,
    branch_rows,
    hit_rows,
    print_safe_table,
    session_rows,
)
from agentlab.commands.table import print_json
from agentlab.errors import UsageError
from agentlab.plain_text import terminal_safe
from agentlab.sessions import SessionStore, compare_branches
from agentlab.sessions.exporting import markdown_text

__all__ = ["add_sessions"]

_MOST_HITS = 100


def add_sessions(commands: Commands) -> None:
    """Add the commands to the parser."""
    sessions = commands.add_parser(
        "sessions",
        help="list, show, search, branch, compare, export and import the conversations that are kept",
    )
    sessions.add_argument(
        "--folder",
        type=Path,
        help="where they are kept; AGENTLAB_SESSIONS, or the system's place, where not given",
    )
    verbs = sessions.add_subparsers(title="commands", required=True)
    _add_reading(verbs)
    _add_changing(verbs)


def _add_reading(verbs: Commands) -> None:
    listed = _verb(verbs, "list", "list the sessions, the one changed last first", _list, names_one=False)
    listed.add_argument("--tag", help="only those with this tag")
    listed.add_argument("--deleted", action="store_true", help="list what `restore` can take back")
    listed.add_argument("--json", action="store_true", help="print JSON")
    shown = _verb(verbs, "show", "print what was said, as Markdown", _show)
    shown.add_argument("--branch", help="a branch; the one written to last where not given")
    shown.add_argument(
        "--json", action="store_true", help="print the frame of its messages as JSON, a row a line"
    )
    searched = _verb(
        verbs, "search", "find words in prompts, answers and tool results", _search, names_one=False
    )
    searched.add_argument("text", help="words as they were said one after the other")
    searched.add_argument("--limit", type=int, default=_MOST_HITS, help="how many hits at most")
    searched.add_argument("--json", action="store_true", help="print JSON")
    compared = _verb(
        verbs, "diff", "compare two branches: entries, tokens, cache reads, cost, answers", _diff
    )
    compared.add_argument("left", help="a branch")
    compared.add_argument("right", nargs="?", help="another; the one written to last where not given")
    compared.add_argument("--json", action="store_true", help="print the frame as JSON, a row a line")
    exported = _verb(
        verbs, "export", "write a session to a .jsonl file (all of it) or a .md file (to read)", _export
    )
    exported.add_argument("path", type=Path, help="the file")
    exported.add_argument("--format", choices=("jsonl", "markdown"), help="where the name does not say it")
    exported.add_argument("--branch", help="for Markdown; the one written to last where not given")
    exported.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def _add_changing(verbs: Commands) -> None:
    resumed = _verb(verbs, "resume", "go on with a session in the terminal", _resume)
    resumed.add_argument("--model", help="who answers from now on; what the session says where not given")
    resumed.add_argument(
        "--tool", action="append", default=[], metavar="MODULE:NAME", help="as in `agentlab chat`"
    )
    add_session_options(resumed)
    branched = _verb(
        verbs, "branch", "list the branches, or make one that shares all up to an entry", _branch
    )
    branched.add_argument(
        "entry", nargs="?", type=int, help="id of the last shared entry; lists the branches without"
    )
    branched.add_argument("--name", help="name of the new branch")
    branched.add_argument("--json", action="store_true", help="print the list as JSON")
    imported = _verb(
        verbs, "import", "make a session of an exported file or a transcript", _import, names_one=False
    )
    imported.add_argument("path", type=Path, help="the file")
    imported.add_argument("--id", help="id of the new session; the one it had where not given")
    renamed = _verb(verbs, "rename", "give a session another title", _rename)
    renamed.add_argument("title", help="the title")
    tagged = _verb(verbs, "tag", "give a session these tags, and no others", _tag)
    tagged.add_argument("tags", nargs="*", help="the tags; none takes all away")
    _verb(verbs, "delete", "move a session to the trash", _delete)
    _verb(verbs, "restore", "take a deleted session back", _restore)


def _verb(
    verbs: Commands, name: str, told: str, run: Callable[[argparse.Namespace], int], *, names_one: bool = True
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=told)
    if names_one:
        verb.add_argument("id", help="the session's id, or how it begins")
    verb.set_defaults(run=run)
    return verb


def _list(options: argparse.Namespace) -> int:
    store = SessionStore(options.folder)
    if options.deleted:
        for one in store.deleted():
            print(one.id)
        return 0
    infos = [info for info in store.list() if options.tag is None or options.tag in info.tags]
    if options.json:
        print_json(infos)
    elif infos:
        print_safe_table(session_rows(infos), SESSION_HEADINGS)
    else:
        print(f"agentlab: no session in {store.folder}", file=sys.stderr)
    return 0


def _show(options: argparse.Namespace) -> int:
    store, found = _found(options)
    with store.open(found, read_only=True) as session:
        if options.branch is not None:
            session.switch(options.branch)
        if options.json:
            sys.stdout.write(session.df.to_json(orient="records", lines=True, date_format="iso"))
        else:
            sys.stdout.write(terminal_safe(markdown_text(session)))
    return 0


def _search(options: argparse.Namespace) -> int:
    if options.limit < 1:
        raise UsageError("a limit is 1 or more")
    hits = SessionStore(options.folder).search(options.text, limit=options.limit)
    if options.json:
        print_json(hits.hits)
    elif hits.hits:
        print_safe_table(hit_rows(hits), HIT_HEADINGS)
    for session, problem in hits.unread.items():
        print(f"agentlab: {session} could not be searched: {terminal_safe(problem)}", file=sys.stderr)
    if hits.is_cut:
        print(f"agentlab: there are more than {options.limit} hits; see --limit", file=sys.stderr)
    elif not hits.hits:
        print("agentlab: nothing found", file=sys.stderr)
    return 0


def _diff(options: argparse.Namespace) -> int:
    store, found = _found(options)
    with store.open(found, read_only=True) as session:
        comparison = compare_branches(session, options.left, options.right)
    if options.json:
        sys.stdout.write(comparison.df.to_json(orient="records", lines=True))
    else:
        print(terminal_safe(str(comparison)))
    return 0


def _resume(options: argparse.Namespace) -> int:
    store, found = _found(options)
    return chat_in_session(options, options.model, found, store.folder)


def _export(options: argparse.Namespace) -> int:
    store, found = _found(options)
    written = store.export(
        found, options.path, format=options.format, branch=options.branch, overwrite=options.overwrite
    )
    print(f"{found} is written to {written}")
    return 0


def _branch(options: argparse.Namespace) -> int:
    store, found = _found(options)
    if options.entry is None and options.name is not None:
        raise UsageError(
            "name the entry to branch at; `agentlab sessions show` and `search` tell the ids of entries"
        )
    if options.entry is not None:
        with store.open(found) as session:
            print(f"{found} goes on with {terminal_safe(session.branch_at(options.entry, options.name))}")
        return 0
    with store.open(found, read_only=True) as session:
        branches = session.branches
    if options.json:
        print_json(branches)
    else:
        print_safe_table(branch_rows(branches), BRANCH_HEADINGS)
    return 0


def _import(options: argparse.Namespace) -> int:
    made = SessionStore(options.folder).import_(options.path, id=options.id)
    for notice in made.notices:
        print(f"agentlab: {terminal_safe(notice)}", file=sys.stderr)
    print(f"{made.id} has {made.entries} entries")
    return 0


def _rename(options: argparse.Namespace) -> int:
    store, found = _found(options)
    store.rename(found, options.title)
    return 0


def _tag(options: argparse.Namespace) -> int:
    store, found = _found(options)
    store.tag(found, options.tags)
    return 0


def _delete(options: argparse.Namespace) -> int:
    store, found = _found(options)
    store.delete(found)
    print(f"{found} is deleted; `agentlab sessions restore {found}` takes it back")
    return 0


def _restore(options: argparse.Namespace) -> int:
    SessionStore(options.folder).restore(options.id)
    print(f"{options.id} is back")
    return 0


def _found(options: argparse.Namespace) -> tuple[SessionStore, str]:
    """The store, and the id that the one given begins."""
    store = SessionStore(options.folder)
    return store, store.find(options.id)
