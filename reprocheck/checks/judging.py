"""What a rule sees and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from reprocheck.limits import Limits
from reprocheck.model.base import Frozen
from reprocheck.model.change import Severity
from reprocheck.model.check import Violation
from reprocheck.model.environment import Variable, in_force
from reprocheck.model.image import Image
from reprocheck.model.manifest import Manifest
from reprocheck.model.rule import Rule
from reprocheck.model.run import RunRecord
from reprocheck.model.unknown import Section
from reprocheck.model.verdict import Receipt

CHECKED_ON = "2026-11-22"
"""Day on which the facts behind the rules were checked."""

Need = Literal["run", "image"]

NO_RUN = "no run is recorded in this manifest"
NO_IMAGE = "the manifest holds no image"


class Evidence(Frozen, frozen=True, kw_only=True):
    """A manifest and the receipts of its own verifications."""

    manifest: Manifest
    receipts: tuple[Receipt, ...]
    """Only those whose digest is this manifest's."""
    foreign_receipts: int
    """How many were handed in that belong to another manifest; they prove nothing here."""
    limits: Limits

    @classmethod
    def of(cls, manifest: Manifest, receipts: tuple[Receipt, ...], *, limits: Limits) -> Evidence:
        """Keep the receipts that belong to the manifest."""
        sealed = manifest.digests.manifest if manifest.digests else None
        own = tuple(receipt for receipt in receipts if receipt.manifest == sealed)
        return cls(manifest=manifest, receipts=own, foreign_receipts=len(receipts) - len(own), limits=limits)

    @property
    def run(self) -> RunRecord:
        """The recorded run, for rules that need one."""
        assert self.manifest.run is not None
        return self.manifest.run

    @property
    def image(self) -> Image:
        """The image, for rules that need one."""
        assert self.manifest.image is not None
        return self.manifest.image

    def variable(self, name: str) -> Variable | None:
        """Return the variable of this name that is in force, None when the environment has none."""
        named = in_force(v for v in self.manifest.environment if v.name == name)
        return named[name][0] if named else None


class Judgement(Frozen, frozen=True, kw_only=True):
    """What a rule found, and what it could not see. Only one that is empty in both has passed."""

    hits: tuple[Violation, ...] = ()
    gaps: tuple[str, ...] = ()


PASSED = Judgement()


class Check(Frozen, frozen=True, kw_only=True):
    """A rule and the function that judges it."""

    rule: Rule
    judge: Callable[[Evidence], Judgement]
    needs: tuple[Need, ...] = ()
    """Parts of the manifest without which the rule says nothing."""
    sections: tuple[Section, ...] = ()
    """Sections that must have been read without a failure for the rule to pass."""
    by_absence: bool = False
    """The finding is that something is absent: a failed reading forbids the finding as well as the pass."""


def lacks(check: Check, manifest: Manifest) -> str:
    """Say which needed part the manifest lacks; '' when it has them all."""
    if "run" in check.needs and manifest.run is None:
        return NO_RUN
    if "image" in check.needs and manifest.image is None:
        return NO_IMAGE
    return ""


def unread_sections(check: Check, manifest: Manifest) -> tuple[str, ...]:
    """Say which sections were not read in full; empty when all were."""
    gaps = []
    for section in check.sections:
        failed = [unknown for unknown in manifest.unknowns if unknown.section == section]
        if failed:
            more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
            gaps.append(f"{section} was not read in full: {failed[0].where}: {failed[0].reason}{more}")
    return tuple(gaps)


def hit(
    rule: Rule, where: str, message: str, *, severity: Severity | None = None, fix: str | None = None
) -> Violation:
    """Make a finding of a rule; severity and fix are the rule's own unless given."""
    return Violation(
        code=rule.code,
        title=rule.title,
        severity=rule.severity if severity is None else severity,
        where=where,
        message=message,
        fix=rule.fix if fix is None else fix,
    )


def some(names: Iterable[str], *, most: int = 5) -> str:
    """List a few names and count the rest."""
    all_names = tuple(names)
    rest = len(all_names) - most
    return ", ".join(all_names[:most]) + (f" and {rest} more" if rest > 0 else "")
