"""LeNet for pictures of 28 x 28 in grey. Y. LeCun and others: Gradient-based learning applied to document recognition, 1998."""

import utils as digits
from keras import layers
from model import Tower
from utils import model_property


class UserModel(Tower):
    train_batch_size = 64
    val_batch_size = 32

    @model_property
    def inference(self):
        x = self.x * 0.0125  # about 1 / (standard deviation of MNIST)
        x = layers.Conv2D(20, 5, name="conv1")(x)
        x = layers.MaxPooling2D(2, padding="same", name="pool1")(x)
        x = layers.Conv2D(50, 5, name="conv2")(x)
        x = layers.MaxPooling2D(2, padding="same", name="pool2")(x)
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(500, activation="relu", name="ip1")(x)
        return layers.Dense(self.nclasses, name="ip2")(x)

    @model_property
    def loss(self):
        return digits.classification_loss(self.inference, self.y)
