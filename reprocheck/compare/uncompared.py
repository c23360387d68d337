"""Fields of a manifest that are never compared, each with the reason; every other is told when it differs.

A test walks all fields and proves both directions.
"""

from __future__ import annotations

from collections.abc import Mapping

_FOLLOWS = "follows from the files of packages and libraries, which are compared; what is unmet is told"

UNCOMPARED: Mapping[str, str] = {
    "Manifest.schema_version": "how the document is written, not what it says",
    "Manifest.source": "how and where was looked; what it could not tell is a gap",
    "Manifest.observation": "how and when was looked",
    "Manifest.private": "how the document may be handled",
    "Manifest.digests": "made of what is compared; None until the document is sealed",
    "Digests.manifest": "covers everything, and everything is compared by itself",
    "Digests.identity": "None where there is no image, and that is told",
    "Package.purl": "made of type, name, version and system, which are compared",
    "Distribution.environment": "by name alone; what lies there and which interpreters there are is compared",
    "Distribution.metadata": "the name of a directory; what it holds is compared",
    "Distribution.installer": "how it came to be there changes nothing that runs",
    "Distribution.requested": "how it came to be there changes nothing that runs",
    "Distribution.changelog": "where changes are told; it is shown with a change of version",
    "DirectUrl.requested_revision": "the commit that it led to is compared",
    "Conda.prefix": "by name alone; what lies there is compared",
    "Framework.source": "the file that told it",
    "NativeLibrary.source": "how the version was told; other answers are compared",
    "Gpu.source": "how it was read",
    "Driver.source": "how it was read",
    "RunRecord.fresh": "how far `changes` are effects of the command alone",
    "Output.content": "None without a reader for the format; the bytes are compared then",
    "Output.structure": "follows from content and bytes",
    "Output.tensors": "follows from content and bytes",
    "Output.numbers": "follows from content and bytes",
    "Output.note": "why there is no content digest",
    "DataSet.listing": "the digest covers it; a listing may be in a side file",
    "DataSet.listing_sha256": "names a side file; the digest covers what it lists",
    "Loaded.observer": "how was looked",
    "LoadedLibrary.processes": "how many processes an observation caught is chance",
    "ImportedModule.processes": "how many processes an observation caught is chance",
    "StateFlag.process": "processes have no stable numbers",
    "ObservedProcess.seen": "how was looked; what was only sampled is chance",
    "LinkNeed.consumer": "the first of several that ask",
    "LinkNeed.provider": _FOLLOWS,
    "LinkNeed.offered": _FOLLOWS,
    "LinkNeed.elsewhere": _FOLLOWS,
    "LinkNeed.imported": _FOLLOWS,
}
