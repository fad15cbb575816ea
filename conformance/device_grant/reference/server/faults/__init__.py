"""The misbehaviours of the reference server: one documented field each, all off in an honest server.

They prove that the suite's checks can fail. None of them belongs in a server that protects anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from device_grant.errors import UsageError
from device_grant.reference.server.faults.binding import BindingFaults
from device_grant.reference.server.faults.code_grant import CodeGrantFaults
from device_grant.reference.server.faults.cross_device import CrossDeviceFaults
from device_grant.reference.server.faults.ends import EndFaults
from device_grant.reference.server.faults.grants import GrantFaults
from device_grant.reference.server.faults.issued import IssuedFaults
from device_grant.reference.server.faults.messages import MessageFaults
from device_grant.reference.server.faults.mutual_tls import MutualTlsFaults
from device_grant.reference.server.faults.pages import PageFaults
from device_grant.reference.server.faults.possession import KeyFaults, ProofFaults
from device_grant.reference.server.faults.registration import RegistrationFaults
from device_grant.reference.server.faults.restjson import RestJsonFaults
from device_grant.reference.server.faults.secrets import SecretFaults
from device_grant.reference.server.faults.signed import SignedFaults
from device_grant.reference.server.faults.tokens import TokenFaults


@dataclass(frozen=True, kw_only=True)
class Faults(
    IssuedFaults,
    EndFaults,
    BindingFaults,
    CrossDeviceFaults,
    KeyFaults,
    ProofFaults,
    MutualTlsFaults,
    SignedFaults,
    CodeGrantFaults,
    PageFaults,
    RestJsonFaults,
    RegistrationFaults,
    SecretFaults,
    TokenFaults,
    MessageFaults,
    GrantFaults,
):
    """Which misbehaviours are on. `Faults()` is the honest server.

    A base for each subject; the fields of the last one come first.
    """

    kind: ClassVar[str] = "fault"
    listing: ClassVar[str] = "device-grant serve --faults (in Python: Faults.catalogue())"

    def require_dialect(self, dialect: str) -> None:
        """Raise UsageError if a fault is on that cannot show in this dialect."""
        for name, dialects, _ in self.catalogue():
            if getattr(self, name) and dialect not in dialects:
                raise UsageError(f"fault {name!r} does not exist in dialect {dialect}: it belongs to {dialects[0]}")
