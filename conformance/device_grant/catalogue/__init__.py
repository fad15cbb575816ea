"""The catalogue of normative statements and its loader."""

from device_grant.catalogue.loader import Catalogue, Source, load
from device_grant.catalogue.model import Level, Party, Requirement, Status, Verdict

__all__ = ["Catalogue", "Level", "Party", "Requirement", "Source", "Status", "Verdict", "load"]
