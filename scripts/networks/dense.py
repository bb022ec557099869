"""Networks that answer at each place of a picture: FCN-AlexNet and FCN-8s with a class, DetectNet with boxes."""

from __future__ import annotations

from scripts.networks.plain import GAUSSIAN, XAVIER, vgg_features
from scripts.networks.prototxt import (
    ANSWERS,
    FIXED,
    LEARNS,
    NOT_ANSWERS,
    VALIDATES,
    concat,
    conv,
    definition,
    dropout,
    layer,
    lrn,
    pool,
    relu,
)

MEAN = 116
"""Of the three mean colours of ImageNet, their mean."""
FCN_PAPER = "J. Long, E. Shelhamer, T. Darrell: Fully convolutional networks for semantic segmentation, 2015."


def fcn_alexnet() -> str:
    """Return AlexNet as convolutions, enlarged 32 times in one step."""
    return definition(
        "FCN-AlexNet",
        ["AlexNet that says at each place which class is there, for pictures of any size.", FCN_PAPER],
        _pairs(), _shift("shifted_data", MEAN),
        conv("conv1", "shifted_data", 96, 11, stride=4, pad=100, filler=GAUSSIAN), relu("relu1", "conv1"),
        lrn("norm1", "conv1"), pool("pool1", "norm1", "MAX", 3, stride=2),
        conv("conv2", "pool1", 256, 5, pad=2, group=2, filler=GAUSSIAN, bias_value=0.1), relu("relu2", "conv2"),
        lrn("norm2", "conv2"), pool("pool2", "norm2", "MAX", 3, stride=2),
        conv("conv3", "pool2", 384, 3, pad=1, filler=GAUSSIAN), relu("relu3", "conv3"),
        conv("conv4", "conv3", 384, 3, pad=1, group=2, filler=GAUSSIAN, bias_value=0.1), relu("relu4", "conv4"),
        conv("conv5", "conv4", 256, 3, pad=1, group=2, filler=GAUSSIAN, bias_value=0.1), relu("relu5", "conv5"),
        pool("pool5", "conv5", "MAX", 3, stride=2), _scores("pool5", 6),
        _upscore("upscore", "score_fr", "upscore", 63, 32), _crop("score", "upscore shifted_data", 18),
        _segmentation_end(),
    )  # fmt: skip


def fcn32s() -> str:
    """Return VGG-16 as convolutions, enlarged 32 times in one step."""
    return _fcn_vgg(
        "FCN-32s",
        _upscore("upscore_bilinear", "score_fr", "upscore", 64, 32),
        _crop("score", "upscore shifted_data", 19),
    )


def fcn16s() -> str:
    """Return VGG-16 as convolutions, its scores enlarged in two steps with those of an earlier, finer layer added."""
    return _fcn_vgg(
        "FCN-16s", *_finer(),
        _upscore("upscore16_bilinear", "fuse_pool4", "upscore16", 32, 16), _crop("score", "upscore16 shifted_data", 27),
    )  # fmt: skip


def fcn8s() -> str:
    """Return VGG-16 as convolutions, its scores enlarged in three steps with those of earlier, finer layers added."""
    return _fcn_vgg(
        "FCN-8s", *_finer(),
        _upscore("upscore_pool4_bilinear", "fuse_pool4", "upscore_pool4", 4, 2),
        conv("score_pool3", "pool3", None, 1, filler=GAUSSIAN), _crop("score_pool3c", "score_pool3 upscore_pool4", 9),
        layer("fuse_pool3", "Eltwise", "upscore_pool4 score_pool3c", "fuse_pool3", "eltwise_param { operation: SUM }"),
        _upscore("upscore8_bilinear", "fuse_pool3", "upscore8", 16, 8), _crop("score", "upscore8 shifted_data", 31),
    )  # fmt: skip


