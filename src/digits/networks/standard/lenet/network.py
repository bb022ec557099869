"""LeNet for pictures of 28 x 28 in grey. Y. LeCun and others: Gradient-based learning applied to document recognition, 1998."""

from torch import nn


class LeNet(nn.Module):
    def __init__(self, channels, height, width, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 20, kernel_size=5)
        self.pool1 = nn.MaxPool2d(2, ceil_mode=True)
        self.conv2 = nn.Conv2d(20, 50, kernel_size=5)
        self.pool2 = nn.MaxPool2d(2, ceil_mode=True)
        height, width = (-(-(-(-(side - 4) // 2) - 4) // 2) for side in (height, width))
        self.ip1 = nn.Linear(50 * height * width, 500)
        self.relu1 = nn.ReLU()
        self.ip2 = nn.Linear(500, num_classes)

    def forward(self, data):
        x = data * 0.0125  # about 1 / (standard deviation of MNIST)
        x = self.pool1(self.conv1(x))
        x = self.pool2(self.conv2(x))
        x = self.relu1(self.ip1(x.flatten(1)))
        return self.ip2(x)


def build_model(params):
    model = LeNet(*params.input_shape, params.num_classes)
    for layer in (model.conv1, model.conv2, model.ip1, model.ip2):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    return {"model": model, "train_batch_size": 64, "val_batch_size": 32}
