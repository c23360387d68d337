"""Reports with every field filled, made by hand; for the pages and for the browser."""

from __future__ import annotations

from typing import Any

from reprocheck.model.change import DiffReport, Finding, Gap, Group, Severity, Suppression
from reprocheck.model.conflict import (
    Cause,
    Conflict,
    Edge,
    GraphReport,
    Node,
    Unexamined,
    Waiver,
    WaiverUse,
)
from reprocheck.model.fleet import EqualGroup, FleetReport, Holding, Member, Split
from reprocheck.model.forecast import Forecast, Statement
from reprocheck.model.mending import Mending, Step, Unmended
from reprocheck.model.unknown import Unknown

HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "javascript:document.title='owned'",
    "\u202egnp.exe\u2066",
    "\"'`&<!--",
    "{{ 7 * 7 }}{% raw %}",
    "long" * 2_500,
    "lone\ud800surrogate",
    "line\u2028break\nand\x1b[2J",
)
_SECTIONS = ("packages", "environment", "host", "libraries", "os")
_GROUPS: tuple[Group, ...] = ("python", "settings", "machine", "numeric", "system")
_EFFECTS = ("result", "break", "bytes", "none")
_SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low", "info")


def finding(number: int, **overrides: Any) -> Finding:
    fields: dict[str, Any] = {
        "code": f"PKG-{300 + number % 40}",
        "section": _SECTIONS[number % len(_SECTIONS)],
        "group": _GROUPS[number % len(_GROUPS)],
        "name": f"package-{number}",
        "before": "2.12.0",
        "after": "2.13.0",
        "severity": _SEVERITIES[number % 4],
        "effect": _EFFECTS[number % 4],
        "title": "Another version of a package that computes",
        "why": "Kernels and defaults change between releases, so equal inputs need not give equal numbers.",
        "fix": f"pip install package-{number}==2.12.0",
        "type": "pypi",
        "attribute": "version",
    }
    return Finding(**fields | overrides)


def torch() -> Finding:
    return finding(
        0,
        name="torch",
        code="PKG-331",
        section="packages",
        severity="high",
        effect="result",
        before="2.12.0+cu126",
        after="2.13.0+cu130",
        where="/opt/conda/bin/python3.11",
        used="loaded",
        folded=tuple(f"nvidia-{part}-cu13" for part in ("cublas", "cudnn", "nccl", "cufft", "curand")),
        alike=("tоrch",),  # noqa: RUF001 - the look-alike is the point
        fix="pip install torch==2.12.0+cu126 --index-url https://download.example.org/whl/cu126",
    )


def diff_report(*findings: Finding, **overrides: Any) -> DiffReport:
    fields: dict[str, Any] = {
        "schema_version": "1.0",
        "verdict": "differs" if findings else "identical",
        "findings": findings,
        "explained": bool(findings),
        "unknowns": (),
        "left_out": (),
    }
    return DiffReport(**fields | overrides)


def full_diff(count: int = 40) -> DiffReport:
    """Every field of the model is filled."""
    symptoms = tuple(
        finding(
            900 + n,
            section="outputs",
            group="outputs",
            effect="symptom",
            name=f"out/metrics-{n}.json",
            type="",
            attribute="sha256",
            before="a" * 64,
            after="b" * 64,
            fix="",
        )
        for n in range(2)
    )
    noise = finding(
        990,
        section="environment",
        group="variables",
        effect="none",
        name="HOSTNAME",
        noise="the engine makes one up for every container",
    )
    idle = tuple(finding(n, used="idle" if n % 3 else "loaded") for n in range(1, count))
    return diff_report(
        torch(),
        *idle,
        *symptoms,
        noise,
        unknowns=(Unknown(section="host", where="GPU 0", reason="the driver did not answer"),),
        left_out=(Unknown(section="environment", where="API_TOKEN", reason="its value was withheld"),),
        suppressed=(
            Suppression(pattern="environment:HOSTNAME", origin="default", count=1),
            Suppression(pattern="packages:lib*-doc", origin="option", count=12),
        ),
        gaps=(
            Gap(what="loaded libraries", side="both", remedy="reprocheck run --observe"),
            Gap(what="GPU", side="second"),
        ),
        forecast=Forecast(
            expectation="differs",
            statements=(
                Statement(
                    subject="gpu.architecture",
                    expectation="differs",
                    before="sm_80",
                    after="sm_90",
                    why="cuBLAS chooses other kernels on another architecture.",
                    source="NVIDIA, cuBLAS library documentation, 2.1.4 Results Reproducibility",
                    date="2026-11-01",
                ),
                Statement(
                    subject="threads",
                    expectation="unknown",
                    before=None,
                    after="8",
                    why="The first side did not record OMP_NUM_THREADS.",
                    source="OpenMP 5.2, 4.3",
                    date="2026-11-01",
                ),
            ),
        ),
        mending=Mending(
            steps=(
                Step(
                    tool="pip",
                    command="python -m pip install 'torch==2.12.0+cu126' numpy==2.1.0",
                    undoes=("numpy", "torch"),
                    caution="needs a network and an index that still has both",
                ),
                Step(tool="export", command="export OMP_NUM_THREADS=8", undoes=("OMP_NUM_THREADS",)),
            ),
            unmended=(Unmended(section="host", name="cpu.model", reason="another CPU"),),
        ),
    )


