"""GoogLeNet for pictures of 256 x 256, of which it sees 224 x 224. C. Szegedy and others: Going deeper with convolutions, 2015."""

import utils as digits
from keras import initializers, layers, ops
from model import Tower
from utils import model_property


class LocalResponseNorm(layers.Layer):
    """Divides each value by what its five neighbours among the channels amount to."""

    def call(self, x):
        squares = ops.average_pool(ops.expand_dims(ops.square(x), -1), (1, 1, 5), strides=1, padding="same")
        return x / (1 + 1e-4 * squares[..., 0]) ** 0.75


def conv(x, filters, kernel, name, stride=1):
    bias = initializers.Constant(0.2)
    return layers.Conv2D(
        filters, kernel, strides=stride, padding="same", activation="relu", bias_initializer=bias, name=name
    )(x)


def pool(x, name, stride=2):
    return layers.MaxPooling2D(3, stride, padding="same", name=name)(x)


def inception(x, name, one, reduce3, three, reduce5, five, pooled):
    """Four branches side by side: 1 x 1, 3 x 3, 5 x 5 and pooled."""
    branches = [
        conv(x, one, 1, f"{name}_1x1"),
        conv(conv(x, reduce3, 1, f"{name}_3x3_reduce"), three, 3, f"{name}_3x3"),
        conv(conv(x, reduce5, 1, f"{name}_5x5_reduce"), five, 5, f"{name}_5x5"),
        conv(pool(x, f"{name}_pool", 1), pooled, 1, f"{name}_pool_proj"),
    ]
    return layers.Concatenate(name=f"{name}_output")(branches)


class UserModel(Tower):
    crop_size = 224
    train_batch_size = 32
    val_batch_size = 16

    @model_property
    def heads(self):
        x = pool(conv(self.x, 64, 7, "conv1", 2), "pool1")
        x = conv(LocalResponseNorm(name="norm1")(x), 64, 1, "conv2_reduce")
        x = pool(LocalResponseNorm(name="norm2")(conv(x, 192, 3, "conv2")), "pool2")
        x = inception(x, "inception_3a", 64, 96, 128, 16, 32, 32)
        x = pool(inception(x, "inception_3b", 128, 128, 192, 32, 96, 64), "pool3")
        x = first = inception(x, "inception_4a", 192, 96, 208, 16, 48, 64)
        x = inception(x, "inception_4b", 160, 112, 224, 24, 64, 64)
        x = inception(x, "inception_4c", 128, 128, 256, 24, 64, 64)
        x = second = inception(x, "inception_4d", 112, 144, 288, 32, 64, 64)
        x = pool(inception(x, "inception_4e", 256, 160, 320, 32, 128, 128), "pool4")
        x = inception(x, "inception_5a", 256, 160, 320, 32, 128, 128)
        x = inception(x, "inception_5b", 384, 192, 384, 48, 128, 128)
        x = layers.Dropout(0.4, name="drop")(layers.GlobalAveragePooling2D(name="pool5")(x))
        main = layers.Dense(self.nclasses, name="classifier")(x)
        return main, self.side(first, "side1"), self.side(second, "side2")

    def side(self, x, name):
        """Answers from the middle of the network, so that gradients reach its beginning."""
        x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
        x = layers.Flatten(name=f"{name}_flatten")(conv(x, 128, 1, f"{name}_conv"))
        x = layers.Dense(1024, activation="relu", name=f"{name}_fc")(x)
        return layers.Dense(self.nclasses, name=f"{name}_classifier")(layers.Dropout(0.7, name=f"{name}_drop")(x))

    @model_property
    def inference(self):
        return self.heads[0]

    @model_property
    def loss(self):
        main, side1, side2 = (digits.classification_loss(each, self.y) for each in self.heads)
        return main + 0.3 * (side1 + side2)
