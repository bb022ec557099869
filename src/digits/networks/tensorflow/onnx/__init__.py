"""A trained Keras network as an ONNX file: ``graph`` holds what is written, ``layers`` and ``operations`` what each becomes, ``write`` the whole.

From the layers that Keras knows, with no package beside onnx itself (docs/adr/0106). What is not known here is refused by name, and a file is handed
out only after ONNX Runtime got the network's own numbers from it.
"""
