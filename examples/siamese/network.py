# The same in PyTorch: one branch, called twice.
import torch
from torch import nn

MARGIN = 1.0


class Siamese(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, 20, 5),
            nn.MaxPool2d(2),
            nn.Conv2d(20, 40, 5),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.LazyLinear(128),
            nn.ReLU(),
            nn.Linear(128, 8),
        )

    def forward(self, data):
        first, second = (data / 255).chunk(2, dim=1)
        squares = (self.branch(first) - self.branch(second)).square().sum(1)
        scores = 8 * squares - 2 * MARGIN**2
        return {"scores": torch.stack((scores, -scores), 1), "squares": squares}


def contrastive_loss(made, labels):
    squares = made["squares"]
    apart = (MARGIN - (squares + 1e-12).sqrt()).clamp(min=0).square()
    return torch.where(labels == 1, squares, apart) / 2


def build_model(params):
    model = Siamese(params.input_shape[0] // 2)
    model(torch.zeros(1, *params.input_shape))
    return {"model": model, "loss": contrastive_loss}