def _fcn_vgg(name: str, *enlarging: str) -> str:
    """Return VGG-16 as convolutions, and what enlarges its scores.

    The published weights hold each enlargement as a full matrix of classes, of which all but the diagonal is 0. Here each class has its own
    filter, in layers of other names, so that copying by name passes those matrices over and bilinear interpolation stays what it is.
    """
    return definition(
        name, ["VGG-16 that says at each place which class is there, for pictures of any size.", FCN_PAPER],
        _pairs(), _shift("shifted_data", MEAN), vgg_features("shifted_data", first_pad=100), _scores("pool5", 7),
        *enlarging, _segmentation_end(),
    )  # fmt: skip


def _finer() -> tuple[str, ...]:
    """Return the first enlargement, and the scores of pool4 added to it."""
    return (
        _upscore("upscore2_bilinear", "score_fr", "upscore2", 4, 2),
        conv("score_pool4", "pool4", None, 1, filler=GAUSSIAN), _crop("score_pool4c", "score_pool4 upscore2", 5),
        layer("fuse_pool4", "Eltwise", "upscore2 score_pool4c", "fuse_pool4", "eltwise_param { operation: SUM }"),
    )  # fmt: skip


def _pairs(batch: int = 1) -> str:
    """Return the four data layers of a network whose labels are pictures: one database of each for training and validation."""
    return "".join(
        layer(f"{stage}_{top}", "Data", "", top, f"data_param {{ batch_size: {batch} }}", rule)
        for stage, rule in (("train", LEARNS), ("val", VALIDATES))
        for top in ("data", "label")
    )


def _shift(top: str, mean: int) -> str:
    return layer("shift", "Power", "data", top, f"power_param {{ shift: -{mean} }}")


def _scores(bottom: str, kernel: int) -> str:
    """Return what were fully connected layers, as convolutions, and the score of each class."""
    return (
        conv("fc6", bottom, 4096, kernel, filler=XAVIER) + relu("relu6", "fc6") + dropout("drop6", "fc6")
        + conv("fc7", "fc6", 4096, 1, filler=XAVIER) + relu("relu7", "fc7") + dropout("drop7", "fc7")
        + conv("score_fr", "fc7", None, 1, filler=GAUSSIAN)
    )  # fmt: skip


def _upscore(name: str, bottom: str, top: str, kernel: int, stride: int) -> str:
    fields = f"kernel_size: {kernel} stride: {stride} bias_term: false"
    return layer(
        name, "Deconvolution", bottom, top, *FIXED,
        "convolution_param {", f"  {fields}", '  weight_filler { type: "bilinear" }', "}",
    )  # fmt: skip


def _crop(name: str, bottoms: str, offset: int) -> str:
    return layer(name, "Crop", bottoms, name, f"crop_param {{ axis: 2 offset: {offset} }}")


def _segmentation_end() -> str:
    """Return loss and accuracy; which label is of no class the dataset says."""
    return layer("loss", "SoftmaxWithLoss", "score label", "loss", NOT_ANSWERS) + layer(
        "accuracy", "Accuracy", "score label", "accuracy", VALIDATES
    )


WIDTH, HEIGHT, STRIDE, CLASSES = 1248, 384, 16, 1
INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32), "3b": (128, 128, 192, 32, 96, 64), "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64), "4c": (128, 128, 256, 24, 64, 64), "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128), "5a": (256, 160, 320, 32, 128, 128), "5b": (384, 192, 384, 48, 128, 128),
}  # fmt: skip
"""GoogLeNet's table: channels of 1x1, 3x3 reduced, 3x3, 5x5 reduced, 5x5, and projected pool."""


def detectnet() -> str:
    """Return GoogLeNet without its last pooling and classifier, with a coverage and a box at each cell of 16 x 16 pixels."""
    return definition(
        "DetectNet",
        [
            "DetectNet finds the objects of one class (cars, say) in pictures of 1248 x 384: GoogLeNet, which says for each cell of",
            "16 x 16 pixels whether an object covers it and where that object's box lies.",
            "A. Tao, J. Barker, S. Sarathy: DetectNet: Deep neural network for object detection in DIGITS, 2016.",
        ],
        _pairs(batch=2), _targets(), _googlenet("transformed_data"), _heads(), _detection_losses(), _boxes(),
    )  # fmt: skip