def hostile_diff() -> DiffReport:
    """Every hostile text in every field that takes one."""
    findings = tuple(
        finding(
            number,
            name=text,
            before=text,
            after=text,
            why=text,
            fix=text,
            title=text,
            type=text,
            where=text,
            attribute=text,
            folded=(text,),
            alike=(text,),
            section=text,
            group="",
            code=text,
        )
        for number, text in enumerate(HOSTILE)
    )
    return diff_report(
        *findings,
        unknowns=tuple(Unknown(section="host", where=text, reason=text) for text in HOSTILE),
        suppressed=tuple(Suppression(pattern=text, origin="option", count=1) for text in HOSTILE),
        gaps=tuple(Gap(what=text, side="both", remedy=text) for text in HOSTILE),
        forecast=Forecast(
            expectation="unknown",
            statements=tuple(
                Statement(
                    subject=text,
                    expectation="unknown",
                    before=text,
                    after=None,
                    why=text,
                    source=text,
                    date=text,
                )
                for text in HOSTILE
            ),
        ),
        mending=Mending(
            steps=tuple(Step(tool="pip", command=text, undoes=(text,), caution=text) for text in HOSTILE),
            unmended=tuple(Unmended(section=text, name=text, reason=text) for text in HOSTILE),
        ),
    )


def fleet(count: int = 16, *, names: tuple[str, ...] = (), verdict: str = "differs") -> FleetReport:
    """One member with another driver and CPU, one without a variable, and a fact without majority."""
    odd, bare = count - 1, count // 2
    rest = tuple(n for n in range(count) if n not in {odd, bare})
    half = tuple(range(0, count, 2))
    same = verdict == "identical"
    kinds = {n: 0 if same else 2 if n == odd else 1 if n == bare else 0 for n in range(count)}

    def split(name: str, majority: str | None, *holdings: Holding, **more: Any) -> Split:
        fields: dict[str, Any] = {
            "section": "host",
            "attribute": "value",
            "undecided": False,
            "effect": "result",
            "code": "HW-201",
        }
        with_it = {index for held in holdings if held.value == majority for index in held.members}
        others = {index for held in holdings for index in held.members} - with_it
        outliers = () if (fields | more).get("undecided") else tuple(sorted(others))
        return Split(name=name, majority=majority, holdings=holdings, outliers=outliers, **fields | more)

    most = tuple(sorted((*rest, bare)))
    splits = (
        split(
            "driver",
            "570.86.10",
            Holding(value="570.86.10", members=most),
            Holding(value="550.54", members=(odd,)),
        ),
        split(
            "cpu.model",
            "EPYC 9654",
            Holding(value="EPYC 9654", members=most),
            Holding(value="Xeon", members=(odd,)),
        ),
        split(
            "OMP_NUM_THREADS",
            "8",
            Holding(value="8", members=tuple(sorted((*rest, odd)))),
            Holding(value=None, members=(bare,)),
            section="environment",
            code="ENV-101",
        ),
        split(
            "HOSTNAME_SUFFIX",
            None,
            Holding(value="even", members=half),
            Holding(value="odd", members=tuple(range(1, count, 2))),
            section="environment",
            undecided=True,
            effect="none",
            code="",
        ),
    )
    prints = {kind: f"sha256:{str(kind) * 64}" for kind in (0, 1, 2)}
    members = tuple(
        Member(
            name=names[n] if n < len(names) else f"node-{n:02}",
            file=f"fleet/{names[n] if n < len(names) else n}.json",
            fingerprint=prints[kinds[n]],
            group=f"rack-{n % 2}",
            outlying=kinds[n],
        )
        for n in range(count)
    )
    groups = tuple(
        EqualGroup(fingerprint=prints[kind], members=tuple(n for n in range(count) if kinds[n] == kind))
        for kind in sorted(set(kinds.values()))
    )
    return FleetReport(
        schema_version="1.0",
        verdict=verdict,  # type: ignore[arg-type]
        members=members,
        groups=groups,
        splits=() if same else splits,
        distances=tuple(
            tuple(0 if kinds[i] == kinds[j] else kinds[i] + kinds[j] for j in range(i)) for i in range(count)
        ),
        group_by="rack",
        unknowns=(Unknown(section="host", where="node-03: GPU 0", reason="the driver did not answer"),),
        left_out=(Unknown(section="environment", where="API_TOKEN", reason="its value was withheld"),),
    )


