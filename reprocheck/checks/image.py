"""Whether the image that ran can be named, had again, and is what ran."""

from __future__ import annotations

from reprocheck.checks.judging import CHECKED_ON, PASSED, Check, Evidence, Judgement, hit, some
from reprocheck.model.rule import Rule

NO_DIGEST = Rule(
    code="IMG-501",
    title="Image without a digest",
    severity="high",
    detect="manifest: an image or container source with neither image id nor repository digest, or no image",
    why="A tag can be moved to another image at any time; only a digest names one image for good.",
    fix="Snapshot or run the image on an engine that has it, so that its digest is recorded.",
    source="toniebox-reverse-engineering/teddycloud#450, buildkite/agent#2430",
    date=CHECKED_ON,
)
LOCAL_ONLY = Rule(
    code="IMG-504",
    title="Image known by a local id only",
    severity="high",
    detect="manifest: the source has no repository digest",
    why="An image id names an image that lies on this machine; nobody else can pull it by that id.",
    fix="Push the image and snapshot it again, or publish it as an archive (`docker save`) with its sha256.",
    source="OCI image specification, image id and manifest digest; docker image inspect, RepoDigests",
    date=CHECKED_ON,
)
MOUNTED_OVER = Rule(
    code="IMG-505",
    title="Files of the host lay over the image",
    severity="high",
    detect="manifest: mounts of the recorded container that were not read, or were writable and no output",
    why="What ran came from the host and not from the image, and its state before the run is not proved.",
    fix="Bake the files into the image, or record the run with `reprocheck run --input HOST:PATH`.",
    source="princeton-ddss/blackfish#366",
    date=CHECKED_ON,
)
CHANGED = Rule(
    code="IMG-506",
    title="Container changed after its start",
    severity="medium",
    detect="manifest: changes of a `docker run` container's layer that are neither outputs nor volatile",
    why="A package installed or a file edited in the running container is not in the image that others get.",
    fix="Put the change into the Dockerfile, rebuild, and run again.",
    source="docker diff: the writable layer is not part of the image",
    date=CHECKED_ON,
)


def _no_digest(evidence: Evidence) -> Judgement:
    source = evidence.manifest.source
    if evidence.manifest.image is None:
        message = "this environment is no image, so nobody can be handed the same one"
        fix = "Build an image of it and record the run there with `reprocheck run --image IMAGE`."
        return Judgement(hits=(hit(NO_DIGEST, "image", message, fix=fix),))
    if source.kind not in {"image", "container"} or source.config_digest or source.repo_digests:
        return PASSED
    name = f"the tag {source.reference}" if source.reference else "no name at all"
    return Judgement(hits=(hit(NO_DIGEST, "source", f"the image is known by {name} and by no digest"),))


def _local_only(evidence: Evidence) -> Judgement:
    source = evidence.manifest.source
    if source.kind not in {"image", "container"} or source.repo_digests or not source.config_digest:
        return PASSED
    message = f"image {source.config_digest} was never pushed to a registry or pulled from one"
    return Judgement(hits=(hit(LOCAL_ONLY, "source.repo_digests", message),))


def _mounted_over(evidence: Evidence) -> Judgement:
    hits = []
    for mount in evidence.run.mounts:
        where = f"run.mounts[{mount.target}]"
        if mount.role == "unread" and mount.kind != "tmpfs":
            hits.append(
                hit(MOUNTED_OVER, where, f"a {mount.kind} mount was not read, what it held is unknown")
            )
        elif mount.role == "input" and mount.writable:
            message = f"a {mount.kind} mount was an input and could be written during the run"
            hits.append(hit(MOUNTED_OVER, where, message, severity="medium"))
    return Judgement(hits=tuple(hits))


def _changed(evidence: Evidence) -> Judgement:
    if evidence.run.engine == "local":
        return Judgement(
            gaps=("a run without a container has no writable layer in which changes would show",)
        )
    paths = tuple(f"{change.path} ({change.kind})" for change in evidence.run.changes if not change.volatile)
    if not paths or evidence.run.fresh:
        return PASSED
    count = f"{len(paths)} path{'s' if len(paths) > 1 else ''} of the image changed after the start"
    return Judgement(hits=(hit(CHANGED, "run.changes", f"{count}: {some(paths)}"),))


CHECKS = (
    Check(rule=NO_DIGEST, judge=_no_digest, sections=("image",)),
    Check(rule=LOCAL_ONLY, judge=_local_only, needs=("image",), sections=("image",)),
    Check(rule=MOUNTED_OVER, judge=_mounted_over, needs=("run",), sections=("run",)),
    Check(rule=CHANGED, judge=_changed, needs=("run",), sections=("changes",)),
)
