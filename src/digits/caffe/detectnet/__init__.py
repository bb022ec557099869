"""DetectNet's layers in Python, under the names that NVCaffe's definitions have for them: ``caffe.layers.detectnet.clustering``, ``mean_ap``."""
