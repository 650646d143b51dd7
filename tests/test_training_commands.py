"""The flags of `cpt` and `sft` that look ahead: plan, probe, settings in and out; typed as a person types them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.conftest import Commands
from tests.tiny_project import make_project

SMALL = ("--max-length", "48", "--lora-rank", "4", "--threads", "1", "--learning-rate", "0.01")


@pytest.fixture
def lamps(tmp_path: Path, lehrling: Commands) -> Commands:
    lehrling.projects.rmdir()
    make_project(tmp_path)
    return lehrling


def test_settings_go_out_and_in_and_can_be_kept(lamps: Commands, tmp_path: Path) -> None:
    printed = lamps("cpt", "lamps", *SMALL, "--print-config")
    assert yaml.safe_load(printed.out) == {"kind": "cpt", "preset": "standard", "method": "lora", "learning_rate": 0.01, "max_length": 48,
                                           "lora_rank": 4, "threads": 1}
    (tmp_path / "mine.yaml").write_text(printed.out)
    again = lamps("cpt", "lamps", "--config", str(tmp_path / "mine.yaml"), "--epochs", "9", "--print-config")
    assert yaml.safe_load(again.out) == {**yaml.safe_load(printed.out), "epochs": 9.0}
    wrong = lamps("sft", "lamps", "--config", str(tmp_path / "mine.yaml"))
    assert wrong.code == 2 and "for cpt, not for sft" in wrong.err
    (tmp_path / "mine.yaml").write_text("epoch: 3\n")
    wrong = lamps("cpt", "lamps", "--config", str(tmp_path / "mine.yaml"))
    assert wrong.code == 2 and "'epoch' is not a setting. Perhaps epochs? Known settings: " in wrong.err
    assert "begin with these" in lamps("cpt", "lamps", "--epochs", "7", "--keep").out
    assert yaml.safe_load(lamps("cpt", "lamps", "--print-config").out)["epochs"] == 7.0


def test_a_plan_refuses_the_time_that_the_start_would_refuse(lamps: Commands) -> None:
    for word, said in (("2020-01-01 10:00", "is past"), ("tonight", "is no time")):
        wrong = lamps("cpt", "lamps", *SMALL, "--at", word, "--plan")
        assert wrong.code == 2 and said in wrong.err
    assert "There is no job 'cpt-0'" in lamps("cpt", "lamps", *SMALL, "--after", "cpt-0", "--plan").err
    assert "each text is read once," in lamps("cpt", "lamps", *SMALL, "--epochs", "1", "--at", "22:00", "--plan").out


def test_a_plan_is_measured_by_a_probe_that_is_a_job(lamps: Commands) -> None:
    plan = lamps("cpt", "lamps", *SMALL, "--plan", "--json").json["plan"]
    assert plan["ready"] and plan["seconds"] is None and plan["steps"] > 0 and plan["exact"]
    measured = lamps("cpt", "lamps", *SMALL, "--probe")
    assert measured.code == 0 and "(measured)" in measured.out and "ready to start" in measured.out, measured.err
    again = lamps("cpt", "lamps", *SMALL, "--epochs", "30", "--plan", "--json").json["plan"]
    assert again["seconds_from"] == again["memory_from"] == "probe" and again["seconds"] > 0
    assert [one["id"][:9] for one in lamps("jobs", "lamps", "--json").json["jobs"]] == ["cpt-probe"]
    assert not (lamps.projects / "lamps" / "models" / "cpt_model").exists()


def test_a_plan_that_cannot_start_says_what_is_missing(lamps: Commands) -> None:
    said = lamps("sft", "lamps", "--plan")
    assert said.code == 1 and "not ready" in said.out and "missing: There is no CPT model yet" in said.out


def test_runs_that_are_not_there_cannot_be_compared(lamps: Commands) -> None:
    said = lamps("compare", "lamps", "cpt-1", "cpt-2")
    assert said.code == 1 and "There is no job 'cpt-1'" in said.err