def conflict(number: int = 0, **overrides: Any) -> Conflict:
    fields: dict[str, Any] = {
        "code": "DEP-101",
        "kind": "unsatisfied",
        "severity": "high",
        "package": "pkg-5",
        "requirement": "numpy<2",
        "found": "2.1.0",
        "causes": (
            Cause(requirement="numpy<2", parent="pkg-5 1.0", chain=("pkg-0 1.0", "pkg-1 1.0", "pkg-5 1.0")),
            Cause(requirement="numpy>=2", parent="pkg-2 1.0", chain=("pkg-0 1.0", "pkg-2 1.0")),
        ),
        "broken": True,
        "fix": "pip install 'numpy<2'",
        "environment": "/usr/bin/python3.11",
        "type": "pypi",
        "minimal": (
            Cause(requirement="numpy<2", parent="pkg-5 1.0"),
            Cause(requirement="numpy>=2", parent="pkg-2 1.0"),
        ),
        "solution": "none",
    }
    return Conflict(**fields | overrides)


def graph(count: int = 60, *, conflicts: tuple[Conflict, ...] | None = None, **overrides: Any) -> GraphReport:
    """A tree of packages in which some ask for what is not there, and one cycle."""
    nodes = [
        Node(id=f"pypi:{n}", label=f"pkg-{n} 1.0", type="deb" if n % 7 == 6 else "pypi", broken=n in {5, 11})
        for n in range(count)
    ]
    nodes += [
        Node(id="pypi:numpy", label="numpy 2.1.0", type="pypi"),
        Node(id="pypi:gone", label="libgone (missing)", type="pypi", broken=True),
    ]
    edges = [
        Edge(source=f"pypi:{(n - 1) // 4}", target=f"pypi:{n}", requirement=f"pkg-{n}>=1")
        for n in range(1, count)
    ]
    edges += [
        Edge(source=f"pypi:{n}", target=f"pypi:{n // 3}", requirement="any")
        for n in range(9, count, 5)
        if n // 3
    ]
    edges += [
        Edge(source="pypi:5", target="pypi:numpy", requirement="numpy<2", broken=True),
        Edge(source="pypi:2", target="pypi:numpy", requirement="numpy>=2"),
        Edge(source="pypi:1", target="pypi:numpy", requirement="libopenblas.so.0", kind="needs"),
        Edge(source="pypi:2", target="pypi:6", requirement="", kind="owns"),
        Edge(source="pypi:11", target="pypi:gone", requirement="libgone>=3", broken=True),
    ]
    listed = conflicts
    if listed is None:
        listed = (
            conflict(),
            conflict(
                1,
                code="DEP-102",
                kind="missing",
                package="pkg-11",
                requirement="libgone>=3",
                found="",
                causes=(
                    Cause(
                        requirement="libgone>=3",
                        parent="pkg-11 1.0",
                        chain=("pkg-0 1.0", "pkg-2 1.0", "pkg-11 1.0"),
                    ),
                ),
                minimal=(),
                solution="version",
                change="libgone>=3,<4",
            ),
            conflict(
                2,
                code="LIB-301",
                kind="two-copies",
                severity="info",
                package="libgomp",
                requirement="one OpenMP runtime",
                found="two copies",
                broken=False,
                causes=(),
                minimal=(),
                solution="",
                fix="",
                type="",
            ),
            conflict(
                3,
                code="DEP-103",
                kind="wheel-tag",
                severity="medium",
                package="pkg-7",
                broken=False,
                waived="tested on this machine until 2027",
            ),
        )
    fields: dict[str, Any] = {
        "schema_version": "1.0",
        "conflicts": listed,
        "packages": len(nodes),
        "requirements": len(edges),
        "nodes": tuple(sorted(nodes, key=lambda node: node.id)),
        "edges": tuple(sorted(edges, key=lambda edge: (edge.source, edge.target, edge.requirement))),
        "unknowns": (Unknown(section="graph", where="pkg-3", reason="a marker that cannot be evaluated"),),
        "waivers": (
            WaiverUse(
                waiver=Waiver(
                    code="DEP-103",
                    package="pkg-7",
                    reason="tested on this machine until 2027",
                    expires="2027-01-31",
                ),
                state="used",
                conflicts=1,
            ),
        ),
        "not_examined": (Unexamined(what="files that two packages own", needs="snapshot --integrity"),),
        "since": "a.json",
        "inherited": 2,
    }
    return GraphReport(**fields | overrides)


def hostile_graph() -> GraphReport:
    nodes = tuple(
        Node(id=f"{n:02}{text}", label=text, type=text, broken=n == 0) for n, text in enumerate(HOSTILE)
    )
    edges = tuple(
        Edge(source=nodes[0].id, target=node.id, requirement=node.label, broken=True) for node in nodes[1:]
    )
    conflicts = tuple(
        conflict(
            package=text,
            requirement=text,
            found=text,
            fix=text,
            change=text,
            waived=text,
            environment=text,
            type=text,
            code=text,
            causes=(Cause(requirement=text, parent=text, chain=(text, text)),),
            minimal=(Cause(requirement=text, parent=text),),
        )
        for text in HOSTILE
    )
    return graph(conflicts=conflicts, nodes=nodes, edges=edges, since=HOSTILE[0])
