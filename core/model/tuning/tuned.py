"""Towers with something to learn. Imports torch, so import this module inside functions only."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.encode.towers import Towers
from core.errors import TrainError
from core.model.tuning.layers import Prefix
from core.model.tuning.methods import METHODS, TuningSpec


class TunedTowers:
    """Towers with something to learn.

    Args:
        towers: Their model is changed in place, but not before the method is known to fit.
        spec: How to tune.

    Attributes:
        towers: The same.
        spec: The same.
        parameters: What is learned, by name.
        blends: Places between zero-shot (0) and tuned (1) that `set_blend` can take.

    Raises:
        TrainError: The method is unknown or cannot change this model.
    """

    def __init__(self, towers: Towers, spec: TuningSpec) -> None:
        if spec.method not in METHODS:
            raise TrainError(f"There is no tuning called {spec.method!r}. Choose {', '.join(METHODS)}.")
        method = METHODS[spec.method]
        places = method.find(towers)
        if not places:
            raise TrainError(
                f"The tuning “{spec.method}” finds nothing to change in this image-text model. Choose “full”, "
                "or “frozen”, which trains the fusion alone."
            )
        self.towers, self.spec = towers, spec
        towers.model.requires_grad_(False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(spec.seed)
            applied = method.apply(towers, spec, places)
        self.parameters: Mapping[str, nn.Parameter] = {
            name: one for name, one in towers.model.named_parameters() if one.requires_grad
        }
        self._allocator = applied.allocator
        moving = self.parameters if applied.zeros is None else applied.zeros
        self._start = {name: self.parameters[name].detach().clone() for name in moving}
        self._tuned = self.state()
        self.blends = (0.0, 1.0) if spec.method == "prefix" else (0.0, 0.25, 0.5, 0.75, 1.0)

    def counts(self) -> dict[str, int]:
        """How many numbers are learned in each tower."""
        found = {"picture": 0, "text": 0}
        for name, one in self.parameters.items():
            found["picture" if name.startswith("visual.") else "text"] += one.numel()
        return found

    def train(self) -> None:
        """Training mode; batch norms keep the statistics that they came with."""
        self.towers.model.train()
        for module in self.towers.model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()

    def penalty(self) -> Tensor | None:
        """What AdaLoRA adds to the loss to keep its factors orthogonal; None for the others.

        Source: Zhang et al. 2023, "AdaLoRA", equation 5, with its default weight of 0.5.
        """
        if self._allocator is None:
            return None
        found = []
        for name, one in self.parameters.items():
            if "lora_A" in name or "lora_B" in name:
                gram = one @ one.T if "lora_A" in name else one.T @ one
                found.append((gram - torch.eye(len(gram), device=one.device)).square().sum().sqrt())
        return 0.5 * torch.stack(found).mean()

    def after_step(self, step: int) -> None:
        """AdaLoRA moves its budget; call it after the optimiser's step, before gradients are cleared."""
        if self._allocator is None:
            return
        for one in self.parameters.values():
            one.grad = torch.zeros_like(one) if one.grad is None else one.grad
        self._allocator.update_and_allocate(step)

    def plan(self) -> dict[str, Tensor]:
        """What AdaLoRA has found out about its ranks; without it a run could not go on. Empty for the others."""
        if self._allocator is None:
            return {}
        ranks, kept = self._allocator.rankallocator, self._allocator.peft_config["default"].rank_pattern or {}
        return {
            **{f"mean.{name}": one for name, one in ranks.exp_avg_ipt.items()},
            **{f"spread.{name}": one for name, one in ranks.exp_avg_unc.items()},
            **{f"kept.{name}": torch.tensor(mask) for name, mask in kept.items()},
        }

    def set_plan(self, plan: Mapping[str, Tensor]) -> None:
        """Take what `plan` gave."""
        if self._allocator is None:
            return
        ranks = self._allocator.rankallocator
        ranks.reset_ipt()
        kept: dict[str, list[bool]] = {}
        for key, one in plan.items():
            kind, name = key.split(".", 1)
            if kind == "kept":
                kept[name] = one.tolist()
                continue
            device = self.parameters[name.removeprefix("model.")].device
            ranks.ipt[name] = torch.zeros_like(one, device=device)
            (ranks.exp_avg_ipt if kind == "mean" else ranks.exp_avg_unc)[name] = one.to(device)
        self._allocator.peft_config["default"].rank_pattern = kept

    def state(self) -> dict[str, Tensor]:
        """What is learned, by name; copies on the processor."""
        return {name: one.detach().cpu().clone() for name, one in self.parameters.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take what `state` gave.

        Raises:
            TrainError: It is of another model or method.
        """
        try:
            with torch.no_grad():
                for name, one in self.parameters.items():
                    one.copy_(state[name])
        except (KeyError, RuntimeError) as exc:
            raise TrainError("The tuned towers of this version do not fit its image-text model. Train again.") from exc
        self._tuned = self.state()

    def set_blend(self, blend: float) -> None:
        """Go to a place between zero-shot and what was loaded last: a straight line in the space of weights.

        Source: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT), equation 1.
        """
        with torch.no_grad():
            for name, start in self._start.items():
                one = self.parameters[name]
                one.copy_(torch.lerp(start.to(one.device), self._tuned[name].to(one.device), blend))
        for module in self.towers.model.modules():
            if isinstance(module, Prefix):
                module.on = blend > 0
