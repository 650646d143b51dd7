"""A batch that grows with the noise of its gradients: AdamW that gathers batches until one more would teach little.

In: the gradients of one batch after the other. Out: a step for as many of them as the gradient noise scale asks for. Its state is in
the optimizer's own, and so in every checkpoint: a resumed run gathers on where it was. For child processes only (torch).

The noise scale is tr(S)/|G|^2, estimated without bias from the squared norms of the gradient of one batch and of several
(McCandlish et al. 2018, An Empirical Model of Large-Batch Training, arXiv 1812.06162, appendix A.1).
"""

from __future__ import annotations

import math
from typing import Any

import torch

FEWEST = 2  # the estimate needs gradients of two sizes
SMOOTHING = 0.9
STEPS_BETWEEN = 4


def estimate(small: float, big: float, batch: float, gathered: int) -> tuple[float, float]:
    """(|G|^2, tr(S)) from the mean squared norm of the gradients of `batch` examples, and that of `gathered` such batches together."""
    many = batch * gathered
    return (many * big - batch * small) / (many - batch), (small - big) / (1 / batch - 1 / many)


class GatheringAdamW(torch.optim.AdamW):
    """AdamW whose `step` is called after every batch and changes the weights after several.

    Args:
        batch: examples of one batch. most: batches gathered at most. clipping: longest gradient of a step.
    """

    def __init__(self, params: Any, *, batch: int, most: int, clipping: float, **usual: Any) -> None:
        super().__init__(params, **usual)
        self.batch, self.most, self.clipping = batch, most, clipping
        self.sums: list[torch.Tensor] = []
        self.kept = {"gathered": 0, "wanted": FEWEST, "steps": 0, "squares": 0.0, "signal": 0.0, "noise": 0.0}

    @property
    def noise_scale(self) -> float | None:
        """Examples beyond which a larger batch saves few steps; None before the first estimate, or where noise hides the gradient."""
        if not self.kept["steps"] or self.kept["signal"] <= 0:
            return None
        return max(0.0, self.kept["noise"] / self.kept["signal"])

    def step(self, closure: Any = None) -> None:
        """Take in the gradients of one batch; with enough of them, change the weights."""
        gradients = [one.grad for one in self._trained()]
        self.sums = self.sums or [torch.zeros_like(one) for one in gradients]
        for total, gradient in zip(self.sums, gradients, strict=True):
            total += gradient
        self.kept["squares"] += _square(gradients)
        self.kept["gathered"] += 1
        if self.kept["gathered"] >= self.kept["wanted"]:
            self.finish_step()

    def finish_step(self) -> None:
        """Change the weights by what was gathered, also when that is less than wanted (at the end of a run)."""
        gathered = self.kept["gathered"]
        if not gathered:
            return
        for parameter, total in zip(self._trained(with_gradient=False), self.sums, strict=True):
            parameter.grad = total / gathered
        self._learn_noise(gathered, _square([one.grad for one in self._trained()]))
        torch.nn.utils.clip_grad_norm_(self._trained(), self.clipping)
        super().step()
        self.zero_grad()
        self.sums = []
        self.kept |= {"gathered": 0, "squares": 0.0, "steps": self.kept["steps"] + 1}
        if self.kept["steps"] % STEPS_BETWEEN == 0:
            self.kept["wanted"] = self._next_size()

    def _learn_noise(self, gathered: int, big: float) -> None:
        if gathered < FEWEST:
            return
        signal, noise = estimate(self.kept["squares"] / gathered, big, self.batch, gathered)
        share = SMOOTHING if self.kept["steps"] else 0.0
        self.kept["signal"] = share * self.kept["signal"] + (1 - share) * signal
        self.kept["noise"] = share * self.kept["noise"] + (1 - share) * noise

    def _next_size(self) -> int:
        """As many batches as the noise scale asks for, at most twice and at least half as many as before."""
        scale = self.noise_scale
        asked = self.most if scale is None else math.ceil(scale / self.batch)
        return max(FEWEST, self.kept["wanted"] // 2, min(asked, self.most, 2 * self.kept["wanted"]))

    def _trained(self, with_gradient: bool = True) -> list[torch.Tensor]:
        every = [one for group in self.param_groups for one in group["params"] if one.requires_grad]
        return [one for one in every if one.grad is not None] if with_gradient else every

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "gathering": {**self.kept, "sums": self.sums}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "gathering"})
        self.kept = {key: value for key, value in state_dict["gathering"].items() if key != "sums"}
        self.sums = [one.to(parameter.device) for one, parameter in
                     zip(state_dict["gathering"]["sums"], self._trained(with_gradient=False), strict=False)]


def _square(gradients: list[torch.Tensor]) -> float:
    """The squared length of all gradients together."""
    return float(sum(one.double().pow(2).sum() for one in gradients))
