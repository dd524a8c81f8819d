"""Contracts in the Open Data Contract Standard 3.1, for catalogues and tools that know the standard.

What the standard lacks stands in `customProperties`: with terms of the W3C Data Privacy Vocabulary (`dpv:`), or of the bus
(`bus:`). An export that is imported again is the same contract.
"""

from bus.contracts.odcs.official import OdcsInvalid
from bus.contracts.odcs.read import OdcsAnswers, OdcsSaysMore, read_odcs
from bus.contracts.odcs.write import write_odcs

__all__ = ["OdcsAnswers", "OdcsInvalid", "OdcsSaysMore", "read_odcs", "write_odcs"]
