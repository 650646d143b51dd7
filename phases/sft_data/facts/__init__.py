"""Facts with short answers, found by rules: no model, no download.

In: documents and the chunks that may be asked about. Out: `FoundFact` records in document order. One file per kind of rule:
`tables`, `key_values` and `clauses` (sentences); `find` puts them together and drops what contradicts itself.
"""

from phases.sft_data.facts.find import Findings, find_all, find_facts
from phases.sft_data.facts.record import Asking, DocumentText, FoundFact

__all__ = ["Asking", "DocumentText", "Findings", "FoundFact", "find_all", "find_facts"]
