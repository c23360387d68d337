"""Who stands behind whom."""

from __future__ import annotations


class Forest:
    """Links from what moved to what made it move; refuses a link that would close a circle."""

    def __init__(self) -> None:
        """Begin with everything standing alone."""
        self._parents: dict[int, int] = {}

    def root(self, member: int) -> int:
        """Return the head of a member's tree; paths are shortened on the way, so chains stay cheap."""
        head = member
        while head in self._parents:
            head = self._parents[head]
        while member != head:
            self._parents[member], member = head, self._parents[member]
        return head

    def link(self, child: int, parent: int) -> bool:
        """Put a head behind another tree; say whether that was done."""
        head = self.root(parent)
        if child in self._parents or head == child:
            return False
        self._parents[child] = head
        return True
