"""Networks written in Python with Keras 3 on TensorFlow: ``class UserModel(Tower)`` as in DIGITS 6, or ``build_model(params)``.

``text``, ``describe`` and ``params`` load no TensorFlow; the rest runs in an interpreter that has it, and loads no torch.
"""
