"""The state of real repositories, friendly and hostile ones."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from reprocheck.api.code import SeenCode, see_code
from reprocheck.api.outside import Outside
from reprocheck.engine.git import PATCH, STABLE
from reprocheck.limits import DEFAULT, Limits
from reprocheck.model.context import Repository, Submodule

SETTINGS = (
    "user.name=U",
    "user.email=u@example.org",
    "protocol.file.allow=always",
    "init.defaultBranch=main",
)
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user without settings, so that the developer's own change nothing."""
    directory = tmp_path / "home"
    directory.mkdir()
    return directory


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", **more}


def git(directory: Path, *arguments: str) -> str:
    """Git as its user calls it."""
    done = subprocess.run(
        ["git", *(part for setting in SETTINGS for part in ("-c", setting)), *arguments],
        cwd=directory,
        env=environ(directory.parent / "home"),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, home: Path) -> Path:
    """One commit of two files."""
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    (root / "train.py").write_text("print(1)\n")
    (root / "sub").mkdir()
    (root / "sub/model.py").write_text("x = 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def look(directory: Path, home: Path, *, limits: Limits = DEFAULT, **more: str) -> SeenCode:
    outside = Outside(environ=environ(home, **more), home=str(home), directory=str(directory), limits=limits)
    return see_code(str(directory), ".", outside)


def seen(directory: Path, home: Path, **more: str) -> Repository:
    """A repository that was seen whole."""
    code = look(directory, home, limits=DEFAULT, **more)
    assert code.unknowns == ()
    assert code.repository is not None
    return code.repository


def test_a_clean_tree_is_its_commit(repository: Path, home: Path) -> None:
    found = seen(repository, home)
    assert found == Repository(path=".", commit=git(repository, "rev-parse", "HEAD"), branch="main")


def test_the_state_is_the_same_from_below_and_through_a_link(
    repository: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(repository / "sub")
    assert seen(repository / "sub", home) == seen(repository, home) == seen(tmp_path / "link", home)


def test_a_changed_tree_has_the_digest_of_the_documented_patch(repository: Path, home: Path) -> None:
    (repository / "train.py").write_text("print(2)\n")
    (repository / "sub/model.py").unlink()
    (repository / "blob\n.bin").write_bytes(bytes(range(256)))
    git(repository, "add", "-A", "--", "blob\n.bin")
    found = seen(repository, home)
    patch = subprocess.run(
        ["git", *PATCH, *STABLE], cwd=repository, env=environ(home), capture_output=True, check=True
    ).stdout
    assert found.dirty
    assert found.changed == ("blob\n.bin", "sub/model.py", "train.py")
    assert found.patch_sha256 == hashlib.sha256(patch).hexdigest()


def test_settings_of_the_user_do_not_change_the_patch(repository: Path, home: Path) -> None:
    (repository / "train.py").write_text("print(2)\n" * 50)
    before = seen(repository, home)
    (home / ".gitconfig").write_text(
        "[diff]\nnoprefix = true\nalgorithm = patience\ncontext = 9\nmnemonicPrefix = true\n"
        "colorMoved = zebra\nsubmodule = log\nexternal = false\nrenames = copies\nindentHeuristic = false\n"
        "[color]\nui = always\n[core]\npager = false\nquotePath = false\n[log]\nshowSignature = true\n"
    )
    assert seen(repository, home) == before


def test_untracked_files_are_counted_and_hashed_and_ignored_ones_are_not(
    repository: Path, home: Path, tmp_path: Path
) -> None:
    (repository / ".gitignore").write_text("*.tmp\n")
    (repository / "a.tmp").write_text("ignored")
    (repository / "link").symlink_to("/etc/passwd")
    one = seen(repository, home)
    assert (one.untracked, one.dirty, len(one.untracked_sha256)) == (2, False, 64)
    (repository / "a.tmp").write_text("still ignored")
    assert seen(repository, home) == one
    (repository / "link").unlink()
    (repository / "link").symlink_to("/etc/shadow")
    other = seen(repository, home)
    assert other.untracked == 2
    assert other.untracked_sha256 != one.untracked_sha256


def test_too_much_untracked_is_an_unknown_and_the_rest_stays(repository: Path, home: Path) -> None:
    (repository / "big").write_bytes(bytes(100_000))
    small = Limits(git_output=50_000)
    code = look(repository, home, limits=small)
    assert code.repository is not None
    assert (code.repository.untracked, code.repository.untracked_sha256) == (1, "")
    assert code.repository.commit
    assert [(item.section, item.where) for item in code.unknowns] == [("code", ".")]
    assert "git_output" in code.unknowns[0].reason


def test_a_patch_beyond_its_limit_is_an_unknown(repository: Path, home: Path) -> None:
    (repository / "train.py").write_bytes(os.urandom(100_000))
    code = look(repository, home, limits=Limits(git_output=20_000))
    assert code.repository is not None
    assert code.repository.commit
    assert "git_output" in code.unknowns[0].reason


def test_before_the_first_commit_everything_is_new(tmp_path: Path, home: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    assert seen(root, home) == Repository(path=".", commit="", branch="main")
    (root / "a").write_text("a")
    git(root, "add", "a")
    found = seen(root, home)
    assert (found.commit, found.dirty, found.changed) == ("", True, ("a",))


def test_a_detached_head_has_no_branch(repository: Path, home: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert seen(repository, home).branch == ""


def test_a_linked_worktree_a_bare_and_a_shallow_repository(
    repository: Path, home: Path, tmp_path: Path
) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    head = git(repository, "rev-parse", "HEAD")
    tree, bare, shallow = (seen(tmp_path / name, home) for name in ("tree", "bare.git", "shallow"))
    assert (tree.branch, tree.commit) == ("other", git(repository, "rev-parse", "HEAD~1"))
    assert (bare.commit, bare.branch, bare.dirty) == (head, "main", False)
    # clones of a local path: where it lies is nobody's business
    assert (shallow.commit, shallow.remote, bare.remote) == (head, "", "")


def test_the_remote_is_told_without_credentials(repository: Path, home: Path) -> None:
    git(repository, "remote", "add", "upstream", "https://alice:hunter2@example.org/a/b.git")
    assert seen(repository, home).remote == "https://example.org/a/b.git"
    git(repository, "remote", "add", "origin", "git@example.org:a/b.git")
    assert seen(repository, home).remote == "git@example.org:a/b.git"


@pytest.fixture
def parent(repository: Path, home: Path, tmp_path: Path) -> Path:
    """A repository with another one as its submodule `lib`."""
    root = tmp_path / "parent"
    root.mkdir()
    git(root, "init", "-q")
    git(root, "submodule", "--quiet", "add", str(repository), "lib")
    git(root, "commit", "-qm", "with a submodule")
    return root


def test_submodules_are_recorded_checked_out_and_dirty(parent: Path, repository: Path, home: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    clean = Submodule(path="lib", recorded=commit, checked_out=commit)
    found = seen(parent, home)
    assert (found.submodules, found.dirty) == ((clean,), False)
    (parent / "lib/train.py").write_text("changed\n")
    found = seen(parent, home)
    assert found.submodules == (Submodule(path="lib", recorded=commit, checked_out=commit, dirty=True),)
    assert not found.dirty
    git(parent / "lib", "commit", "-qam", "moved")
    moved = seen(parent, home)
    assert moved.submodules[0].checked_out == git(parent / "lib", "rev-parse", "HEAD") != commit
    assert (moved.dirty, moved.changed) == (True, ("lib",))


def test_a_submodule_that_is_not_checked_out(parent: Path, repository: Path, home: Path) -> None:
    git(parent, "submodule", "--quiet", "deinit", "--force", "lib")
    found = seen(parent, home)
    assert found.submodules == (
        Submodule(path="lib", recorded=git(repository, "rev-parse", "HEAD"), checked_out=""),
    )


def test_a_nested_repository_that_is_no_submodule_is_told_too(
    repository: Path, home: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", str(repository), str(repository / "apex"))
    found = seen(repository, home)
    commit = git(repository, "rev-parse", "HEAD")
    assert found.submodules == (Submodule(path="apex", recorded="", checked_out=commit),)
    assert found.untracked == 0


def test_unresolved_lfs_pointers_are_told(repository: Path, home: Path) -> None:
    (repository / "weights.bin").write_text(POINTER)
    (repository / "notes.md").write_text(f"A pointer looks like this:\n{POINTER}" + "x" * 80)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "pointer")
    assert seen(repository, home).lfs_pointers == ("weights.bin",)


def test_no_repository_is_a_fact_even_without_git(tmp_path: Path, home: Path) -> None:
    assert look(tmp_path, home) == SeenCode()
    assert look(tmp_path, home, PATH="/nowhere") == SeenCode()


def test_without_git_a_repository_is_an_unknown(repository: Path, home: Path) -> None:
    code = look(repository, home, PATH="/nowhere")
    assert code.repository is None
    assert "git is not installed" in code.unknowns[0].reason


def tool(directory: Path, script: str, name: str = "git") -> str:
    """A program of this name; gives its directory."""
    directory.mkdir()
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)
    return str(directory)


def test_a_git_that_is_too_old_or_too_slow_is_an_unknown(
    repository: Path, home: Path, tmp_path: Path
) -> None:
    old = look(repository, home, PATH=tool(tmp_path / "old", "echo git version 1.8.3.1"))
    assert "1.8.3.1 is too old" in old.unknowns[0].reason
    path = f"{tool(tmp_path / 'slow', 'exec sleep 60')}:{os.environ['PATH']}"
    slow = look(repository, home, limits=Limits(git_seconds=1), PATH=path)
    assert "more than 1 seconds" in slow.unknowns[0].reason


def test_a_refusal_for_a_foreign_owner_is_told_and_not_worked_around(repository: Path, home: Path) -> None:
    """Git has a variable for testing just this (t/lib: GIT_TEST_ASSUME_DIFFERENT_OWNER)."""
    script = f'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {git_binary()} "$@"'
    path = f"{tool(repository.parent / 'wrapped', script)}:{os.environ['PATH']}"
    code = look(repository, home, PATH=path)
    assert code.repository is None
    assert "safe.directory" in code.unknowns[0].reason
    assert str(repository) not in code.unknowns[0].reason


def git_binary() -> str:
    return subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()


def test_a_git_file_that_leads_nowhere_is_an_unknown(tmp_path: Path, home: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/.git/worktrees/x\n")
    code = look(tmp_path, home)
    assert [item.reason for item in code.unknowns] == ["its .git file leads to no repository on this machine"]


def test_a_working_tree_placed_elsewhere_is_not_followed(
    repository: Path, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "private").mkdir()
    git(repository, "config", "core.worktree", str(tmp_path / "private"))
    code = look(repository, home)
    assert code.repository is None
    assert "core.worktree" in code.unknowns[0].reason


def test_variables_of_git_do_not_lead_elsewhere(repository: Path, home: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    before = seen(repository, home)
    again = seen(
        repository,
        home,
        GIT_DIR=str(other / ".git"),
        GIT_WORK_TREE=str(other),
        GIT_INDEX_FILE=str(other / "index"),
        GIT_EXTERNAL_DIFF="false",
    )
    assert again == before


def plant(repository: Path, home: Path) -> Path:
    """Make a repository that names a program wherever one can be named; each leaves a canary."""
    canary = repository.parent / "canary"
    program = repository.parent / "evil"
    program.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    settings = {
        "core.fsmonitor": program,
        "core.hooksPath": repository.parent / "hooks",
        "core.pager": program,
        "core.sshCommand": program,
        "core.askPass": program,
        "core.alternateRefsCommand": program,
        "core.gitProxy": program,
        "core.editor": program,
        "credential.helper": f"!{program}",
        "diff.external": program,
        "diff.evil.command": program,
        "diff.evil.textconv": program,
        "filter.evil.clean": program,
        "filter.evil.smudge": program,
        "filter.evil.required": "true",
        "filter.a.b.c.process": program,
        "filter.lfs.clean": program,
        "filter.lfs.process": program,
        "gpg.program": program,
        "log.showSignature": "true",
        "pager.diff": program,
        "alias.diff": f"!{program}",
        "alias.ls-files": f"!{program}",
        "submodule.recurse": "true",
        "remote.origin.url": f"ext::{program}",
        "remote.origin.promisor": "true",
        "remote.origin.uploadpack": program,
        "protocol.ext.allow": "always",
    }
    for key, value in settings.items():
        git(repository, "config", key, str(value))
    (repository / "extra").write_text(f'[filter "included"]\nclean = {program}\n')
    git(repository, "config", "include.path", "../extra")
    git(repository, "config", "extensions.worktreeConfig", "true")
    (repository / ".git/config.worktree").write_text(f'[filter "tree"]\nclean = {program}\n')
    hooks = repository.parent / "hooks"
    hooks.mkdir()
    for name in ("post-index-change", "pre-commit", "fsmonitor-watchman", "reference-transaction"):
        for directory in (hooks, repository / ".git/hooks"):
            directory.mkdir(exist_ok=True)
            (directory / name).write_bytes(program.read_bytes())
            (directory / name).chmod(0o755)
    (repository / ".gitattributes").write_text(
        "*.py filter=evil diff=evil\n*.a filter=a.b.c\n*.b filter=included\n*.c filter=tree\n*.d filter=lfs\n"
    )
    for name in ("x.a", "x.b", "x.c", "x.d"):
        (repository / name).write_text("changed\n")
    (repository / "train.py").write_text("print(3)\n")
    return canary


def test_nothing_that_a_repository_names_is_executed(repository: Path, home: Path) -> None:
    for name in ("x.a", "x.b", "x.c", "x.d"):
        (repository / name).write_text("as committed\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "more")
    canary = plant(repository, home)
    subprocess.run(
        ["git", "--no-pager", "diff"], cwd=repository, env=environ(home), capture_output=True, check=False
    )
    assert canary.exists(), "the trap itself must work"
    canary.unlink()

    code = look(repository, home)

    assert not canary.exists()
    assert code.unknowns == ()
    assert code.repository is not None
    assert {"train.py", "x.a", "x.b", "x.c", "x.d"} <= set(code.repository.changed)
    assert code.repository.remote == ""
    assert code.notes == (
        "code .: changed files were compared as they lie there, without the git filters "
        "a.b.c, evil, included, lfs, tree",
    )


def test_nothing_that_a_submodule_names_is_executed(parent: Path, home: Path) -> None:
    canary = parent.parent / "canary"
    program = parent.parent / "evil"
    program.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "filter.evil.clean", "filter.evil.process", "diff.external"):
        git(parent / "lib", "config", key, str(program))
    (parent / "lib/.gitattributes").write_text("* filter=evil\n")
    (parent / "lib/train.py").write_text("changed\n")
    subprocess.run(["git", "status"], cwd=parent, env=environ(home), capture_output=True, check=False)
    assert canary.exists(), "the trap itself must work"
    canary.unlink()
    found = seen(parent, home)
    assert not canary.exists()
    assert found.submodules[0].dirty


def test_a_partial_clone_fetches_nothing(repository: Path, home: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    source = f"file://{repository}"
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", source, "partial")
    partial = tmp_path / "partial"
    git(partial, "read-tree", "HEAD")
    (partial / "train.py").write_text("changed\n")
    code = look(partial, home)
    assert code.repository is not None
    assert code.repository.commit == git(repository, "rev-parse", "HEAD")
    assert "nothing is fetched" in code.unknowns[0].reason


def test_reading_writes_nothing(repository: Path, home: Path) -> None:
    (repository / "train.py").write_text("print(2)\n")
    os.utime(repository / "sub/model.py", (1, 1))  # git would like to refresh its index
    before = {path: path.stat().st_mtime_ns for path in sorted((repository / ".git").rglob("*"))}
    seen(repository, home)
    assert {path: path.stat().st_mtime_ns for path in sorted((repository / ".git").rglob("*"))} == before
