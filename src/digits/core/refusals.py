"""The rules by which files, lines, archives and records are refused: what each id means, and what to do.

The id stands in ``refused.csv``, on a dataset's page and in answers beside the reason, which names the particular. ``docs/reference/refusals.md``
is this table as a page: ``python -m scripts.refusals`` writes it. A rule that is not here cannot be used: a test looks.
"""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """A rule in words."""

    meaning: str
    action: str


_SAVE = "Save it as JPEG, PNG, BMP, PPM, GIF, WebP or TIFF with 8 or 16 bits a channel."
_AGAIN = "Copy or fetch it again."

REFUSALS: dict[str, dict[str, Refusal]] = {
    "Pictures": {
        "IMG_EMPTY": Refusal("The file has no bytes.", _AGAIN),
        "IMG_NOT_A_PICTURE": Refusal(
            "The content is no picture, whatever the name says: text, a web page, a system's file, a device.",
            "Nothing, if it is no picture; else fetch it again.",
        ),
        "IMG_FORMAT": Refusal("A picture of a kind that is not read: HEIC, AVIF, SVG, PDF, a camera's raw file ...", _SAVE),
        "IMG_TRUNCATED": Refusal("The file ends before the picture does.", _AGAIN),
        "IMG_BROKEN": Refusal("The picture's data contradict themselves, or it has no pixel.", _AGAIN),
        "IMG_TOO_LARGE": Refusal(
            "More pixels than the setting `max_image_pixels`, a side over 30,000 px, or a file over 512 MiB.",
            "Make it smaller, or raise the setting.",
        ),
        "IMG_SLOW": Refusal("Decoding takes more than 10 s of processor time.", _SAVE),
        "IMG_MODE": Refusal("Pixels whose values have no stated range: floating-point numbers, 32 bits, Lab.", _SAVE),
        "DICOM_MISSING": Refusal("DICOM needs a library that is not installed.", "Install `opendigits[medical]`."),
        "IMG_CHANNELS": Refusal(
            "It has another number of channels than the dataset takes, or than a format can hold.",
            "Choose Image Type 'As stored' for pictures that all have the same number from 1 to 16.",
        ),
        "VIEW_SHAPE": Refusal("No output of the network is of the shape that the chosen view shows.", "Choose another view; all raw data shows every output."),
        "IMG_SIZE": Refusal("The network takes no picture of this size.", "Leave `dont_resize` out; it is for networks whose layers are all convolutions."),
        "IMG_UNREADABLE": Refusal(
            "The system does not give the file to the server: it is not there, or rights are missing.",
            "Look at the path and its rights; a link may lead to itself.",
        ),
    },
    "Folders": {
        "LINK_BROKEN": Refusal("A symbolic link to nothing.", "Remove it, or put the file there."),
        "LINK_LOOP": Refusal("A symbolic link to a folder that was read before.", "Nothing: its pictures are there once."),
        "LINK_OUTSIDE": Refusal("A symbolic link to a place outside the given folder.", "Copy the file into the folder."),
        "PATH_OUTSIDE": Refusal(
            "A path outside the folders that the setting `data_roots` lists.", "Move it there, or add its folder to the setting."
        ),
        "PATH_RELATIVE": Refusal("A path that is not absolute, without a folder that goes before it.", "Name the image folder."),
        "SOURCE_UNKNOWN": Refusal(
            "What lies at the path is no kind of source.", "Name a folder of class folders, an archive, a list or a table."
        ),
    },
    "Lists and tables": {
        "LIST_LINE": Refusal("A line is no path with a class.", "Write a path, a blank and the number of its class, from 0."),
        "LIST_EMPTY": Refusal("No line of the list is good.", "Look at its first lines in `refused.csv`; it is a text file in UTF-8."),
        "LABEL_UNKNOWN": Refusal("A class that the names of the classes do not have.", "Add its name, or mend the line."),
        "LABEL_MISSING": Refusal("A row names no class.", "Fill in its class."),
        "LABEL_COUNT": Refusal("A line has another number of values than the first.", "Give each line as many."),
        "LABEL_BLANK": Refusal("A blank line between the names of the classes.", "Give every class a name."),
        "LABELS_EMPTY": Refusal("The file with the names of the classes has none.", "Write one name a line."),
        "SPLIT_UNKNOWN": Refusal("A row is for a database that does not exist.", "Write train, val, test or nothing."),
        "IMAGE_MISSING": Refusal("A row names no picture.", "Fill in its path or address."),
        "COLUMN_MISSING": Refusal("A table has no column for the picture or the class.", "Call them image and label."),
        "TABLE_ROW": Refusal("A row cannot be read: too few columns, no JSON.", "Mend the line."),
        "TABLE_UNKNOWN": Refusal("The file is no table.", "Save it as CSV, JSON lines or Parquet."),
        "TABLE_DAMAGED": Refusal("The table cannot be read to its end.", _AGAIN),
        "PYARROW_MISSING": Refusal("Parquet and Arrow need a library that is not installed.", "Install `opendigits[parquet]`."),
    },
    "Archives and shards": {
        "ARCHIVE_UNKNOWN": Refusal("The file is no archive that is read.", "Pack the pictures as .zip, .tar or .tar.gz."),
        "ARCHIVE_DAMAGED": Refusal("The archive cannot be read.", "Make or fetch it again."),
        "ARCHIVE_BOMB": Refusal("It unpacks to more than 200 times its size, or has over five million entries.", "Pack ordinary files."),
        "ARCHIVE_LINK": Refusal("A member is a link.", "Put the file itself into the archive."),
        "ARCHIVE_PATH": Refusal("A member's name leads out of the archive.", "Pack it from within the folder."),
        "ARCHIVE_DOUBLE": Refusal("A second member of the same name.", "Give each file a name of its own."),
        "ARCHIVE_ENCRYPTED": Refusal("A member needs a password.", "Make the archive without one."),
        "HIDDEN": Refusal("A hidden member of an archive, or a folder of macOS' own.", "Give it a name that does not begin with a dot."),
        "NO_CLASS": Refusal("A picture lies in no class folder, its sample has no class, or a class to be renamed is not there.", "Put it into the folder of its class."),
        "NO_SHARDS": Refusal("There are no tar shards, or one of a series is missing.", "Name the folder that holds all of them."),
    },
    "Addresses": {
        "URL_REFUSED": Refusal(
            "The address may not be fetched: its host is private or not allowed, or its protocol is not read.",
            "Look at the settings `url_hosts` and `allow_private_addresses`.",
        ),
        "URL_UNREACHABLE": Refusal("No connection to the host.", "Try the address from the server; then again."),
        "URL_STATUS": Refusal("The host answered something else than 200, or led on more than three times.", "Open the address in a browser."),
        "URL_SLOW": Refusal("The host did not answer in time.", "Try again later, or copy the files first."),
        "URL_TOO_LARGE": Refusal("More than 20 MB lie at the address.", "Copy the files first."),
        "URL_INDEX": Refusal("The address answered no index page that could be read.", "Name the folder's page, with a / at its end."),
        "REMOTE_FAILED": Refusal("A store (S3 or another) did not give the file.", "Look at the address and the rights of the key."),
        "FSSPEC_MISSING": Refusal("The store needs a library that is not installed.", "Install what the message names."),
    },
    "Datasets": {
        "TOO_FEW_CLASSES": Refusal("Fewer classes than needed have the minimum of pictures.", "Add pictures, or lower the minimum."),
        "TOO_MANY_CLASSES": Refusal("More than 100,000 classes.", "Look whether the right column names the class."),
        "DB_EMPTY": Refusal("Nothing was left to write into a database.", "Look into `refused.csv`, and at the shares."),
        "BASE_GONE": Refusal("A dataset that this one is made of is not there any more.", "Choose another."),
        "BASE_KIND": Refusal("Datasets with answers of different kinds cannot become one.", "Take those of one kind."),
        "CHANGES": Refusal("A correction of labels names a database, record or class that is not there, or is no table.", "Give it the columns db, key and label."),
        "COPY_FAILED": Refusal("An uploaded or fetched file could not be kept.", "Make room on the server's disk."),
        "RECORD_BROKEN": Refusal("A stored record cannot be decoded.", "`digits dataset verify` names it; make the dataset again."),
        "RECORD_MISSING": Refusal("A stored record or its database is not where the index says.", "Make the dataset again."),
    },
    "Pictures with labels": {
        "PAIR_MISSING": Refusal("A picture has no label of its name, or a label no picture.", "Call both alike but for the ending."),
        "PAIR_TWICE": Refusal("Two files of a folder have one name but for the ending.", "Keep one of them."),
        "IMG_SIZE": Refusal("A picture is not of the first one's size.", "Give a width and height for all, or let sizes differ."),
        "LABEL_LOSSY": Refusal("A label is a JPEG or of another format that is not kept to the value.", "Save labels as PNG."),
        "LABEL_MODE": Refusal("A label is of a kind that holds no class ids: transparent, or with numbers after a point.", "Save labels as PNG."),
        "LABEL_SIZE": Refusal("A label is not of its picture's size.", "Make both of one size."),
        "LABEL_VALUE": Refusal("A value of a label is no class.", "Name all classes, or give the value as the ignore label."),
        "LABEL_COLOUR": Refusal("A colour of a label stands for no class.", "Add a line to the color map, or mend the label."),
        "LABEL_PALETTE": Refusal("A label has another palette than the first.", "Save all with one palette, or list the colours in a color map file."),
    },
    "Numbers, pairs and ready-made databases": {
        "TABLE_COLUMN": Refusal("A table has no column of that name, or none that holds numbers.", "Name one of those that the reason lists."),
        "TABLE_NUMBER": Refusal("A cell that is to be learned holds no finite number.", "Fill it in, or leave the row out."),
        "TABLE_SPLIT": Refusal("A cell of the split column says neither train, val nor test.", "Write one of these."),
        "PAIR_SIMILAR": Refusal("A row does not say whether its two pictures are alike.", "Write 1 where they are, else 0."),
        "LABEL_CONTOUR": Refusal("A file of a contour is too large, or a line of it is no point of its picture: x and y, in pixels.", "Mend the line."),
        "PAIR_SERIES": Refusal("Several series of a case have pictures of a contour's numbers.", "Keep the one that was drawn on in the case's folder."),
        "LABEL_BROKEN": Refusal("A label that is a picture or a record cannot be decoded.", _AGAIN),
    },
    "Pictures with boxes": {
        "BOX_EMPTY": Refusal("A box has no width or no height. It is no box, and is left out; its picture stays.", "Draw it again, or leave it."),
        "BOX_FORMAT": Refusal("A file of annotations, or a line of one, is not what its format says. Its picture is left out.", "Mend the line, or choose the right format."),
        "BOX_ORDER": Refusal("A box ends before it begins.", "Write left, top, right, bottom; COCO's are left, top, width, height."),
        "BOX_NAMES": Refusal("Nothing says what YOLO's numbers of classes are called, or a number is missing.", "Name a data.yaml or a list of names as the annotation path."),
        "BOX_NONE": Refusal("There is not one box, or every one is to be ignored.", "Look whether it is the right folder of annotations."),
        "CLASS_NONE": Refusal("No box is of a class that is asked for; the message counts the names that are there.", "List those names as custom classes, or map them to the classes."),
        "CLASS_MAP": Refusal("The class mapping makes no sense with the list of classes.", "Write FOUND=CLASS, and each CLASS in the list where there is one."),
    },
}  # fmt: skip


def page() -> str:
    """Return ``docs/reference/refusals.md``."""
    parts = [
        "# Why something is refused\n",
        "A file that cannot be used costs its own row and never the job. The dataset's page, `digits dataset refused` and `refused.csv` list it with\n"
        "database, path, line, rule and reason; the rules are these. Made of `src/digits/core/refusals.py`: `python -m scripts.refusals`.\n",
    ]
    for title, rules in REFUSALS.items():
        rows = "".join(f"| `{name}` | {rule.meaning} | {rule.action} |\n" for name, rule in rules.items())
        parts.append(f"## {title}\n\n| rule | meaning | what to do |\n|---|---|---|\n{rows}")
    return "\n".join(parts)
