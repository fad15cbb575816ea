"""The catalogue of faults; that each of them is caught by a check is shown in test_proof.py."""

from __future__ import annotations

import pytest

from device_grant.errors import UsageError
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference import Faults, Settings, create_app


def test_every_fault_is_documented():
    catalogue = Faults.catalogue()
    assert len(catalogue) >= 100
    assert len({documentation for _, _, documentation in catalogue}) == len(catalogue)
    assert all(documentation.endswith(".") for _, _, documentation in catalogue)
    assert all(dialects in ((RFC8628, AWS_SSO_OIDC), (RFC8628,), (AWS_SSO_OIDC,)) for _, dialects, _ in catalogue)


def test_named():
    faults = Faults.named("code_reusable", "expires_early")
    assert faults.code_reusable
    assert set(faults.active) == {"code_reusable", "expires_early"}
    assert Faults.named() == Faults()
    with pytest.raises(UsageError, match="unknown fault 'code_reuseable': did you mean code_reusable"):
        Faults.named("code_reuseable")
    with pytest.raises(
        UsageError, match=r"device-grant serve --faults \(in Python: Faults\.catalogue\(\)\) lists them all"
    ):
        Faults.named("§§§§")


def test_faults_of_the_other_dialect_are_refused():
    with pytest.raises(UsageError, match="'error_type_missing' does not exist in dialect rfc8628"):
        create_app(Settings(), Faults.named("error_type_missing"))
