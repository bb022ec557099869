"""Well-known small picture sets, fetched, checked and written as class folders: MNIST, Fashion-MNIST, CIFAR-10 and -100.

``digits download``, ``python -m digits.download_data`` and the demo are the readers. Every file is checked against its known sha256
before a byte of it is used; where nothing can be fetched, digits are drawn. ``streets`` draws scenes for segmentation.
"""
