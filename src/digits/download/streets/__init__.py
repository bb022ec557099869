"""Street scenes drawn by the program with exact labels: a set for segmentation that needs no network, no licence and no size limit.

``camera`` is the perspective, ``scene`` what stands where, ``paint`` how each thing looks, ``write`` the files. The classes are those
of the legend that closes the DIGITS tutorial, in colours that CamVid made usual.
"""

from digits.download.streets.classes import CLASSES, COLOURS
from digits.download.streets.scene import Street, draw_street
from digits.download.streets.write import write_streets

__all__ = ["CLASSES", "COLOURS", "Street", "draw_street", "write_streets"]
