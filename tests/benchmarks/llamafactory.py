"""How a training job compares with LLaMA-Factory on the same model and texts: tokens per second of the training loop.

    python -m venv lf && lf/bin/pip install torch==2.13.0 transformers==5.6.0 trl==0.24.0 peft==0.18.1 accelerate==1.11.0 \
        datasets==4.0.0 gradio==5.50.0 av==16.0.0 einops fire hf-transfer matplotlib modelscope omegaconf "tyro<0.9" sse-starlette \
        tiktoken torchdata==0.11.0 sentencepiece scipy protobuf pydantic uvicorn fastapi
    lf/bin/pip install --no-deps llamafactory==0.9.5
    python -m tests.benchmarks.llamafactory --python lf/bin/python          (7 alternating runs; --runs N --epochs X)

In: the sample documents and the built-in model; LLaMA-Factory in a virtual environment of its own (it wants torchaudio, for
which this script puts an empty module in its way: nothing here makes sounds). Out: medians, spreads, ratios of neighbouring
runs. Both train a LoRA of the same rank with the same batch, length, rate and epochs in float32, log every step and save as
often. LLaMA-Factory computes in whatever the weights are stored in, so it is given a copy of the model in float32; with
`--stored` it gets the model as it is (bfloat16). tokens/s is what was read in the training loop by its running time;
LLaMA-Factory packs all texts into full sequences, a job keeps them apart.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from safetensors.torch import load_file, save_file

from phases.cpt.config import CptConfig
from phases.shared.files import read_json_lines
from phases.shared.jobs.queue import submit_job
from phases.shared.jobs.wait import wait_for_job
from phases.shared.models.base import BUILTIN_FOLDER
from phases.shared.project import Project
from tests.benchmarks.training import sample_project, spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, type=Path, help="the interpreter of LLaMA-Factory's environment")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--epochs", type=float, default=10.0)
    parser.add_argument("--stored", action="store_true", help="LLaMA-Factory computes in the precision that the model is stored in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LEHRLING_LOCKS"] = str(Path(folder, "locks"))
        config = CptConfig(preset="small", learning_rate=2e-3, epochs=given.epochs, max_length=512)
        projects, project = sample_project(Path(folder, "projects"))
        model = BUILTIN_FOLDER if given.stored else in_float32(Path(folder, "model"))
        jobs: list[float] = []
        theirs: list[float] = []
        for number in range(given.runs):
            jobs.append(job_speed(projects, project, config))
            theirs.append(factory_speed(given.python, model, project, config, Path(folder, f"factory-{number}")))
            print(f"{number + 1}: job {jobs[-1]:,.0f}  LLaMA-Factory {theirs[-1]:,.0f}", file=sys.stderr, flush=True)
        ratios = [one / other for one, other in zip(jobs, theirs, strict=True)]
    print("| | job | LLaMA-Factory | ratio job / LLaMA-Factory |\n| --- | --- | --- | --- |")
    print(f"| tokens/s | {spread(jobs)} | {spread(theirs)} | {spread(ratios)} |")


def job_speed(projects: Path, project: Project, config: CptConfig) -> float:
    job = submit_job(projects, project, "cpt", config)
    ended = wait_for_job(projects, job.id, lambda _: None)
    if ended.state != "done" or not ended.result:
        raise SystemExit(f"The job is {ended.state}: {ended.error}")
    return ended.result["tokens"] / ended.result["seconds"]


def in_float32(folder: Path) -> Path:
    """A copy of the built-in model whose weights are stored as a job holds them."""
    shutil.copytree(BUILTIN_FOLDER, folder)
    weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**settings, "dtype": "float32"}), encoding="utf-8")
    return folder


def factory_speed(python: Path, model: Path, project: Project, config: CptConfig, folder: Path) -> float:
    """One run of LLaMA-Factory's pretraining stage on the texts of the newest job."""
    (folder / "stubs" / "torchaudio").mkdir(parents=True)
    (folder / "stubs" / "torchaudio" / "__init__.py").touch()
    newest = max(project.root.glob("runs/*/inputs/texts.jsonl"), key=lambda path: path.stat().st_mtime)
    texts = [{"text": one["text"]} for one in read_json_lines(newest)]
    (folder / "texts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in texts), encoding="utf-8")
    (folder / "dataset_info.json").write_text(json.dumps({"texts": {"file_name": "texts.jsonl", "columns": {"prompt": "text"}}}))
    settings = {
        "model_name_or_path": str(model), "stage": "pt", "do_train": True, "finetuning_type": "lora", "lora_target": "all",
        "lora_rank": config.lora_rank, "lora_alpha": 2 * config.lora_rank, "dataset": "texts", "dataset_dir": str(folder),
        "cutoff_len": config.max_length, "output_dir": str(folder / "out"), "logging_steps": 1, "save_steps": 0.1,
        "per_device_train_batch_size": config.batch_size, "gradient_accumulation_steps": config.gradient_accumulation,
        "learning_rate": config.learning_rate, "num_train_epochs": config.epochs, "lr_scheduler_type": "cosine",
        "weight_decay": config.weight_decay, "max_grad_norm": config.max_grad_norm, "bf16": False, "use_cpu": True,
        "disable_gradient_checkpointing": True, "include_num_input_tokens_seen": True, "report_to": "none",
        "template": "empty", "trust_remote_code": False, "overwrite_output_dir": True}
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(folder / "stubs"), "DISABLE_VERSION_CHECK": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([python, "-m", "llamafactory.cli", "train", str(folder / "settings.yaml")], cwd=folder, env=environment,
                          capture_output=True, text=True, check=False)
    results = folder / "out" / "train_results.json"
    if not results.is_file():
        raise SystemExit((done.stdout + done.stderr)[-3000:])
    found = json.loads(results.read_text(encoding="utf-8"))
    return found["num_input_tokens_seen"] / found["train_runtime"]


if __name__ == "__main__":
    main()
