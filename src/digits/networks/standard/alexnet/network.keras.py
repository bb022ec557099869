"""AlexNet for pictures of 256 x 256, of which it sees 227 x 227. A. Krizhevsky and others: ImageNet classification, 2012."""

from keras import initializers, layers, ops
from model import Tower
from utils import model_property


class LocalResponseNorm(layers.Layer):
    """Divides each value by what its five neighbours among the channels amount to."""

    def call(self, x):
        squares = ops.average_pool(ops.expand_dims(ops.square(x), -1), (1, 1, 5), strides=1, padding="same")
        return x / (1 + 1e-4 * squares[..., 0]) ** 0.75


def conv(filters, kernel, name, *, stride=1, groups=1, bias=0.0):
    padding = "valid" if stride > 1 else "same"
    return layers.Conv2D(
        filters, kernel, strides=stride, padding=padding, groups=groups, activation="relu", name=name,
        kernel_initializer=initializers.RandomNormal(stddev=0.01), bias_initializer=initializers.Constant(bias),
    )  # fmt: skip


def dense(units, name, *, std=0.005, bias=0.1, activation="relu"):
    return layers.Dense(
        units, activation=activation, name=name,
        kernel_initializer=initializers.RandomNormal(stddev=std), bias_initializer=initializers.Constant(bias),
    )  # fmt: skip


class UserModel(Tower):
    crop_size = 227
    train_batch_size = 128
    val_batch_size = 32

    @model_property
    def inference(self):
        x = conv(96, 11, "conv1", stride=4)(self.x)
        x = layers.MaxPooling2D(3, 2, name="pool1")(LocalResponseNorm(name="norm1")(x))
        x = conv(256, 5, "conv2", groups=2, bias=0.1)(x)
        x = layers.MaxPooling2D(3, 2, name="pool2")(LocalResponseNorm(name="norm2")(x))
        x = conv(384, 3, "conv3")(x)
        x = conv(384, 3, "conv4", groups=2, bias=0.1)(x)
        x = conv(256, 3, "conv5", groups=2, bias=0.1)(x)
        x = layers.Flatten(name="flatten")(layers.MaxPooling2D(3, 2, name="pool5")(x))
        x = layers.Dropout(0.5, name="drop6")(dense(4096, "fc6")(x))
        x = layers.Dropout(0.5, name="drop7")(dense(4096, "fc7")(x))
        return dense(self.nclasses, "fc8", std=0.01, bias=0.0, activation=None)(x)
