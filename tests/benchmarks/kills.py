"""Kill a training with SIGKILL at many moments and see whether it ends in the same bytes.

    python -m tests.benchmarks.kills --points 50 [--seed 1] [--pieces 1]

In: how many kills, half of them at saves, and the seed they are drawn from; `--pieces` spreads them over several runs. Out: what
each kill met, and at the end whether the weights and loss.jsonl equal the uninterrupted run's byte for byte and no kill cost more
steps than were made since the last save. Exit code 1 when not. CPU, one thread; about five seconds a kill.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.shared.training.kills import Found, draw_moments, finish, kill_at, lines_of, outcome
from tests.tiny_project import make_project, prepare_job

EPOCHS, INTERVAL = 60, 7


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=50, help="kills in all")
    parser.add_argument("--pieces", type=int, default=1, help="runs that they are spread over")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    found: list[Found] = []
    same = True
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder))
        for piece in range(given.pieces):
            prepare_job(project, "cpt", f"killed{piece}", epochs=EPOCHS, save_steps=INTERVAL, lora_dropout=0.1)
        prepare_job(project, "cpt", "whole", epochs=EPOCHS, save_steps=INTERVAL, lora_dropout=0.1)
        finish(project, "whole")
        for piece in range(given.pieces):
            points = given.points // given.pieces + (piece < given.points % given.pieces)
            for moment in draw_moments(points, lines_of(project, "whole"), INTERVAL, given.seed + piece):
                found.append(kill_at(project, f"killed{piece}", moment))
                print(tell(len(found), found[-1]), flush=True)
            finish(project, f"killed{piece}")
            same = same and outcome(project, f"killed{piece}") == outcome(project, "whole")
    most = max(one.repeated for one in found)
    inside = sum(one.inside_save for one in found)
    print(f"\n{len(found)} kills, {inside} inside a save of a checkpoint, {sum(one.moment.kind == 'result' for one in found)} while the result "
          f"was written.\nWeights and losses equal the uninterrupted run's: {'yes' if same else 'NO'}. Steps repeated after a kill: "
          f"{most} at most, with a save every {INTERVAL}.")
    return 0 if same and most <= INTERVAL else 1


def tell(number: int, one: Found) -> str:
    return (f"{number:3}. {one.moment.kind:6} {one.moment.step:4}: step {one.last_step}, whole checkpoint {one.saved_step}, "
            f"{one.repeated} to repeat{', inside a save' if one.inside_save else ''}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