def _targets() -> str:
    """Return what turns pictures and lists of boxes into what is learned at each cell."""
    grid = (
        "detectnet_groundtruth_param {",
        f"  stride: {STRIDE} scale_cvg: 0.4 gridbox_type: GRIDBOX_MIN min_cvg_len: 20",
        f"  image_size_x: {WIDTH} image_size_y: {HEIGHT} obj_norm: true crop_bboxes: false",
        "}",
    )
    changes = (
        "detectnet_augmentation_param {",
        "  crop_prob: 1 shift_x: 32 shift_y: 32 scale_prob: 0.4 scale_min: 0.8 scale_max: 1.2 flip_prob: 0.5",
        "  rotation_prob: 0 max_rotate_degree: 5 hue_rotation_prob: 0.8 hue_rotation: 30",
        "  desaturation_prob: 0.8 desaturation_max: 0.8",
        "}",
    )
    mean = "transform_param { mean_value: 127 }"
    tops = "foreground-label bbox-label size-label obj-label coverage-label"
    slices = "slice_param { axis: 1 slice_point: 1 slice_point: 5 slice_point: 7 slice_point: 8 }"
    product = "eltwise_param { operation: PROD }"
    transformed = "transformed_data transformed_label"
    return (
        layer("train_transform", "DetectNetTransformation", "data label", transformed, *grid, *changes, mean, LEARNS)
        + layer("val_transform", "DetectNetTransformation", "data label", transformed, *grid, mean, VALIDATES)
        + layer("deploy_transform", "Power", "data", "transformed_data", "power_param { shift: -127 }", ANSWERS)
        + layer("slice-label", "Slice", "transformed_label", tops, slices, NOT_ANSWERS)
        + _repeated("coverage-block", "foreground-label", 4) + _repeated("size-block", "size-label", 2)
        + _repeated("obj-block", "obj-label", 4)
        + layer("bb-label-norm", "Eltwise", "bbox-label size-block", "bbox-label-norm", product, NOT_ANSWERS)
        + layer("bb-obj-norm", "Eltwise", "bbox-label-norm obj-block", "bbox-obj-label-norm", product, NOT_ANSWERS)
    )  # fmt: skip


def _repeated(name: str, bottom: str, times: int) -> str:
    return layer(name, "Concat", " ".join([bottom] * times), name, NOT_ANSWERS)


def _googlenet(bottom: str) -> str:
    text = (
        _conv("conv1/7x7_s2", "conv1/relu_7x7", bottom, 64, 7, stride=2, pad=3)
        + pool("pool1/3x3_s2", "conv1/7x7_s2", "MAX", 3, stride=2) + lrn("pool1/norm1", "pool1/3x3_s2")
        + _conv("conv2/3x3_reduce", "conv2/relu_3x3_reduce", "pool1/norm1", 64, 1)
        + _conv("conv2/3x3", "conv2/relu_3x3", "conv2/3x3_reduce", 192, 3, pad=1)
        + lrn("conv2/norm2", "conv2/3x3") + pool("pool2/3x3_s2", "conv2/norm2", "MAX", 3, stride=2)
    )  # fmt: skip
    blob = "pool2/3x3_s2"
    for name, channels in INCEPTION.items():
        text += _inception(f"inception_{name}", blob, channels)
        blob = f"inception_{name}/output"
        if name == "3b":
            text += pool("pool3/3x3_s2", blob, "MAX", 3, stride=2)
            blob = "pool3/3x3_s2"
    return text + layer("pool5/drop_s1", "Dropout", blob, "pool5/drop_s1", "dropout_param { dropout_ratio: 0.4 }")


