"""The catalogue of normative statements and its loader."""

from conformance.requirements.loader import Catalogue, Source, load
from conformance.requirements.model import Level, Party, Requirement, Status, Verdict

__all__ = ["Catalogue", "Level", "Party", "Requirement", "Source", "Status", "Verdict", "load"]
