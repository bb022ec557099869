"""A layer for Caffe networks: hides a square of each picture in training, and lets pictures pass in validation and tests."""

import caffe
import numpy as np


class HideSquare(caffe.Layer):
    """``param_str`` is the side of the square in pixels."""

    def setup(self, bottom, top):
        self.side = int(self.param_str)
        self.rng = np.random.default_rng(1)
        self.hidden = np.zeros(0, bool)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data
        self.hidden = np.zeros(bottom[0].data.shape, bool)
        if self.phase != caffe.TRAIN:
            return
        count, _, height, width = bottom[0].data.shape
        tops = self.rng.integers(0, height - self.side + 1, count)
        lefts = self.rng.integers(0, width - self.side + 1, count)
        for number, (y, x) in enumerate(zip(tops, lefts, strict=True)):
            self.hidden[number, :, y : y + self.side, x : x + self.side] = True
        top[0].data[self.hidden] = 0

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = np.where(self.hidden, 0, top[0].diff)
