# The same in PyTorch. Without a loss of its own, a network whose dataset's answers are pictures learns their squared differences.
from torch import nn


class Autoencoder(nn.Module):
    def __init__(self, shape):
        super().__init__()
        size = shape[0] * shape[1] * shape[2]
        self.encode = nn.Sequential(nn.Flatten(), nn.Linear(size, 256), nn.ReLU(), nn.Linear(256, 32))
        self.decode = nn.Sequential(
            nn.Linear(32, 256), nn.ReLU(), nn.Linear(256, size), nn.Sigmoid(), nn.Unflatten(1, shape)
        )

    def forward(self, data):
        return self.decode(self.encode(data / 255))


def build_model(params):
    return Autoencoder(tuple(params.input_shape))
