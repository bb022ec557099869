# The same in PyTorch, for texts of any length: convolutions along one dimension.
from torch import nn


class Characters(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.embed = nn.Embedding(256, 16)
        self.conv = nn.Conv1d(16, 64, 7)
        self.topics = nn.Sequential(nn.Dropout(0.2), nn.Linear(64, num_classes))

    def forward(self, data):
        values = self.embed(data[:, 0, 0].long()).transpose(1, 2)
        return self.topics(self.conv(values).relu().amax(2))


def build_model(params):
    return {"model": Characters(params.num_classes), "use_mean": "none"}
