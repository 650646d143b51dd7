"""The table of models: what each was made from, and Delete, which asks once more and names what was made from the model."""

from __future__ import annotations

from phases.shared.models.overview import ModelRow
from phases.shared.ui.panels.models import models_html

CPT = ModelRow("cpt-<b>", "cpt", "adapter", "builtin", "base", "cpt-1", "2026-01-01T00:00:00+00:00",
               {"perplexity_before": 12.0, "perplexity_after": 7.25, "general_before": 20.0, "general_after": 33.0}, 2048, ("final", "final-x"))
FINAL = ModelRow("final", "sft", "full", "builtin", "cpt-<b>", "sft-1", "2026-01-01T00:00:00+00:00", {"validation_loss": 1.5}, None, ())


def test_a_model_is_deleted_by_a_second_click_only() -> None:
    drawn = models_html("cpt", [CPT, FINAL])
    assert 'data-act="delete"' in drawn and "delete-now" not in drawn and "cpt-<b>" not in drawn
    assert "perplexity 12.0 → 7.2" in drawn and "general text 20.0 → 33.0" in drawn and "held-out loss 1.50" in drawn and "2.0 KiB" in drawn
    asked = models_html("cpt", [CPT, FINAL], CPT.name)
    assert asked.count('data-act="delete-now"') == 1 and asked.count('data-act="delete"') == 1 and 'data-act="keep"' in asked
    assert "The run that made it stays." in asked and "Made from it: final, final-x" in asked
    assert "No model yet" in models_html("sft", [])
