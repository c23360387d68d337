"""Below the packages: native libraries, their owners and users, the CUDA runtime, driver and GPUs."""

from __future__ import annotations

from collections import defaultdict

from reprocheck.graph.marker import normalise
from reprocheck.graph.parts import DRIVER, Part, conda_id, gpu_id, library_id, os_id, python_id
from reprocheck.model.conflict import Edge, Node
from reprocheck.model.manifest import Manifest
from reprocheck.model.package import Package

RUNTIME = "cuda-runtime"
"""Kind of the native library that talks to the driver."""


def draw_machine(manifest: Manifest) -> Part:
    """Give libraries, driver and GPUs as nodes; owners, loader choices and run-time needs as edges."""
    owners = _by_purl(manifest)
    nodes, edges = _libraries(manifest, owners)
    for package in manifest.packages:
        own = node_of(package)
        for owner in owners.get(package.owner, ()) if package.owner and own else ():
            if owner != own:
                edges.append(Edge(source=owner, target=own, requirement="", kind="owns"))
    host = manifest.host
    runtimes = [library for library in manifest.libraries if library.kind == RUNTIME]
    if host is not None and host.driver is not None:
        nodes[DRIVER] = Node(id=DRIVER, label=f"NVIDIA driver {host.driver.version}", type="driver")
        edges += [_need(library_id(library.path), DRIVER, "driver") for library in runtimes]
    for gpu in host.gpus if host is not None else ():
        nodes[gpu_id(gpu.index)] = Node(id=gpu_id(gpu.index), label=gpu.name, type="gpu")
        if DRIVER in nodes:
            edges.append(_need(DRIVER, gpu_id(gpu.index), gpu.compute_capability))
    return Part(nodes=tuple(nodes.values()), edges=tuple(edges))


def node_of(package: Package) -> str:
    """Id of a package's node, '' for a distribution that has none (shadowed, or of no environment)."""
    if package.conda is not None:
        return conda_id(package.conda.prefix, package.name.lower())
    own = package.python
    if own is None:
        return os_id(package)
    return python_id(own.environment, normalise(package.name)) if own.effective and own.environment else ""


def _by_purl(manifest: Manifest) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    if manifest.libraries or any(package.owner for package in manifest.packages):
        for package in manifest.packages:
            node = node_of(package)
            if node and node not in found[package.purl]:
                found[package.purl].append(node)
    return found


def _libraries(manifest: Manifest, owners: dict[str, list[str]]) -> tuple[dict[str, Node], list[Edge]]:
    nodes: dict[str, Node] = {}
    edges: list[Edge] = []
    for library in manifest.libraries:
        name = library_id(library.path)
        kind = "cuda" if library.kind == RUNTIME else "library"
        nodes[name] = Node(id=name, label=f"{library.name} {library.version}".rstrip(), type=kind)
        edges += [
            Edge(source=owner, target=name, requirement="", kind="owns")
            for owner in (owners.get(library.owner, ()) if library.owner else ())
        ]
    for choice in manifest.loading:
        source, target = library_id(choice.consumer), library_id(choice.path or f"missing {choice.soname}")
        for name, path in ((source, choice.consumer), (target, choice.path)):
            if name not in nodes:
                label = path.rpartition("/")[2] or f"{choice.soname} (not found)"
                nodes[name] = Node(id=name, label=label, type="library")
        if source != target:
            edges.append(_need(source, target, choice.soname))
    return nodes, edges


def _need(source: str, target: str, requirement: str) -> Edge:
    return Edge(source=source, target=target, requirement=requirement, kind="needs")