def _inception(name: str, bottom: str, channels: tuple[int, ...]) -> str:
    one, reduce3, three, reduce5, five, projected = channels
    return (
        _conv(f"{name}/1x1", f"{name}/relu_1x1", bottom, one, 1)
        + _conv(f"{name}/3x3_reduce", f"{name}/relu_3x3_reduce", bottom, reduce3, 1)
        + _conv(f"{name}/3x3", f"{name}/relu_3x3", f"{name}/3x3_reduce", three, 3, pad=1)
        + _conv(f"{name}/5x5_reduce", f"{name}/relu_5x5_reduce", bottom, reduce5, 1)
        + _conv(f"{name}/5x5", f"{name}/relu_5x5", f"{name}/5x5_reduce", five, 5, pad=2)
        + pool(f"{name}/pool", bottom, "MAX", 3, pad=1)
        + _conv(f"{name}/pool_proj", f"{name}/relu_pool_proj", f"{name}/pool", projected, 1)
        + concat(f"{name}/output", [f"{name}/{branch}" for branch in ("1x1", "3x3", "5x5", "pool_proj")])
    )


def _conv(name: str, rectifier: str, bottom: str, channels: int, kernel: int, *, stride: int = 1, pad: int = 0) -> str:
    text = conv(name, bottom, channels, kernel, stride=stride, pad=pad, filler=XAVIER, bias_value=0.2)
    return text + relu(rectifier, name)


def _heads() -> str:
    """Return what is said of each cell."""
    return (
        conv("cvg/classifier", "pool5/drop_s1", CLASSES, 1, filler=XAVIER)
        + layer("coverage/sig", "Sigmoid", "cvg/classifier", "coverage")
        + conv("bbox/regressor", "pool5/drop_s1", 4, 1, filler=XAVIER, top="bboxes")
    )


def _detection_losses() -> str:
    """Return the losses: of the coverage everywhere, of the box where there is an object."""
    product = "eltwise_param { operation: PROD }"
    return (
        layer("bbox_mask", "Eltwise", "bboxes coverage-block", "bboxes-masked", product, NOT_ANSWERS)
        + layer("bbox-norm", "Eltwise", "bboxes-masked size-block", "bboxes-masked-norm", product, NOT_ANSWERS)
        + layer("bbox-obj-norm", "Eltwise", "bboxes-masked-norm obj-block", "bboxes-obj-masked-norm", product, NOT_ANSWERS)
        + layer("bbox_loss", "L1Loss", "bboxes-obj-masked-norm bbox-obj-label-norm", "loss_bbox", "loss_weight: 2", NOT_ANSWERS)
        + layer("coverage_loss", "EuclideanLoss", "coverage coverage-label", "loss_coverage", NOT_ANSWERS)
    )  # fmt: skip


def _boxes() -> str:
    """Return lists of boxes, the answer; in validation also how well they fit the true ones."""
    clustering, mean_ap = "caffe.layers.detectnet.clustering", "caffe.layers.detectnet.mean_ap"
    found = f"{WIDTH}, {HEIGHT}, {STRIDE}, 0.6, 3, 0.02, 22, {CLASSES}"
    not_learning = 'exclude { stage: "train" }'
    return (
        _python("cluster", "coverage bboxes", "bbox-list", clustering, "ClusterDetections", found, not_learning)
        + _python(
            "cluster_gt", "coverage-label bbox-label", "bbox-list-label", clustering, "ClusterGroundtruth",
            f"{WIDTH}, {HEIGHT}, {STRIDE}, {CLASSES}", VALIDATES,
        )
        + _python("score", "bbox-list-label bbox-list", "bbox-list-scored", mean_ap, "ScoreDetections", "", VALIDATES)
        + _python("mAP", "bbox-list-scored", "mAP precision recall", mean_ap, "mAP", "", VALIDATES)
    )  # fmt: skip


def _python(name: str, bottoms: str, tops: str, module: str, kind: str, param: str, rule: str) -> str:
    words = f' param_str: "{param}"' if param else ""
    return layer(name, "Python", bottoms, tops, f'python_param {{ module: "{module}" layer: "{kind}"{words} }}', rule)
